"""Damaged and forged releases: opening rejects them and names the file."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bitrecall.index.errors import ReleaseDamagedError, ReleaseError, ReleaseVersionError
from bitrecall.index.releases.files import ARRAYS, INDEX_NAME, entry_of, write_array
from bitrecall.index.releases.manifest import FileEntry, Manifest
from bitrecall.index.releases.release import Release
from bitrecall.index.releases.writer import write_manifest

pytestmark = pytest.mark.slow
FILES = [*ARRAYS, INDEX_NAME, "manifest.json"]


def reseal(folder: Path, change: Callable[[Manifest], Manifest]) -> None:
    """Forge a manifest: change it, with a matching sha256."""
    text = (folder / "manifest.json").read_text(encoding="utf-8")
    write_manifest(folder, change(Manifest.from_json(text, folder)))


def forge_array(folder: Path, name: str, array: np.ndarray) -> None:
    """Forge an array: replace it, with a matching manifest."""
    entry = write_array(folder / name, array)
    reseal(folder, lambda manifest: replace(manifest, files={**manifest.files, name: entry}))


def forge_file(folder: Path, name: str, content: bytes, **entry: Any) -> None:
    (folder / name).write_bytes(content)
    actual = entry_of(folder / name)
    forged = FileEntry(actual.size, actual.sha256, **entry)
    reseal(folder, lambda manifest: replace(manifest, files={**manifest.files, name: forged}))


def assert_rejected(folder: Path, name: str, message: str | None = None) -> None:
    with pytest.raises(ReleaseDamagedError, match=message) as caught:
        Release.open(folder)
    assert caught.value.path is not None
    assert caught.value.path.name == name
    assert name in str(caught.value)


@pytest.mark.parametrize("name", FILES)
def test_names_a_missing_file(folder: Path, name: str) -> None:
    (folder / name).unlink()
    assert_rejected(folder, name, "missing")


@pytest.mark.parametrize("name", FILES)
def test_names_a_truncated_file(folder: Path, name: str) -> None:
    content = (folder / name).read_bytes()
    for length in (0, 1, len(content) // 2, len(content) - 1):
        (folder / name).write_bytes(content[:length])
        if name != "manifest.json" or length < len(content) - 1:
            assert_rejected(folder, name)


@pytest.mark.parametrize("name", FILES)
def test_names_a_file_with_extra_bytes(folder: Path, name: str) -> None:
    with (folder / name).open("ab") as file:
        file.write(b"7")
    assert_rejected(folder, name)


@pytest.mark.parametrize("name", FILES)
def test_names_a_file_with_a_flipped_bit(folder: Path, name: str) -> None:
    content = bytearray((folder / name).read_bytes())
    for position in (0, len(content) // 2, len(content) - 2):
        altered = content.copy()
        altered[position] ^= 1
        (folder / name).write_bytes(altered)
        with pytest.raises(ReleaseError) as caught:
            Release.open(folder)
        assert name in str(caught.value)


@pytest.mark.parametrize("name", FILES)
def test_rejects_a_link(folder: Path, name: str) -> None:
    outside = folder.parent / "outside"
    (folder / name).rename(outside)
    (folder / name).symlink_to(outside)
    assert_rejected(folder, name, "neither a link nor a folder")


@pytest.mark.parametrize("name", FILES)
def test_rejects_a_folder_or_a_pipe_in_place_of_a_file(folder: Path, name: str) -> None:
    (folder / name).unlink()
    (folder / name).mkdir()
    assert_rejected(folder, name, "regular file")
    (folder / name).rmdir()
    os.mkfifo(folder / name)
    assert_rejected(folder, name, "regular file")


def test_rejects_a_link_to_a_release(folder: Path) -> None:
    link = folder.with_name("link")
    link.symlink_to(folder)
    assert_rejected(link, "link", "not a release folder")


def test_rejects_a_path_that_is_not_a_folder(folder: Path) -> None:
    assert_rejected(folder / "nothing", "nothing", "not a release folder")
    assert_rejected(folder / "item_codes.npy", "item_codes.npy", "not a release folder")


@pytest.mark.parametrize(
    "name", ["../outside", "/etc/passwd", "..", "a/b", "item_codes.npy\0", "extra.npy", ""]
)
def test_rejects_an_unknown_file_without_opening_it(folder: Path, name: str) -> None:
    entry = FileEntry(1, "00" * 32)
    reseal(folder, lambda manifest: replace(manifest, files={**manifest.files, name: entry}))
    assert_rejected(folder, "manifest.json", "lists missing or unknown files")


def test_rejects_a_manifest_that_lacks_a_file(folder: Path) -> None:
    def without(manifest: Manifest) -> Manifest:
        files = {name: entry for name, entry in manifest.files.items() if name != "seen_rows.npy"}
        return replace(manifest, files=files)

    reseal(folder, without)
    assert_rejected(folder, "manifest.json", "seen_rows.npy")


def test_ignores_other_files_in_the_folder(folder: Path) -> None:
    (folder / "notes.txt").write_text("kept by hand", encoding="utf-8")
    assert Release.open(folder).n_users == 5


def test_distinguishes_another_format_version_from_damage(folder: Path) -> None:
    reseal(folder, lambda manifest: replace(manifest, format_version=1))
    with pytest.raises(ReleaseVersionError, match="format version 1"):
        Release.open(folder)


def test_does_not_read_an_enormous_manifest(folder: Path) -> None:
    with (folder / "manifest.json").open("ab") as file:
        file.truncate(17 * 2**20)
    assert_rejected(folder, "manifest.json", "too large")


def test_rejects_a_manifest_that_is_not_utf8(folder: Path) -> None:
    (folder / "manifest.json").write_bytes(b"\xff\xfe")
    assert_rejected(folder, "manifest.json")


class Bomb:
    """An object that creates a file when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.marker,)


