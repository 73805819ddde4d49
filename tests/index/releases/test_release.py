"""Opening a release, and reading it."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bitrecall.index.errors import SearchError
from bitrecall.index.releases.files import ARRAYS
from bitrecall.index.releases.release import Release, ReleaseContents, RowLists
from bitrecall.index.releases.writer import write_files, write_manifest
from bitrecall.index.search.packing import pack_signs

pytestmark = pytest.mark.slow

Make = Callable[..., ReleaseContents]


def test_codes_are_the_signs_of_the_embeddings(folder: Path) -> None:
    release = Release.open(folder)
    codes = release.user_codes(np.array([3, 0, 3]))
    assert np.array_equal(codes, pack_signs(np.asarray(release.user_embeddings)[[3, 0, 3]]))
    assert release.user_codes(np.array([], np.int64)).shape == (0, 2)


@pytest.mark.parametrize("row", [-1, 5])
def test_rejects_an_unknown_user_row(folder: Path, row: int) -> None:
    with pytest.raises(SearchError, match="outside 0 … 4"):
        Release.open(folder).user_codes(np.array([0, row]))


def test_arrays_are_read_only(folder: Path) -> None:
    release = Release.open(folder)
    for array in (release.item_codes, release.user_embeddings, release.popularity):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_arrays_are_memory_mapped(folder: Path) -> None:
    release = Release.open(folder)
    mapped = Path("/proc/self/maps")
    if mapped.exists():
        maps = mapped.read_text()
        # The release has no weights, no order and no repeats: empty arrays cannot be mapped.
        empty = {"seen_weights", "seen_ages", "leaning_codes", "seen_counts", "seen_decayed"}
        arrays = ARRAYS.keys() - {f"{name}.npy" for name in empty}
        assert all(f"release/{name}" in maps for name in arrays)
    assert release.n_items == 12


def test_stays_readable_after_its_folder_is_removed(folder: Path) -> None:
    release = Release.open(folder)
    expected = release.backend.search(release.user_codes(np.arange(5)), 12)
    shutil.rmtree(folder)
    assert np.array_equal(release.backend.search(release.user_codes(np.arange(5)), 12), expected)
    assert release.users.row_of("user 4") == 4


def test_returns_the_attributes_of_items(folder: Path) -> None:
    attributes = Release.open(folder).attributes
    assert attributes.tags_of(1) == ["new"]
    assert attributes.columns_of(1) == {"price": 0.5, "label": "é"}


def test_opens_a_release_without_attributes(make_contents: Make, tmp_path: Path) -> None:
    write_manifest(tmp_path, write_files(tmp_path, make_contents(attributes=None), None))
    assert Release.open(tmp_path).attributes.columns_of(0) == {}


def test_opens_a_release_of_users_without_items(make_contents: Make, tmp_path: Path) -> None:
    contents = make_contents(seen=RowLists.from_lists([[]] * 5))
    write_manifest(tmp_path, write_files(tmp_path, contents, None))
    assert [len(Release.open(tmp_path).seen[user]) for user in range(5)] == [0] * 5


def test_opens_an_hnsw_release_with_its_parameters(make_contents: Make, tmp_path: Path) -> None:
    contents = make_contents(backend="hnsw", backend_parameters={"ef_search": 9})
    write_manifest(tmp_path, write_files(tmp_path, contents, None))
    release = Release.open(tmp_path)
    expected = {"m": 16, "ef_construction": 100, "ef_search": 9}
    assert release.manifest.backend_parameters == expected
    distances, _ = release.backend.search(release.user_codes(np.arange(5)), 3)
    assert (np.diff(distances) >= 0).all()


def test_the_manifest_is_plain_json(folder: Path) -> None:
    """Its names are those of ``docs/release-format.md``."""
    fields = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert fields["counts"] == {"users": 5, "items": 12, "seen": 15}
    assert fields["files"]["item_codes.npy"]["shape"] == [12, 2]
