"""``docs/release-format.md`` describes the format: its names and examples match the code."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from bitrecall.index.releases.data_fingerprint import DataFingerprint
from bitrecall.index.releases.files import ARRAYS, INDEX_NAME, MANIFEST_NAME
from bitrecall.index.releases.id_table import IdTable
from bitrecall.index.releases.manifest import FORMAT_VERSION, FileEntry, Manifest
from bitrecall.index.search.packing import pack_signs
from bitrecall.index.search.registry import backends

DOCUMENT = (Path(__file__).parents[3] / "docs" / "release-format.md").read_text(encoding="utf-8")


def test_describes_the_current_version() -> None:
    assert DOCUMENT.startswith(f"# The release format, version {FORMAT_VERSION}\n")


@pytest.mark.parametrize("name", [*ARRAYS, INDEX_NAME, MANIFEST_NAME])
def test_describes_every_file_with_its_dtype(name: str) -> None:
    (row,) = [line for line in DOCUMENT.splitlines() if line.startswith(f"| `{name}` |")]
    dtype = ARRAYS.get(name, "")
    for allowed in ("<f2", "<f4") if dtype is None else [dtype]:
        assert allowed.replace("|", "\\|") in row


def test_describes_every_key_of_the_manifest() -> None:
    manifest = Manifest(
        *(
            "id",
            None,
            "now",
            DataFingerprint("", 0, 0, 0),
            {},
            "0",
            {},
            8,
            1,
            1,
            0,
            "flat",
            {},
            None,
            {},
            {},
        )
    )
    for key in json.loads(manifest.to_json()):
        assert f"\n| `{key}` |" in DOCUMENT
    inner = [*dataclasses.fields(DataFingerprint), *dataclasses.fields(FileEntry)]
    for field in inner:
        assert f"`{field.name}`" in DOCUMENT


@pytest.mark.parametrize("name", list(backends()))
def test_describes_every_backend_with_its_parameters(name: str) -> None:
    (row,) = [line for line in DOCUMENT.splitlines() if line.startswith(f"| `{name}` |")]
    built = backends()[name].build(np.zeros((1, 1), np.uint8))
    assert all(f"`{parameter}`" in row for parameter in built.parameters)


def test_the_examples_are_right() -> None:
    signs = [1, -1, -1, -1, -1, -1, -1, -1, -1, 1, 1, -1, -1, -1, -1, 1]
    assert f"`{pack_signs(np.array([signs])).tobytes().hex(' ')}`" in DOCUMENT
    table = IdTable.build(["b", "é,", "a b", "🎈"])
    assert f"`{table.text.tobytes().hex(' ')}`" in DOCUMENT
    assert f"offsets {' '.join(map(str, table.offsets))}, order" in DOCUMENT
    assert f"order {' '.join(map(str, table.order))}." in DOCUMENT
