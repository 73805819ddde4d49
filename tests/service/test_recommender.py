from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from index.release import Release, ReleaseContents
from index.store import ReleaseStore
from service.recommender import Recommender


def brute_force(
    contents: ReleaseContents, user: int, k: int, *, exclude_seen: bool
) -> list[tuple[str, int]]:
    """Item ids and distances from the definition: the signs that differ, ties to the lower row."""
    signs = contents.user_embeddings[user] >= 0
    codes = np.unpackbits(contents.item_codes, axis=1, bitorder="little").astype(bool)
    ranked = sorted((int((signs != code).sum()), row) for row, code in enumerate(codes))
    seen = set(contents.seen[user].tolist()) if exclude_seen else set()
    allowed = [(distance, row) for distance, row in ranked if row not in seen]
    return [(contents.item_ids[row], distance) for distance, row in allowed[:k]]


@pytest.mark.parametrize("exclude_seen", [True, False])
@pytest.mark.parametrize("k", [1, 2, 7, 30, 60, 1000])
def test_answers_are_the_brute_force_ranking_to_the_last_tie(
    release: Release, contents: Callable[..., ReleaseContents], k: int, exclude_seen: bool
) -> None:
    made = contents()
    recommender = Recommender(release)
    for row, user in enumerate(made.user_ids):
        answer = recommender.recommend(user, k, exclude_seen=exclude_seen)
        assert answer.distances is not None
        got = list(zip(answer.item_ids, answer.distances, strict=True))
        assert got == brute_force(made, row, k, exclude_seen=exclude_seen)
        assert (answer.source, answer.release_id, answer.k) == ("codes", release.id, k)


def test_the_release_has_the_ties_that_the_ranking_test_needs(
    contents: Callable[..., ReleaseContents],
) -> None:
    ranking = brute_force(contents(), 0, 60, exclude_seen=False)
    distances = [distance for _, distance in ranking]
    assert len(set(distances)) < len(distances) / 5


def test_a_stranger_gets_the_popular_items_in_their_order(
    release: Release, contents: Callable[..., ReleaseContents]
) -> None:
    answer = Recommender(release).recommend("nobody knows me", 4)
    assert answer.item_ids == list(contents().item_ids[:4])
    assert (answer.source, answer.distances) == ("popular", None)


def test_a_stranger_gets_all_items_when_asking_for_more(release: Release) -> None:
    answer = Recommender(release).recommend("nobody knows me", 1000)
    assert len(answer.item_ids) == release.n_items


def test_who_has_seen_all_gets_nothing_unless_the_seen_count(release: Release) -> None:
    recommender = Recommender(release)
    assert recommender.recommend("all seen", 5).item_ids == []
    assert len(recommender.recommend("all seen", 5, exclude_seen=False).item_ids) == 5


def test_a_catalogue_smaller_than_k_is_answered_whole(
    contents: Callable[..., ReleaseContents], tmp_path: Path
) -> None:
    release = ReleaseStore(tmp_path).publish(contents(seed=3))
    assert len(Recommender(release).recommend("none seen", 61).item_ids) == 60
