"""Opening a release, and refusing what is not as it was published."""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bitrecall.index.errors import (
    ReleaseDamagedError,
    ReleaseError,
    ReleaseVersionError,
    SearchError,
)
from bitrecall.index.releases.files import ARRAYS, INDEX_NAME, entry_of, write_array
from bitrecall.index.releases.manifest import FileEntry, Manifest
from bitrecall.index.releases.release import Release, ReleaseContents, RowLists
from bitrecall.index.releases.writer import write_files, write_manifest
from bitrecall.index.search.packing import pack_signs

pytestmark = pytest.mark.slow

Make = Callable[..., ReleaseContents]
FILES = [*ARRAYS, INDEX_NAME, "manifest.json"]


@pytest.fixture
def folder(make_contents: Make, tmp_path: Path) -> Path:
    path = tmp_path / "release"
    path.mkdir()
    write_manifest(path, write_files(path, make_contents(), None))
    return path


def reseal(folder: Path, change: Callable[[Manifest], Manifest]) -> None:
    """Forge: change the manifest and seal it again, as one could who may write the folder."""
    text = (folder / "manifest.json").read_text(encoding="utf-8")
    write_manifest(folder, change(Manifest.from_json(text, folder)))


def plant(folder: Path, name: str, array: np.ndarray) -> None:
    """Forge: put another array in place, with a manifest that agrees with it."""
    entry = write_array(folder / name, array)
    reseal(folder, lambda manifest: replace(manifest, files={**manifest.files, name: entry}))


def plant_bytes(folder: Path, name: str, content: bytes, **entry: Any) -> None:
    (folder / name).write_bytes(content)
    found = entry_of(folder / name)
    forged = FileEntry(found.size, found.sha256, **entry)
    reseal(folder, lambda manifest: replace(manifest, files={**manifest.files, name: forged}))


def refused(folder: Path, name: str, said: str | None = None) -> None:
    with pytest.raises(ReleaseDamagedError, match=said) as caught:
        Release.open(folder)
    assert caught.value.path is not None
    assert caught.value.path.name == name
    assert name in str(caught.value)


def test_codes_are_the_signs_of_the_embeddings(folder: Path) -> None:
    release = Release.open(folder)
    codes = release.user_codes(np.array([3, 0, 3]))
    assert np.array_equal(codes, pack_signs(np.asarray(release.user_embeddings)[[3, 0, 3]]))
    assert release.user_codes(np.array([], np.int64)).shape == (0, 2)


@pytest.mark.parametrize("row", [-1, 5])
def test_an_unknown_user_row_is_refused(folder: Path, row: int) -> None:
    with pytest.raises(SearchError, match="outside 0 … 4"):
        Release.open(folder).user_codes(np.array([0, row]))


def test_nothing_of_it_can_be_written_to(folder: Path) -> None:
    release = Release.open(folder)
    for array in (release.item_codes, release.user_embeddings, release.popularity):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_it_is_mapped_and_not_read(folder: Path) -> None:
    release = Release.open(folder)
    mapped = Path("/proc/self/maps")
    if mapped.exists():
        held = mapped.read_text()
        # Without weights that file holds nothing.
        arrays = ARRAYS.keys() - {"seen_weights.npy"}
        assert all(f"release/{name}" in held for name in arrays)
    assert release.n_items == 12


def test_it_stays_readable_when_its_folder_is_removed(folder: Path) -> None:
    release = Release.open(folder)
    expected = release.backend.search(release.user_codes(np.arange(5)), 12)
    shutil.rmtree(folder)
    assert np.array_equal(release.backend.search(release.user_codes(np.arange(5)), 12), expected)
    assert release.users.row_of("user 4") == 4


def test_what_is_known_of_items_comes_back(folder: Path) -> None:
    attributes = Release.open(folder).attributes
    assert attributes.tags_of(1) == ["new"]
    assert attributes.columns_of(1) == {"price": 0.5, "label": "é"}


def test_nothing_need_be_known_of_items(make_contents: Make, tmp_path: Path) -> None:
    write_manifest(tmp_path, write_files(tmp_path, make_contents(attributes=None), None))
    assert Release.open(tmp_path).attributes.columns_of(0) == {}


def test_users_who_have_seen_nothing_are_fine(make_contents: Make, tmp_path: Path) -> None:
    contents = make_contents(seen=RowLists.from_lists([[]] * 5))
    write_manifest(tmp_path, write_files(tmp_path, contents, None))
    assert [len(Release.open(tmp_path).seen[user]) for user in range(5)] == [0] * 5


