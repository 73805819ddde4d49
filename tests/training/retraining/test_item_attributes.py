import numpy as np

from bitrecall.index.releases.recency import Recency
from bitrecall.index.releases.release import Release
from bitrecall.index.releases.repeats import Repeats
from bitrecall.index.releases.store import ReleaseStore
from bitrecall.training.retraining.item_attributes import with_attributes


def test_other_attributes_change_neither_codes_nor_interactions(publish, tmp_path) -> None:
    seen = {"a": ["x", "y", "z"], "b": ["y"]}
    weights = {("a", "x"): 2.0, ("b", "y"): 3.0}
    recency = Recency(2.0, 0.5, 1.0, 8.0)
    repeats = Repeats(2.0, (0.0,), (0.5,), (1,), (0.1,))
    release: Release = publish(
        seen,
        weights=weights,
        ordered=True,
        recency=recency,
        repeats=repeats,
        counts={("a", "x"): 4},
    )
    again = ReleaseStore(tmp_path / "again").publish(with_attributes(release, release.attributes))
    users = np.arange(2)
    assert np.array_equal(again.user_codes(users), release.user_codes(users))
    assert (again.recency, again.repeats) == (recency, repeats)
    for name in (
        *("seen_weights", "seen_ages", "leaning_codes"),
        *("seen_counts", "seen_decayed"),
    ):
        assert getattr(release, name) is not None
        assert np.array_equal(getattr(again, name), getattr(release, name))
