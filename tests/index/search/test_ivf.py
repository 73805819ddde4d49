"""Lists in a catalogue that is large enough for them to be searched; small ones are scanned."""

from pathlib import Path

import faiss
import numpy as np
import pytest

from bitrecall.index.errors import ReleaseDamagedError, SearchError
from bitrecall.index.search.ivf import IvfBackend
from bitrecall.index.search.packing import hamming_distances, pack_signs

pytestmark = pytest.mark.slow

ITEMS, BITS = 6000, 64


def clustered(count: int, seed: int) -> np.ndarray:
    centres = np.random.default_rng(0).standard_normal((60, BITS))
    rng = np.random.default_rng(seed)
    points = centres[rng.integers(0, 60, count)] + 0.8 * rng.standard_normal((count, BITS))
    # Many codes are the same, so that there are ties.
    return pack_signs(points)[rng.integers(0, count, count)]


CODES, QUERIES = clustered(ITEMS, 1), clustered(40, 2)


@pytest.fixture(scope="module")
def built() -> IvfBackend:
    return IvfBackend.build(CODES, nlist=80, nprobe=6)


@pytest.mark.parametrize("excluded", [0, 3, 100, 300])
@pytest.mark.parametrize("share", [1.0, 0.6, 0.1])
@pytest.mark.parametrize("k", [1, 20])
def test_what_it_finds_keeps_the_promises(
    built: IvfBackend, excluded: int, share: float, k: int
) -> None:
    rng = np.random.default_rng(3)
    exclude = [rng.choice(ITEMS, excluded, replace=False) for _ in QUERIES]
    allowed = None if share == 1 else rng.random(ITEMS) < share
    distances, rows = built.search(QUERIES, k, exclude, allowed)
    for query in range(len(QUERIES)):
        near, which = distances[query], rows[query]
        assert len(np.unique(which)) == k
        assert (which >= 0).all()
        assert not np.isin(which, exclude[query]).any()
        assert allowed is None or allowed[which].all()
        true = hamming_distances(QUERIES[query : query + 1], CODES[which])[0]
        assert np.array_equal(near, true)
        assert np.array_equal(np.lexsort((which, near)), np.arange(k))
        alone = built.search(QUERIES[query : query + 1], k, [exclude[query]], allowed)
        assert np.array_equal((alone[0][0], alone[1][0]), (near, which))


def test_it_finds_most_of_what_there_is_and_more_with_more_effort(built: IvfBackend) -> None:
    exact = np.sort(hamming_distances(QUERIES, CODES), axis=1)[:, :20]
    right = [
        (built.with_effort(nprobe).search(QUERIES, 20)[0] <= exact[:, -1:]).mean()
        for nprobe in (1, 6, 80)
    ]
    assert 0.3 < right[0] < right[1] < right[2] == 1


def test_where_the_nearest_lists_hold_too_few_more_are_searched() -> None:
    few = IvfBackend.build(CODES, nlist=1000, nprobe=1)
    distances, rows = few.search(QUERIES, 50)
    assert (rows >= 0).all()
    assert (distances >= 0).all()
    only = np.zeros(ITEMS, np.bool_)
    only[::10] = True
    distances, rows = few.search(QUERIES, 30, None, only)
    assert (rows >= 0).all()
    assert only[rows].all()


def test_from_a_file_it_is_mapped_and_the_same(built: IvfBackend, tmp_path: Path) -> None:
    built.save(tmp_path / "index")
    read = IvfBackend.load(tmp_path / "index", CODES, **built.parameters)
    assert type(faiss.downcast_InvertedLists(read._index.invlists)) is faiss.OnDiskInvertedLists
    assert np.array_equal(read.search(QUERIES, 9), built.search(QUERIES, 9))
    (tmp_path / "index").unlink()
    assert np.array_equal(read.search(QUERIES, 9), built.search(QUERIES, 9))


def test_lists_of_other_codes_or_of_another_number_are_refused(
    built: IvfBackend, tmp_path: Path
) -> None:
    built.save(tmp_path / "index")
    with pytest.raises(ReleaseDamagedError, match="80 lists"):
        IvfBackend.load(tmp_path / "index", CODES, nlist=81)
    turned = CODES.copy()
    turned[17, 3] ^= 1
    with pytest.raises(ReleaseDamagedError, match="not those of the item codes"):
        IvfBackend.load(tmp_path / "index", turned, nlist=80)


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"nlist": 0}, "nlist must be"),
        ({"nprobe": 0}, "nprobe must be"),
        ({"nlist": 7000}, "at most the number of items"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(parameters: dict[str, int], said: str) -> None:
    with pytest.raises(SearchError, match=said):
        IvfBackend.build(CODES, **parameters)


def test_more_probes_than_lists_are_all_lists() -> None:
    assert IvfBackend.build(CODES, nlist=5, nprobe=9).parameters == {"nlist": 5, "nprobe": 5}
