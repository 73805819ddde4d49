"""The index of a release, and the check of its recall."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bitrecall.index.errors import ReleaseContentsError, ReleaseDamagedError, SearchError
from bitrecall.index.releases.manifest import Manifest
from bitrecall.index.releases.release import Release, ReleaseContents
from bitrecall.index.releases.store import ReleaseStore
from bitrecall.index.releases.writer import write_manifest
from bitrecall.index.search import index_selection
from bitrecall.index.search.flat import FlatBackend
from bitrecall.index.search.index_selection import build_index, shortfall
from bitrecall.index.search.packing import pack_signs
from bitrecall.index.search.tuning import recall_by_distance

pytestmark = pytest.mark.slow


def clustered(count: int, seed: int) -> np.ndarray:
    """Codes of 64 bits around a hundred centres."""
    centres = np.random.default_rng(0).standard_normal((100, 64))
    rng = np.random.default_rng(seed)
    return pack_signs(centres[rng.integers(0, 100, count)] + rng.standard_normal((count, 64)))


CODES, QUERIES = clustered(4000, 1), clustered(60, 2)


def test_selects_the_scan_for_few_items_and_ivf_for_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert build_index("auto", {}, CODES, QUERIES, 0.9).name == "flat"
    monkeypatch.setattr(index_selection, "_MIN_IVF_ITEMS", 3000)
    selected = build_index("auto", {}, CODES, QUERIES, 0.9)
    assert selected.name == "ivf"
    assert selected.recall is not None
    assert selected.recall >= 0.9


@pytest.mark.parametrize("name", ["hnsw", "ivf"])
def test_tunes_to_the_smallest_effort_that_reaches_the_recall(name: str) -> None:
    exact = FlatBackend.build(CODES).search(QUERIES, 100)[0]
    efforts = []
    for recall in (0.5, 0.9, 0.99):
        selected = build_index(name, {}, CODES, QUERIES, recall)
        measured = recall_by_distance(selected.built.search(QUERIES, 100)[0], exact)
        assert selected.recall == measured >= recall
        effort = selected.built.parameters[str(selected.built.effort)]
        # The effort reaches the recall alone, without filling up short results.
        unfilled = selected.built.with_effort(effort, fill=False).search(QUERIES, 100)[0]
        assert recall_by_distance(unfilled, exact) >= recall
        efforts.append(effort)
        # A graph may find more with less effort, and keeps 100 candidates for 100 items.
        if effort > 1 and name == "ivf":
            less = selected.built.with_effort(effort - 1, fill=False)
            assert recall_by_distance(less.search(QUERIES, 100)[0], exact) < recall
    assert efforts[0] <= efforts[1] <= efforts[2]
    assert name == "hnsw" or efforts[0] < efforts[2]


def test_does_not_tune_a_given_effort_but_measures_it() -> None:
    selected = build_index("ivf", {"nlist": 20, "nprobe": 1}, CODES, QUERIES, 0.99)
    assert selected.built.parameters["nprobe"] == 1
    assert selected.recall is not None
    assert 0.1 < selected.recall < 0.9


def test_an_exact_index_is_not_tuned() -> None:
    selected = build_index("flat", {}, CODES, QUERIES, 0.5)
    assert selected.recall is None
    assert selected.built.with_effort(7) is selected.built
    assert selected.built.max_effort == 1


def test_rejects_an_unknown_backend() -> None:
    with pytest.raises(SearchError, match="unknown backend 'tree'"):
        build_index("tree", {}, CODES, QUERIES, 0.9)


def test_reports_an_index_below_its_recall() -> None:
    built = build_index("ivf", {"nlist": 20, "nprobe": 1}, CODES, QUERIES, 0.99).built
    assert shortfall(built, CODES, QUERIES, 0.2) is None
    reason = shortfall(built, CODES, QUERIES, 0.98)
    assert reason is not None
    assert "below the 0.980 in the manifest" in reason


def test_the_recall_is_in_the_manifest_and_verified_on_opening(
    tmp_path: Path, make_contents: Callable[..., ReleaseContents]
) -> None:
    contents = make_contents(users=80, items=4000, bits=64, backend="ivf", recall=0.8)
    contents = replace(contents, item_codes=CODES, backend_parameters={"nlist": 20, "nprobe": 1})
    release = ReleaseStore(tmp_path).publish(contents)
    manifest = release.manifest
    assert manifest.backend_recall is not None
    assert manifest.backend_recall < 0.9
    assert Manifest.from_json(manifest.to_json(), Path("manifest.json")) == manifest
    write_manifest(release.path, replace(manifest, backend_recall=0.99))
    with pytest.raises(ReleaseDamagedError, match=r"item_index\.faiss: has a recall of 0\.\d+,"):
        Release.open(release.path)


@pytest.mark.parametrize("recall", [0.0, 1.1, -1.0])
def test_rejects_a_recall_outside_0_to_1(
    tmp_path: Path, make_contents: Callable[..., ReleaseContents], recall: float
) -> None:
    with pytest.raises(ReleaseContentsError, match="invalid recall"):
        ReleaseStore(tmp_path).publish(make_contents(recall=recall))