def test_never_loads_pickled_objects(folder: Path) -> None:
    name, marker = "popularity.npy", folder.parent / "was-here"
    with (folder / name).open("wb") as file:
        np.save(file, np.array([Bomb(marker)], object), allow_pickle=True)
    content = (folder / name).read_bytes()
    forge_file(folder, name, content, dtype="<i8", shape=(12,))
    assert_rejected(folder, name, "not a readable npy file")
    forge_file(folder, name, content, dtype="|O", shape=(1,))
    assert_rejected(folder, name, "invalid dtype")
    assert not marker.exists()
    np.load(folder / name, allow_pickle=True)
    assert marker.exists()


@pytest.mark.parametrize(
    "content", [b"", b"\x80\x04N.", b"PK\x03\x04", b"\x93NUMPY", b"\x93NUMPY\x01\x00\x02\x00{}"]
)
def test_rejects_a_file_that_is_not_npy(folder: Path, content: bytes) -> None:
    forge_file(folder, "popularity.npy", content, dtype="<i8", shape=(12,))
    assert_rejected(folder, "popularity.npy")


@pytest.mark.parametrize(
    ("name", "array", "file"),
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
def test_rejects_files_that_contradict_each_other(
    folder: Path, name: str, array: np.ndarray, file: str
) -> None:
    forge_array(folder, name, array)
    assert_rejected(folder, file)


def test_rejects_a_shape_other_than_in_the_file(folder: Path) -> None:
    content = (folder / "popularity.npy").read_bytes()
    for entry in ({"dtype": "<i8", "shape": (6,)}, {"dtype": "<i8", "shape": None}):
        forge_file(folder, "popularity.npy", content, **entry)
        assert_rejected(folder, "popularity.npy", "shape")


def test_rejects_column_order(folder: Path) -> None:
    codes = np.asfortranarray(np.arange(24, dtype=np.uint8).reshape(12, 2))
    with (folder / "item_codes.npy").open("wb") as file:
        np.save(file, codes)
    content = (folder / "item_codes.npy").read_bytes()
    forge_file(folder, "item_codes.npy", content, dtype="|u1", shape=(12, 2))
    assert_rejected(folder, "item_codes.npy")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"users": 6}, "from the counts"),
        ({"items": 13}, "from the counts"),
        ({"seen": 3}, "from the counts"),
        ({"bits": 8}, "from the counts"),
        ({"users": 0}, "invalid counts"),
        ({"bits": 12}, "invalid counts"),
        ({"backend": "milvus"}, "unknown backend"),
        ({"backend": "hnsw"}, INDEX_NAME),
        ({"backend_parameters": {"m": 3}}, "no parameters"),
    ],
)
def test_rejects_counts_and_backends_that_do_not_match(
    folder: Path, change: dict[str, Any], message: str
) -> None:
    reseal(folder, lambda manifest: replace(manifest, **change))
    with pytest.raises(ReleaseDamagedError, match=message):
        Release.open(folder)
