import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bitrecall.index.errors import ReleaseContentsError, ReleaseDamagedError, ReleaseVersionError
from bitrecall.index.releases.data_fingerprint import DataFingerprint
from bitrecall.index.releases.manifest import FileEntry, Manifest
from bitrecall.index.releases.recency import Recency
from bitrecall.index.releases.repeats import Repeats

PATH = Path("release") / "manifest.json"

MANIFEST = Manifest(
    id="20261123T174500Z-3fa94c1b",
    parent=None,
    created_at="2026-11-23T17:45:00.000001Z",
    data=DataFingerprint(
        *("ab" * 32, 2, 3, 5, "2026-01-01T00:00:00Z", None),
        last_event=7,
        events_id="0f1e2d3c4b5a69788796a5b4c3d2e1f0",
        last_event_digest="0123456789abcdef",
    ),
    recipe={"name": "é", "bits": 8, "rates": [0.5, 1]},
    code_version="0.1.0",
    metrics={"recall@50": 0.25},
    bits=8,
    users=2,
    items=3,
    seen=4,
    backend="hnsw",
    backend_parameters={"m": 16},
    backend_recall=0.5,
    attributes={"numbers": ("price",), "texts": ()},
    files={
        "item_codes.npy": FileEntry(131, "cd" * 32, "|u1", (3, 1)),
        "item_index.faiss": FileEntry(36, "ef" * 32),
    },
    recency=Recency(2.0, 0.0, 0.5),
    repeats=Repeats(20.0, (0.0, 1.5), (0.125, 0.5), (1, 2), (0.25, 0.0625)),
)

GOLDEN = """{
  "attributes": {
    "numbers": [
      "price"
    ],
    "texts": []
  },
  "backend": {
    "name": "hnsw",
    "parameters": {
      "m": 16
    },
    "recall": 0.5
  },
  "bits": 8,
  "code_version": "0.1.0",
  "counts": {
    "items": 3,
    "seen": 4,
    "users": 2
  },
  "created_at": "2026-11-23T17:45:00.000001Z",
  "data": {
    "events_id": "0f1e2d3c4b5a69788796a5b4c3d2e1f0",
    "first_time": "2026-01-01T00:00:00Z",
    "interactions": 5,
    "items": 3,
    "last_event": 7,
    "last_event_digest": "0123456789abcdef",
    "last_time": null,
    "sha256": "abababababababababababababababababababababababababababababababab",
    "users": 2
  },
  "files": {
    "item_codes.npy": {
      "dtype": "|u1",
      "sha256": "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd",
      "shape": [
        3,
        1
      ],
      "size": 131
    },
    "item_index.faiss": {
      "dtype": null,
      "sha256": "efefefefefefefefefefefefefefefefefefefefefefefefefefefefefefefef",
      "shape": null,
      "size": 36
    }
  },
  "format": "bitrecall-release",
  "format_version": 8,
  "id": "20261123T174500Z-3fa94c1b",
  "metrics": {
    "recall@50": 0.25
  },
  "parent": null,
  "recency": {
    "decay": 2.0,
    "fresh_strength": 0.5,
    "history_decay": null,
    "known_strength": 0.0
  },
  "recipe": {
    "bits": 8,
    "name": "é",
    "rates": [
      0.5,
      1
    ]
  },
  "repeats": {
    "counts": [
      0.0,
      1.5
    ],
    "decay": 20.0,
    "other_rates": [
      0.25,
      0.0625
    ],
    "own_rates": [
      0.125,
      0.5
    ],
    "ranks": [
      1,
      2
    ]
  },
  "sha256": "SEAL"
}
"""


def seal(fields: dict[str, Any]) -> str:
    """Return a forged manifest: changed fields with a matching sha256."""
    fields.pop("sha256", None)
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return json.dumps(fields | {"sha256": hashlib.sha256(text.encode()).hexdigest()})


def forged(*path: str, value: Any) -> str:
    fields = json.loads(MANIFEST.to_json())
    inner = fields
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = value
    return seal(fields)


def test_golden_bytes() -> None:
    text = MANIFEST.to_json()
    assert text == GOLDEN.replace("SEAL", json.loads(text)["sha256"])
    body = {name: value for name, value in json.loads(text).items() if name != "sha256"}
    assert json.loads(seal(body))["sha256"] == json.loads(text)["sha256"]


def test_reads_what_it_wrote() -> None:
    assert Manifest.from_json(MANIFEST.to_json(), PATH) == MANIFEST


def test_rejects_any_altered_character() -> None:
    text = MANIFEST.to_json()
    for position in range(len(text)):
        other = "7" if text[position] != "7" else "8"
        altered = text[:position] + other + text[position + 1 :]
        with pytest.raises((ReleaseDamagedError, ReleaseVersionError)):
            Manifest.from_json(altered, PATH)


def test_rejects_any_truncation() -> None:
    text = MANIFEST.to_json().rstrip()
    for length in range(len(text)):
        with pytest.raises(ReleaseDamagedError, match=r"manifest\.json"):
            Manifest.from_json(text[:length], PATH)


@pytest.mark.parametrize("version", [0, 1, 6, 99])
def test_rejects_another_format_version(version: int) -> None:
    with pytest.raises(ReleaseVersionError, match=f"format version {version}.*reads version 8"):
        Manifest.from_json(forged("format_version", value=version), PATH)