def test_an_hnsw_release_opens_with_its_parameters(make_contents: Make, tmp_path: Path) -> None:
    contents = make_contents(backend="hnsw", backend_parameters={"ef_search": 9})
    write_manifest(tmp_path, write_files(tmp_path, contents, None))
    release = Release.open(tmp_path)
    expected = {"m": 16, "ef_construction": 100, "ef_search": 9}
    assert release.manifest.backend_parameters == expected
    distances, _ = release.backend.search(release.user_codes(np.arange(5)), 3)
    assert (np.diff(distances) >= 0).all()


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    refused(folder, name, "missing")


@pytest.mark.parametrize("name", FILES)
def test_a_truncated_file_is_named(folder: Path, name: str) -> None:
    whole = (folder / name).read_bytes()
    for length in (0, 1, len(whole) // 2, len(whole) - 1):
        (folder / name).write_bytes(whole[:length])
        if name != "manifest.json" or length < len(whole) - 1:
            refused(folder, name)


@pytest.mark.parametrize("name", FILES)
def test_a_longer_file_is_named(folder: Path, name: str) -> None:
    with (folder / name).open("ab") as file:
        file.write(b"7")
    refused(folder, name)


@pytest.mark.parametrize("name", FILES)
def test_a_flipped_bit_is_named(folder: Path, name: str) -> None:
    whole = bytearray((folder / name).read_bytes())
    for position in (0, len(whole) // 2, len(whole) - 2):
        altered = whole.copy()
        altered[position] ^= 1
        (folder / name).write_bytes(altered)
        with pytest.raises(ReleaseError) as caught:
            Release.open(folder)
        assert name in str(caught.value)


@pytest.mark.parametrize("name", FILES)
def test_a_link_out_is_refused(folder: Path, name: str) -> None:
    outside = folder.parent / "outside"
    (folder / name).rename(outside)
    (folder / name).symlink_to(outside)
    refused(folder, name, "neither a link nor a folder")


@pytest.mark.parametrize("name", FILES)
def test_a_folder_or_a_pipe_in_place_of_a_file_is_refused(folder: Path, name: str) -> None:
    (folder / name).unlink()
    (folder / name).mkdir()
    refused(folder, name, "regular file")
    (folder / name).rmdir()
    os.mkfifo(folder / name)
    refused(folder, name, "regular file")


def test_a_folder_that_is_a_link_is_refused(folder: Path) -> None:
    link = folder.with_name("link")
    link.symlink_to(folder)
    refused(link, "link", "not the folder of a release")


def test_no_folder_is_no_release(folder: Path) -> None:
    refused(folder / "nothing", "nothing", "not the folder of a release")
    refused(folder / "item_codes.npy", "item_codes.npy", "not the folder of a release")


@pytest.mark.parametrize(
    "name", ["../outside", "/etc/passwd", "..", "a/b", "item_codes.npy\0", "extra.npy", ""]
)
def test_a_file_that_the_format_does_not_have_is_refused_unopened(folder: Path, name: str) -> None:
    entry = FileEntry(1, "00" * 32)
    reseal(folder, lambda manifest: replace(manifest, files={**manifest.files, name: entry}))
    refused(folder, "manifest.json", "lists other files")


def test_a_manifest_that_leaves_a_file_out_is_refused(folder: Path) -> None:
    def without(manifest: Manifest) -> Manifest:
        files = {name: entry for name, entry in manifest.files.items() if name != "seen_rows.npy"}
        return replace(manifest, files=files)

    reseal(folder, without)
    refused(folder, "manifest.json", "seen_rows.npy")


def test_a_file_beside_those_of_the_format_is_not_opened(folder: Path) -> None:
    (folder / "notes.txt").write_text("kept by hand", encoding="utf-8")
    assert Release.open(folder).n_users == 5


def test_another_format_version_is_told_apart_from_damage(folder: Path) -> None:
    reseal(folder, lambda manifest: replace(manifest, format_version=1))
    with pytest.raises(ReleaseVersionError, match="format version 1"):
        Release.open(folder)


def test_an_enormous_manifest_is_not_read(folder: Path) -> None:
    with (folder / "manifest.json").open("ab") as file:
        file.truncate(17 * 2**20)
    refused(folder, "manifest.json", "too large")


def test_a_manifest_that_is_not_utf8_is_refused(folder: Path) -> None:
    (folder / "manifest.json").write_bytes(b"\xff\xfe")
    refused(folder, "manifest.json")


class Bomb:
    """An object that would make a file when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.marker,)


def test_pickled_objects_are_never_loaded(folder: Path) -> None:
    name, marker = "popularity.npy", folder.parent / "was-here"
    with (folder / name).open("wb") as file:
        np.save(file, np.array([Bomb(marker)], object), allow_pickle=True)
    content = (folder / name).read_bytes()
    plant_bytes(folder, name, content, dtype="<i8", shape=(12,))
    refused(folder, name, "not a readable npy file")
    plant_bytes(folder, name, content, dtype="|O", shape=(1,))
    refused(folder, name, "may not be of dtype")
    assert not marker.exists()
    np.load(folder / name, allow_pickle=True)
    assert marker.exists()


@pytest.mark.parametrize(
    "content", [b"", b"\x80\x04N.", b"PK\x03\x04", b"\x93NUMPY", b"\x93NUMPY\x01\x00\x02\x00{}"]
)
def test_what_is_no_npy_file_is_refused(folder: Path, content: bytes) -> None:
    plant_bytes(folder, "popularity.npy", content, dtype="<i8", shape=(12,))
    refused(folder, "popularity.npy")


@pytest.mark.parametrize(
    ("name", "array", "blamed"),
    [
        ("popularity.npy", np.zeros(12, np.int32), "popularity.npy"),
        ("popularity.npy", np.zeros(11, np.int64), "popularity.npy"),
        ("user_embeddings.npy", np.zeros((5, 16)), "user_embeddings.npy"),
        ("user_embeddings.npy", np.zeros((4, 16), np.float16), "user_embeddings.npy"),
        ("fold_in_messages.npy", np.zeros((12, 8), np.float16), "fold_in_messages.npy"),
        ("item_codes.npy", np.zeros((12, 2), np.uint8), INDEX_NAME),
        ("item_codes.npy", np.zeros((12, 1), np.uint8), "item_codes.npy"),
        ("seen_indptr.npy", np.arange(6), "seen_rows.npy"),
        ("seen_rows.npy", np.full(15, 99, np.int32), "seen_rows.npy"),
        ("user_id_offsets.npy", np.arange(6) * 10, "user_id_text.npy"),
        ("item_id_order.npy", np.zeros(12, np.int64), "item_id_text.npy"),
        ("item_id_order.npy", np.zeros(11, np.int64), "item_id_order.npy"),
        ("tag_rows.npy", np.zeros(8, np.int32), "tag_rows.npy"),
        ("attribute_numbers.npy", np.zeros((2, 12)), "attribute_numbers.npy"),
        ("attribute_texts.npy", np.full((1, 12), 1, np.int32), "attribute_texts.npy"),
    ],
)
def test_files_that_disagree_with_each_other_are_refused(
    folder: Path, name: str, array: np.ndarray, blamed: str
) -> None:
    plant(folder, name, array)
    refused(folder, blamed)


def test_a_shape_that_the_file_does_not_have_is_refused(folder: Path) -> None:
    content = (folder / "popularity.npy").read_bytes()
    for entry in ({"dtype": "<i8", "shape": (6,)}, {"dtype": "<i8", "shape": None}):
        plant_bytes(folder, "popularity.npy", content, **entry)
        refused(folder, "popularity.npy", "shape")


def test_column_order_is_refused(folder: Path) -> None:
    codes = np.asfortranarray(np.arange(24, dtype=np.uint8).reshape(12, 2))
    with (folder / "item_codes.npy").open("wb") as file:
        np.save(file, codes)
    content = (folder / "item_codes.npy").read_bytes()
    plant_bytes(folder, "item_codes.npy", content, dtype="|u1", shape=(12, 2))
    refused(folder, "item_codes.npy")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"users": 6}, "counts say"),
        ({"items": 13}, "counts say"),
        ({"seen": 3}, "counts say"),
        ({"bits": 8}, "counts say"),
        ({"users": 0}, "cannot hold"),
        ({"bits": 12}, "cannot hold"),
        ({"backend": "milvus"}, "unknown backend"),
        ({"backend": "hnsw"}, INDEX_NAME),
        ({"backend_parameters": {"m": 3}}, "no parameters"),
    ],
)
def test_counts_and_backends_that_do_not_fit_are_refused(
    folder: Path, change: dict[str, Any], said: str
) -> None:
    reseal(folder, lambda manifest: replace(manifest, **change))
    with pytest.raises(ReleaseDamagedError, match=said):
        Release.open(folder)


def test_the_manifest_can_be_read_by_anyone(folder: Path) -> None:
    """Plain JSON: the names in it are those of ``docs/release-format.md``."""
    fields = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert fields["counts"] == {"users": 5, "items": 12, "seen": 15}
    assert fields["files"]["item_codes.npy"]["shape"] == [12, 2]
