"""IVF on a catalogue large enough that its lists are searched; small ones are scanned."""

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
    # Many codes are equal, so there are ties.
    return pack_signs(points)[rng.integers(0, count, count)]


CODES, QUERIES = clustered(ITEMS, 1), clustered(40, 2)


@pytest.fixture(scope="module")
def built() -> IvfBackend:
    return IvfBackend.build(CODES, nlist=80, nprobe=6)


@pytest.mark.parametrize("excluded", [0, 3, 100, 300])
@pytest.mark.parametrize("share", [1.0, 0.6, 0.1])
@pytest.mark.parametrize("k", [1, 20])
def test_results_keep_the_contract(built: IvfBackend, excluded: int, share: float, k: int) -> None:
    rng = np.random.default_rng(3)
    exclude = [rng.choice(ITEMS, excluded, replace=False) for _ in QUERIES]
    allowed = None if share == 1 else rng.random(ITEMS) < share
    distances, rows = built.search(QUERIES, k, exclude, allowed)
    for query in range(len(QUERIES)):
        query_distances, query_rows = distances[query], rows[query]
        assert len(np.unique(query_rows)) == k
        assert (query_rows >= 0).all()
        assert not np.isin(query_rows, exclude[query]).any()
        assert allowed is None or allowed[query_rows].all()
        true = hamming_distances(QUERIES[query : query + 1], CODES[query_rows])[0]
        assert np.array_equal(query_distances, true)
        assert np.array_equal(np.lexsort((query_rows, query_distances)), np.arange(k))
        alone = built.search(QUERIES[query : query + 1], k, [exclude[query]], allowed)
        assert np.array_equal((alone[0][0], alone[1][0]), (query_distances, query_rows))


def test_finds_more_with_more_effort(built: IvfBackend) -> None:
    exact = np.sort(hamming_distances(QUERIES, CODES), axis=1)[:, :20]
    recalls = [
        (built.with_effort(nprobe).search(QUERIES, 20)[0] <= exact[:, -1:]).mean()
        for nprobe in (1, 6, 80)
    ]
    assert 0.3 < recalls[0] < recalls[1] < recalls[2] == 1


def test_searches_more_lists_if_the_nearest_have_too_few_rows() -> None:
    narrow = IvfBackend.build(CODES, nlist=1000, nprobe=1)
    distances, rows = narrow.search(QUERIES, 50)
    assert (rows >= 0).all()
    assert (distances >= 0).all()
    allowed = np.zeros(ITEMS, np.bool_)
    allowed[::10] = True
    distances, rows = narrow.search(QUERIES, 30, None, allowed)
    assert (rows >= 0).all()
    assert allowed[rows].all()


def test_a_loaded_index_is_memory_mapped_and_equal(built: IvfBackend, tmp_path: Path) -> None:
    built.save(tmp_path / "index")
    loaded = IvfBackend.load(tmp_path / "index", CODES, **built.parameters)
    assert type(faiss.downcast_InvertedLists(loaded._index.invlists)) is faiss.OnDiskInvertedLists
    assert np.array_equal(loaded.search(QUERIES, 9), built.search(QUERIES, 9))
    (tmp_path / "index").unlink()
    assert np.array_equal(loaded.search(QUERIES, 9), built.search(QUERIES, 9))


def test_rejects_lists_of_other_codes_or_of_another_number(
    built: IvfBackend, tmp_path: Path
) -> None:
    built.save(tmp_path / "index")
    with pytest.raises(ReleaseDamagedError, match="80 lists"):
        IvfBackend.load(tmp_path / "index", CODES, nlist=81)
    altered = CODES.copy()
    altered[17, 3] ^= 1
    with pytest.raises(ReleaseDamagedError, match="differ from the item codes"):
        IvfBackend.load(tmp_path / "index", altered, nlist=80)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"nlist": 0}, "nlist must be"),
        ({"nprobe": 0}, "nprobe must be"),
        ({"nlist": 7000}, "at most the number of items"),
    ],
)
def test_rejects_invalid_parameters(parameters: dict[str, int], message: str) -> None:
    with pytest.raises(SearchError, match=message):
        IvfBackend.build(CODES, **parameters)


def test_limits_nprobe_to_the_number_of_lists() -> None:
    assert IvfBackend.build(CODES, nlist=5, nprobe=9).parameters == {"nlist": 5, "nprobe": 5}
