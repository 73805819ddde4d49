"""The scores behind the choice: by the rule for codes, without the items that a user has."""

import numpy as np
import pytest

from bitrecall.index.fold_in.fresh_items import extended_codes
from bitrecall.index.fold_in.users import UserFoldIn
from bitrecall.index.releases.fold_in_map import FoldInMap
from bitrecall.index.releases.recency import Recency
from bitrecall.index.search.flat import FlatBackend
from bitrecall.training.metrics import GroundTruth, find_hits, ndcg_at, recall_at
from bitrecall.training.recency.validation_scores import ValidationScores
from tests.tools.small_release import RECENCY, make_contents

CONTENTS = make_contents(recency=RECENCY)
USERS = np.array([0, 2])
FRESH = [np.array([40, 7]), np.array([3])]
TARGETS = [np.array([8, 9, 59]), np.array([50])]


@pytest.fixture
def scores() -> ValidationScores:
    histories = [CONTENTS.seen[user] for user in USERS]
    return ValidationScores(CONTENTS, USERS, histories, FRESH, TARGETS)


def score_by_hand(codes: np.ndarray) -> list[float]:
    exclude = [
        np.union1d(CONTENTS.seen[user], items).astype(np.int32)
        for user, items in zip(USERS, FRESH, strict=True)
    ]
    ranked = FlatBackend.build(CONTENTS.item_codes).search(codes, 20, exclude)[1]
    truth = GroundTruth.from_lists(TARGETS)
    hits = find_hits(ranked.astype(np.int64), truth)
    means = (recall_at(hits, truth.sizes, 20) + ndcg_at(hits, truth.sizes, 20)) / 2
    return [float(mean) for mean in means]


@pytest.mark.parametrize("strength", [0.0, 0.5, 4.0])
@pytest.mark.parametrize("decay", [1.0, 8.0])
def test_known_users_have_the_codes_of_the_rule(
    scores: ValidationScores, strength: float, decay: float
) -> None:
    recency = Recency(decay, 0.0, strength)
    codes = extended_codes(CONTENTS, USERS, FRESH, recency=recency)
    assert scores.of_known(strength, decay).tolist() == score_by_hand(codes)


@pytest.mark.parametrize("decay", [None, 1.0, 8.0])
def test_unknown_users_are_folded_in_from_their_training_items(
    scores: ValidationScores, decay: float | None
) -> None:
    messages = CONTENTS.fold_in_messages
    learned = FoldInMap.fit(messages, CONTENTS.user_embeddings, CONTENTS.seen)
    codes = UserFoldIn(messages, learned, decay=decay).codes([CONTENTS.seen[u] for u in USERS])
    assert scores.of_unknown(decay).tolist() == score_by_hand(codes)
