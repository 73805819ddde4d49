import numpy as np

from bitrecall.index.fold_in.items import ItemFoldIn
from bitrecall.index.releases.release import Release
from bitrecall.service.online.new_items import NewItemEncoder

AUDIENCES = {
    "b": ["17", "none seen"],
    "a": ["all seen", "17"],
    "c": ["17", "all seen", "none seen", "a stranger"],
    "few": ["17", "a stranger", "another"],
}


def test_items_with_enough_users_have_the_code_of_their_users(release: Release) -> None:
    new = NewItemEncoder(release, min_users=2).new_items(AUDIENCES)
    assert new is not None
    assert list(new.ids) == ["c", "a", "b"]
    fold_in = ItemFoldIn.of(release)
    for item, code in zip(new.ids, new.codes, strict=True):
        rows = [release.users.row_of(user) for user in AUDIENCES[item]]
        known = np.array([row for row in rows if row is not None])
        assert np.array_equal(fold_in.codes([known])[0], code)


def test_a_code_changes_with_its_users(release: Release) -> None:
    encoder = NewItemEncoder(release, min_users=1)
    first = encoder.new_items({"a": ["17"], "b": ["none seen"]})
    again = encoder.new_items({"a": ["all seen"], "b": ["none seen"]})
    alone = NewItemEncoder(release, min_users=1).new_items({"a": ["all seen"], "b": ["none seen"]})
    assert first is not None
    assert again is not None
    assert alone is not None
    assert np.array_equal(again.codes, alone.codes)
    assert not np.array_equal(first.codes[0], again.codes[0])


def test_without_users_there_are_no_new_items(release: Release) -> None:
    assert NewItemEncoder(release, min_users=1).new_items({}) is None
    assert NewItemEncoder(release, min_users=1).new_items({"a": ["a stranger"]}) is None
