"""The code of each user follows the rule, alone and in a batch."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitrecall.index.errors import SearchError
from bitrecall.index.fold_in.fresh_items import extended_codes
from bitrecall.index.fold_in.user_codes import UserEncoder
from bitrecall.index.fold_in.users import UserFoldIn
from bitrecall.index.releases.release import Release

USERS = [None, *range(5)]


def expected_code(
    release: Release, user: int | None, rows: Sequence[int]
) -> tuple[np.ndarray | None, str]:
    """Return the code and the source by the rule, with sets."""
    items = {row for row in rows if row < release.n_items}
    if user is None:
        if not items:
            return None, "popular"
        return UserFoldIn.of(release).codes([np.array(sorted(items))])[0], "history"
    if items <= set(release.seen[user].tolist()):
        return release.user_codes(np.array([user]))[0], "codes"
    additions = [np.array(sorted(items))]
    return extended_codes(release, np.array([user]), additions)[0], "codes+history"


row_lists = st.lists(st.integers(0, 64), max_size=8)


@settings(max_examples=150, deadline=None)
@given(queries=st.lists(st.tuples(st.sampled_from(USERS), row_lists), max_size=9))
def test_codes_follow_the_rule_alone_and_in_a_batch(
    release: Release, queries: list[tuple[int | None, list[int]]]
) -> None:
    encoder = UserEncoder(release)
    users = [user for user, _ in queries]
    items = [np.array(rows, np.int64) for _, rows in queries]
    batch = encoder.encode_many(users, items)
    assert batch.has_code().tolist() == [source != "popular" for source in batch.sources]
    for position, (user, rows) in enumerate(queries):
        code, source = expected_code(release, user, rows)
        single = encoder.encode(user, items[position])
        assert batch.sources[position] == single.source == source
        if code is None:
            assert single.code is None
            assert not batch.codes[position].any()
        else:
            assert single.code is not None
            assert single.code.tolist() == [code.tolist()]
            assert batch.codes[position].tolist() == code.tolist()


def test_every_source_occurs(release: Release) -> None:
    seen = release.seen[0]
    unseen = np.setdiff1d(np.arange(release.n_items), seen)[:2]
    encoder = UserEncoder(release)
    sources = encoder.encode_many([0, 0, 0, None, None], [seen[:0], seen, unseen, unseen, seen[:0]])
    assert sources.sources == ["codes", "codes", "codes+history", "history", "popular"]


def test_known_users_without_items_get_their_trained_codes(release: Release) -> None:
    codes = UserEncoder(release).encode_many([3, None, 1])
    assert codes.sources == ["codes", "popular", "codes"]
    assert np.array_equal(codes.codes[[0, 2]], release.user_codes(np.array([3, 1])))


@pytest.mark.parametrize(("user", "rows"), [(5, []), (-1, []), (None, [-1]), (0, [-1])])
def test_rejects_unknown_rows(release: Release, user: int | None, rows: list[int]) -> None:
    items = np.array(rows, np.int64)
    with pytest.raises(SearchError):
        UserEncoder(release).encode(user, items)
    with pytest.raises(SearchError):
        UserEncoder(release).encode_many([user], [items])


def test_without_recency_the_order_does_not_matter(release: Release) -> None:
    encoder = UserEncoder(release)
    for user in USERS:
        forward, backward = (
            encoder.encode(user, np.array(rows)) for rows in ([4, 41, 7], [7, 41, 4, 4])
        )
        assert forward.source == backward.source
        assert np.array_equal(forward.code, backward.code)


@settings(max_examples=100, deadline=None)
@given(queries=st.lists(st.tuples(st.sampled_from(USERS), row_lists), max_size=9))
def test_with_recency_codes_are_the_same_alone_and_in_a_batch(
    ordered_release: Release, queries: list[tuple[int | None, list[int]]]
) -> None:
    encoder = UserEncoder(ordered_release)
    items = [np.array(rows, np.int64) for _, rows in queries]
    batch = encoder.encode_many([user for user, _ in queries], items)
    for position, (user, rows) in enumerate(queries):
        single = encoder.encode(user, items[position])
        assert single.source == batch.sources[position]
        if single.code is not None:
            assert single.code[0].tolist() == batch.codes[position].tolist()
        assert (single.source == "codes+history") == (
            user is not None and any(row < ordered_release.n_items for row in rows)
        )


def test_with_recency_the_order_and_the_last_occurrence_count(ordered_release: Release) -> None:
    encoder = UserEncoder(ordered_release)
    differing = 0
    for user in (None, 2, 3):
        codes = [
            encoder.encode(user, np.array(rows)).code
            for rows in ([41, 4, 7, 50], [50, 41, 4, 50, 7, 50], [50, 7, 4, 41])
        ]
        assert np.array_equal(codes[0], codes[1])
        differing += not np.array_equal(codes[0], codes[2])
    assert differing == 3


def test_users_without_items_get_their_published_codes(ordered_release: Release) -> None:
    codes = UserEncoder(ordered_release).encode_many([3, None, 1])
    assert codes.sources == ["codes", "popular", "codes"]
    leaning = ordered_release.leaning_codes
    assert leaning is not None
    assert np.array_equal(codes.codes[[0, 2]], leaning[[3, 1]])
