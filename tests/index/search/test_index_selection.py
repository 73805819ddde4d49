"""Which index a release gets, and that it finds what it says."""

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
from bitrecall.index.search import index_selection as choice
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


def test_a_scan_as_long_as_that_is_the_fastest_and_then_lists(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert build_index("auto", {}, CODES, QUERIES, 0.9).name == "flat"
    monkeypatch.setattr(choice, "_MIN_IVF_ITEMS", 3000)
    chosen = build_index("auto", {}, CODES, QUERIES, 0.9)
    assert chosen.name == "ivf"
    assert chosen.recall is not None
    assert chosen.recall >= 0.9


@pytest.mark.parametrize("name", ["hnsw", "ivf"])
def test_it_searches_as_hard_as_the_recall_takes_and_no_harder(name: str) -> None:
    exact = FlatBackend.build(CODES).search(QUERIES, 100)[0]
    efforts = []
    for wanted in (0.5, 0.9, 0.99):
        chosen = build_index(name, {}, CODES, QUERIES, wanted)
        found = recall_by_distance(chosen.built.search(QUERIES, 100)[0], exact)
        assert chosen.recall == found >= wanted
        effort = chosen.built.parameters[str(chosen.built.effort)]
        # Not thanks to what is scanned where lists come back short.
        unfilled = chosen.built.with_effort(effort, fill=False).search(QUERIES, 100)[0]
        assert recall_by_distance(unfilled, exact) >= wanted
        efforts.append(effort)
        # A graph may find more with less, and holds a hundred candidates for a hundred items.
        if effort > 1 and name == "ivf":
            less = chosen.built.with_effort(effort - 1, fill=False)
            assert recall_by_distance(less.search(QUERIES, 100)[0], exact) < wanted
    assert efforts[0] <= efforts[1] <= efforts[2]
    assert name == "hnsw" or efforts[0] < efforts[2]


def test_what_is_given_is_not_tuned_and_measured_all_the_same() -> None:
    chosen = build_index("ivf", {"nlist": 20, "nprobe": 1}, CODES, QUERIES, 0.99)
    assert chosen.built.parameters["nprobe"] == 1
    assert chosen.recall is not None
    assert 0.1 < chosen.recall < 0.9


def test_an_exact_index_has_nothing_to_tune() -> None:
    chosen = build_index("flat", {}, CODES, QUERIES, 0.5)
    assert chosen.recall is None
    assert chosen.built.with_effort(7) is chosen.built
    assert chosen.built.most_effort == 1


def test_an_unknown_backend_is_refused() -> None:
    with pytest.raises(SearchError, match="no backend 'tree'"):
        build_index("tree", {}, CODES, QUERIES, 0.9)


def test_one_that_finds_less_than_it_says_is_told() -> None:
    built = build_index("ivf", {"nlist": 20, "nprobe": 1}, CODES, QUERIES, 0.99).built
    assert shortfall(built, CODES, QUERIES, 0.2) is None
    told = shortfall(built, CODES, QUERIES, 0.98)
    assert told is not None
    assert "the manifest says 0.980" in told


def test_it_is_in_the_manifest_and_verified_when_the_release_is_opened(
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
def test_a_recall_that_is_none_is_refused(
    tmp_path: Path, make_contents: Callable[..., ReleaseContents], recall: float
) -> None:
    with pytest.raises(ReleaseContentsError, match="cannot find"):
        ReleaseStore(tmp_path).publish(make_contents(recall=recall))