def test_rejects_another_format_version_before_checking_fields() -> None:
    with pytest.raises(ReleaseVersionError):
        Manifest.from_json('{"format": "bitrecall-release", "format_version": 1}', PATH)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "{}",
        '{"format": "other", "format_version": 6}',
        '{"format": "bitrecall-release"}',
        '{"format": "bitrecall-release", "format_version": "2"}',
        '{"format": "bitrecall-release", "format_version": true}',
        "[" * 100_000,
        '{"format": NaN}',
        "9" * 10_000,
    ],
)
def test_rejects_anything_but_a_manifest(text: str) -> None:
    with pytest.raises(ReleaseDamagedError, match=r"manifest\.json"):
        Manifest.from_json(text, PATH)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("id",), 3, "id must be a text"),
        (("parent",), [], "parent must be a text"),
        (("bits",), "8", "bits must be a whole number"),
        (("bits",), -8, "bits must be a whole number"),
        (("counts", "users"), 1.5, "counts.users"),
        (("counts",), {"users": 1}, "counts lacks items, seen"),
        (("recipe",), [], "recipe must be an object"),
        (("backend", "parameters", "m"), "16", "backend.parameters.m"),
        (("backend", "name"), None, "backend.name"),
        (("data", "last_event"), -1, "data.last_event"),
        (("data", "events_id"), 7, "data.events_id"),
        (("data", "last_event_digest"), 7, "data.last_event_digest"),
        (("data", "first_time"), 3, "data.first_time"),
        (("files",), [], "files must be an object"),
        (("files", "item_codes.npy"), "x", "files.item_codes.npy must be an object"),
        (("files", "item_codes.npy", "size"), True, "size"),
        (("files", "item_codes.npy", "shape"), [3, -1], "shape"),
        (("files", "item_codes.npy", "extra"), 1, "unknown extra"),
        (("attributes",), {"numbers": []}, "attributes lacks texts"),
        (("attributes", "texts"), [1], "attributes.texts must be a text"),
        (("surprise",), 1, "unknown surprise"),
    ],
)
def test_rejects_an_invalid_field_and_names_it(
    path: tuple[str, ...], value: Any, message: str
) -> None:
    with pytest.raises(ReleaseDamagedError, match=message):
        Manifest.from_json(forged(*path, value=value), PATH)


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), None, True, np.float32(0.5), [1], {"a": 1}]
)
def test_rejects_metrics_that_are_not_json(value: Any) -> None:
    with pytest.raises(ReleaseContentsError):
        MANIFEST.with_metrics({"recall@50": value}).to_json()


@pytest.mark.parametrize("value", [float("nan"), object(), {1, 2}, np.int64(3)])
def test_rejects_recipes_that_are_not_json(value: Any) -> None:
    with pytest.raises(ReleaseContentsError, match="JSON"):
        replace(MANIFEST, recipe={"x": value}).to_json()


def test_the_content_hash_covers_the_contents_and_not_the_metrics() -> None:
    digits = MANIFEST.content_hash()
    assert len(digits) == 8
    assert MANIFEST.with_metrics({"recall@50": 0.5}).content_hash() == digits
    assert replace(MANIFEST, id="other", parent="other").content_hash() == digits
    for change in (
        {"created_at": "later"},
        {"recipe": {}},
        {"files": {}},
        {"bits": 16},
        {"attributes": {"numbers": (), "texts": ()}},
        {"data": replace(MANIFEST.data, users=9)},
    ):
        assert replace(MANIFEST, **change).content_hash() != digits


def test_reads_a_manifest_without_recency() -> None:
    assert Manifest.from_json(forged("recency", value=None), PATH).recency is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("decay", 0),
        ("decay", 1e9),
        ("decay", None),
        ("known_strength", -1),
        ("known_strength", 1),
        ("fresh_strength", "1"),
        ("fresh_strength", True),
        ("history_decay", -0.5),
    ],
)
def test_rejects_an_invalid_recency(name: str, value: Any) -> None:
    with pytest.raises(ReleaseDamagedError, match=f"recency: .*{name}"):
        Manifest.from_json(forged("recency", name, value=value), PATH)


def test_rejects_a_recency_with_other_fields() -> None:
    with pytest.raises(ReleaseDamagedError, match="recency lacks decay"):
        Manifest.from_json(forged("recency", value={}), PATH)


def test_reads_a_manifest_without_repeats() -> None:
    assert Manifest.from_json(forged("repeats", value=None), PATH).repeats is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("decay", 0),
        ("decay", "20"),
        ("counts", [0.5, 1.5]),
        ("counts", [0.0, 0.0]),
        ("counts", [0.0]),
        ("counts", 1),
        ("own_rates", [0.5, 0.125]),
        ("own_rates", [0.5, 1.125]),
        ("own_rates", [0.5, None]),
        ("ranks", [1, 1]),
        ("ranks", [1, 2.5]),
        ("ranks", []),
        ("other_rates", [0.0625, 0.25]),
        ("other_rates", [True, 0.25]),
    ],
)
def test_rejects_invalid_repeats(name: str, value: Any) -> None:
    with pytest.raises(ReleaseDamagedError, match=f"repeats: .*{name}"):
        Manifest.from_json(forged("repeats", name, value=value), PATH)


def test_rejects_repeats_with_other_fields() -> None:
    with pytest.raises(ReleaseDamagedError, match="repeats lacks counts"):
        Manifest.from_json(forged("repeats", value={"decay": 1.0}), PATH)
