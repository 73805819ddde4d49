from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bitrecall.index.errors import ReleaseContentsError
from bitrecall.index.releases.files import ARRAYS, INDEX_NAME, MANIFEST_NAME
from bitrecall.index.releases.release import Release, ReleaseContents
from bitrecall.index.releases.writer import sync_folder, write_files, write_manifest

Make = Callable[..., ReleaseContents]


def test_opens_what_was_written(make_contents: Make, tmp_path: Path) -> None:
    contents = make_contents()
    manifest = write_files(tmp_path, contents, parent="20260101T000000Z-00000000")
    write_manifest(tmp_path, manifest)
    sync_folder(tmp_path)
    release = Release.open(tmp_path)
    assert release.manifest == manifest
    assert {path.name for path in tmp_path.iterdir()} == {*ARRAYS, INDEX_NAME, MANIFEST_NAME}
    for opened, written in (
        (release.item_codes, contents.item_codes),
        (release.user_embeddings, contents.user_embeddings),
        (release.fold_in_messages, contents.fold_in_messages),
        (release.popularity, contents.popularity),
        (release.seen.indptr, contents.seen.indptr),
        (release.seen.rows, contents.seen.rows),
    ):
        assert opened.dtype == written.dtype
        assert np.array_equal(opened, written)
    assert release.users.ids_of(range(5)) == contents.user_ids
    assert release.items.ids_of(range(12)) == contents.item_ids
    assert (release.n_users, release.n_items, release.bits) == (5, 12, 16)
    assert manifest.data == contents.data
    assert manifest.recipe == contents.recipe
    assert manifest.seen == len(contents.seen.rows)
    assert (manifest.backend, manifest.backend_parameters) == ("flat", {})
    assert manifest.parent == "20260101T000000Z-00000000"


def test_the_id_is_the_time_and_the_content_hash(make_contents: Make, tmp_path: Path) -> None:
    manifest = write_files(tmp_path, make_contents(), None)
    seconds = manifest.created_at[:19].replace("-", "").replace(":", "")
    assert manifest.id == f"{seconds}Z-{manifest.content_hash()}"


def test_golden_bytes_of_the_arrays(make_contents: Make, tmp_path: Path) -> None:
    """The whole file: magic, version, header padded to 128 bytes, then the values."""
    codes = np.array([[1, 2], [3, 255]], np.uint8)
    contents = make_contents(items=2, users=1, item_codes=codes, popularity=np.array([258, 1]))
    write_files(tmp_path, contents, None)
    header = b"\x93NUMPY\x01\x00\x76\x00"
    description = b"{'descr': '|u1', 'fortran_order': False, 'shape': (2, 2), }"
    expected = header + description.ljust(117) + b"\n" + b"\x01\x02\x03\xff"
    assert (tmp_path / "item_codes.npy").read_bytes() == expected
    description = b"{'descr': '<i8', 'fortran_order': False, 'shape': (2,), }"
    expected = (
        header + description.ljust(117) + b"\n" + b"\x02\x01" + b"\0" * 6 + b"\x01" + b"\0" * 7
    )
    assert (tmp_path / "popularity.npy").read_bytes() == expected


def test_golden_bytes_of_the_flat_index(make_contents: Make, tmp_path: Path) -> None:
    """FAISS's own format: IBxF, bits, bytes, count, trained, metric, length, then the codes."""
    codes = np.array([[1, 2], [3, 255]], np.uint8)
    contents = make_contents(items=2, users=1, item_codes=codes)
    write_files(tmp_path, contents, None)
    assert (tmp_path / INDEX_NAME).read_bytes() == (
        b"IBxF"
        + (16).to_bytes(4, "little")
        + (2).to_bytes(4, "little")
        + (2).to_bytes(8, "little")
        + b"\x01"
        + (1).to_bytes(4, "little")
        + (4).to_bytes(8, "little")
        + b"\x01\x02\x03\xff"
    )


def test_writes_arrays_in_another_memory_order_alike(make_contents: Make, tmp_path: Path) -> None:
    contents = make_contents()
    in_column_order = replace(
        contents,
        fold_in_messages=np.asfortranarray(contents.fold_in_messages),
        item_codes=np.asfortranarray(contents.item_codes),
    )
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder, written in zip(folders, (contents, in_column_order), strict=True):
        folder.mkdir()
        write_files(folder, written, None)
    for name in (*ARRAYS, INDEX_NAME):
        assert (folders[0] / name).read_bytes() == (folders[1] / name).read_bytes()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"user_ids": ["a", "b", "c", "d", "a"]}, "both have the id 'a'"),
        ({"user_ids": ["a", "b", "c", "d", ""]}, "empty"),
        ({"backend": "hnsw", "backend_parameters": {"m": 0}}, "m"),
        ({"backend_parameters": {"m": 3}}, "no parameters"),
    ],
)
def test_rejects_contents_while_writing(
    make_contents: Make, tmp_path: Path, change: dict[str, object], message: str
) -> None:
    with pytest.raises(ReleaseContentsError, match=message):
        write_files(tmp_path, make_contents(**change), None)
