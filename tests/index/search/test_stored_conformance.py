"""The contract of every backend that a release can store: its file."""

from pathlib import Path

import faiss
import numpy as np
import pytest

from bitrecall.index.errors import ReleaseDamagedError, SearchError
from bitrecall.index.search.protocol import StoredBackend
from bitrecall.index.search.registry import backend, backends

pytestmark = pytest.mark.slow

CATALOGUE = np.array([[0], [1], [2], [3], [255], [0], [15]], np.uint8)


@pytest.fixture(params=sorted(backends()))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def build(kind: str, codes: np.ndarray) -> StoredBackend:
    return backend(kind).build(codes)


def test_rejects_unknown_parameters(kind: str) -> None:
    with pytest.raises(SearchError, match="colour"):
        backend(kind).build(CATALOGUE, colour=3)


def test_a_loaded_index_returns_the_same_results(kind: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    codes = rng.integers(0, 4, (60, 2), dtype=np.uint8)
    queries = rng.integers(0, 4, (9, 2), dtype=np.uint8)
    exclude = [rng.choice(60, 20) for _ in queries]
    built = build(kind, codes)
    built.save(tmp_path / "index")
    loaded = type(built).load(tmp_path / "index", codes, **built.parameters)
    assert (loaded.bits, len(loaded), loaded.parameters) == (16, 60, built.parameters)
    assert np.array_equal(loaded.search(queries, 20, exclude), built.search(queries, 20, exclude))


def test_building_again_gives_the_same_file(kind: str, tmp_path: Path) -> None:
    codes = np.random.default_rng(5).integers(0, 256, (300, 2), dtype=np.uint8)
    build(kind, codes).save(tmp_path / "one")
    build(kind, codes).save(tmp_path / "two")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


@pytest.mark.parametrize(
    "other",
    [CATALOGUE[:-1], CATALOGUE[::-1], np.zeros((7, 2), np.uint8), CATALOGUE ^ np.uint8(64)],
)
def test_rejects_a_file_of_other_codes(kind: str, tmp_path: Path, other: np.ndarray) -> None:
    built = build(kind, CATALOGUE)
    built.save(tmp_path / "index")
    with pytest.raises(ReleaseDamagedError, match="index"):
        type(built).load(tmp_path / "index", other, **built.parameters)


@pytest.mark.parametrize("damage", [b"", b"IBxF", b"\0" * 100])
def test_rejects_a_file_that_is_not_an_index(kind: str, tmp_path: Path, damage: bytes) -> None:
    built = build(kind, CATALOGUE)
    (tmp_path / "index").write_bytes(damage)
    with pytest.raises(ReleaseDamagedError, match="index"):
        type(built).load(tmp_path / "index", CATALOGUE, **built.parameters)


def test_rejects_a_truncated_file(kind: str, tmp_path: Path) -> None:
    built = build(kind, CATALOGUE)
    path = tmp_path / "index"
    built.save(path)
    content = path.read_bytes()
    for length in range(0, len(content), 7):
        path.write_bytes(content[:length])
        with pytest.raises(ReleaseDamagedError):
            type(built).load(path, CATALOGUE, **built.parameters)


def test_rejects_a_file_of_another_kind(kind: str, tmp_path: Path) -> None:
    faiss.write_index_binary(
        faiss.IndexBinaryIVF(faiss.IndexBinaryFlat(8), 8, 1), str(tmp_path / "i")
    )
    with pytest.raises(ReleaseDamagedError):
        backend(kind).load(tmp_path / "i", CATALOGUE)


def test_saving_to_a_missing_folder_raises_oserror(kind: str, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="could not be written"):
        build(kind, CATALOGUE).save(tmp_path / "missing" / "index")
