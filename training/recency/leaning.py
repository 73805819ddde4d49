"""Embeddings of users that lean on their newest items, as a release would publish their codes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from bitrecall.index.releases.recency import Recency, ages_of, decayed_sum, lean, stored_ages
from bitrecall.training.export import release_contents
from bitrecall.training.fitting.runner import TrainedModel
from bitrecall.training.model.method import Embeddings
from bitrecall.training.recipe.recipe import Recipe


def leaning_embeddings(model: TrainedModel, recipe: Recipe, recency: Recency | None) -> Embeddings:
    """Return a model's embeddings, those of users leaning by ``recency.known_strength``."""
    if recency is None or not recency.known_strength or model.train.ages is None:
        return model.embeddings
    contents = release_contents(model.embeddings, model.train, recipe)
    ages = stored_ages(model.train.ages)
    seen, messages = contents.seen, contents.fold_in_messages
    recent = [
        decayed_sum(messages, seen[user], ages_of(seen, ages, user), recency.decay)
        for user in range(len(seen))
    ]
    users = lean(contents.user_embeddings, np.array(recent), recency.known_strength)
    return replace(model.embeddings, users=torch.from_numpy(users.astype(np.float32)))
