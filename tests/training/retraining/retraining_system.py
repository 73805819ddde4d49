"""A system to retrain, from its events to its releases."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from bitrecall.events.event import Event
from bitrecall.events.store import EventStore
from bitrecall.index.releases.store import ReleaseStore
from bitrecall.training.data.interactions import Interactions
from bitrecall.training.recipe.recipe import Recipe
from bitrecall.training.retraining.inputs import RetrainingInputs
from bitrecall.training.retraining.report import Report
from bitrecall.training.retraining.run import run_retraining
from bitrecall.training.retraining.run_options import RetrainingOptions
from bitrecall.training.retraining.settings import RetrainingSettings

SETTINGS = RetrainingSettings().model_copy(
    update={
        "min_pairs": 30,
        "gate_min_users": 5,
        "gate_metric": "recall@10",
        "warm_epochs": 2,
        "warm_teacher_epochs": 2,
        "max_drift": 3.0,
    }
)


class RetrainingSystem:
    """A store, events and a working folder; later events resemble the first ones."""

    def __init__(self, root: Path, recipe: Recipe, pairs: Interactions) -> None:
        self.store = ReleaseStore(root / "releases")
        self.events = EventStore(f"sqlite:///{root}/events.db")
        self.work = root / "work"
        self.recipe = recipe
        later = np.random.default_rng(5).random(len(pairs)) < 0.3
        self.files = pairs.select(~later)
        self.later = pairs.select(later)

    def add_events(self, part: slice = slice(None)) -> None:
        """Append some of the later pairs as events."""
        pairs = self.later
        self.events.append(
            [
                Event(pairs.user_ids[user], pairs.item_ids[item], "view", 1000.0 + place)
                for place, (user, item) in enumerate(
                    zip(pairs.users[part], pairs.items[part], strict=True)
                )
            ]
        )

    def retrain(self, settings: RetrainingSettings = SETTINGS, **options: Any) -> Report:
        sources = RetrainingInputs(options.pop("files", None), None, self.events)
        recipe = options.pop("recipe", self.recipe)
        store = options.pop("store", self.store)
        chosen = RetrainingOptions(self.work, progress_bar=False, **options)
        report, page = run_retraining(store, recipe, settings, sources, chosen)
        assert json.loads(page.with_suffix(".json").read_text())["outcome"] == report.outcome
        assert report.reason[:40] in page.read_text()
        return report
