"""Releases with matching hashes and invalid values: opening rejects them and names the file."""

import io
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bitrecall.index.errors import ReleaseDamagedError, ReleaseVersionError
from bitrecall.index.fold_in.user_codes import UserEncoder
from bitrecall.index.fold_in.users import UserFoldIn
from bitrecall.index.releases.attributes import ItemAttributes
from bitrecall.index.releases.canonical_json import sha256_of_fields
from bitrecall.index.releases.files import ARRAYS, CODES_NAME, INDEX_NAME, entry_of
from bitrecall.index.releases.manifest import Manifest
from bitrecall.index.releases.recency import Recency
from bitrecall.index.releases.release import Release, ReleaseContents
from bitrecall.index.releases.repeats import Repeats, merged_places
from bitrecall.index.releases.writer import write_files, write_manifest
from tests.index.releases.crafted import broken_rule

pytestmark = pytest.mark.slow

Make = Callable[..., ReleaseContents]

MANY = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

SPECIAL: dict[str, list[float]] = {
    "f": [np.nan, -np.nan, np.inf, -np.inf, -0.0, 0.0, 65504.0, -6e-8],
    "i": [-1, 0, 1, 2, 11, 12, 99, -(2**31), 2**31 - 1, -(2**63), 2**63 - 1],
    "u": [0, 1, 0x7F, 0x80, 0xC3, 0xFF],
}


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.index.conftest import contents_of

    path = tmp_path_factory.mktemp("crafted") / "release"
    path.mkdir()
    contents = contents_of()
    tags = [["new", "ñ"] if row % 3 else ["a", "new"] for row in range(12)]
    texts = {"label": ["é" if row % 2 else None for row in range(12)], "kind": ["k", "l"] * 6}
    attributes = ItemAttributes.build(12, tags, {"price": np.arange(12) / 2}, texts)
    weights = np.linspace(0.5, 2, len(contents.seen.rows), dtype=np.float32)
    recency = Recency(decay=1.0, known_strength=0.5, fresh_strength=0.5, history_decay=2.0)
    contents = replace(
        contents,
        attributes=attributes,
        seen_weights=weights,
        seen_ages=np.tile(np.arange(3, dtype=np.uint16), 5),
        recency=recency,
        seen_counts=np.tile(np.arange(1, 4, dtype=np.uint16), 5),
        seen_decayed=np.linspace(0, 1, 15, dtype=np.float16),
        repeats=Repeats(2.0, (0.0, 0.5), (0.1, 0.5), (1, 3), (0.5, 0.1)),
    )
    write_manifest(path, write_files(path, contents, None))
    return path


def copy(published: Path, folder: Path) -> None:
    """Copy a release as hard links: replace a file to change it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for path in published.iterdir():
        (folder / path.name).hardlink_to(path)


def replace_file(path: Path, content: bytes | bytearray) -> None:
    """Replace a file that may be a hard link to a file of the published release."""
    path.unlink()
    path.write_bytes(content)


def reseal(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the manifest's JSON, with a matching sha256."""
    path = folder / "manifest.json"
    fields = json.loads(path.read_text("utf-8"))
    fields.pop("sha256")
    change(fields)
    replace_file(path, json.dumps({**fields, "sha256": sha256_of_fields(fields)}).encode())


def identify(folder: Path) -> None:
    """Give a changed release the id of its contents."""
    path = folder / "manifest.json"
    manifest = Manifest.from_json(path.read_text("utf-8"), path)
    reseal(folder, lambda fields: fields.update(id=f"{manifest.id[:-8]}{manifest.content_hash()}"))


def craft(folder: Path, name: str, array: np.ndarray) -> None:
    """Replace an array, with matching hashes."""
    content = io.BytesIO()
    np.save(content, array)
    replace_file(folder / name, content.getvalue())
    entry = entry_of(folder / name)
    as_json = {"size": entry.size, "sha256": entry.sha256}
    reseal(folder, lambda fields: fields["files"][name].update(as_json))
    identify(folder)


def use(release: Release) -> None:
    """Use an opened release as a service does."""
    distances, rows = release.backend.search(release.user_codes(np.arange(5)), 12)
    assert ((rows >= 0) & (rows < 12)).all()
    assert (np.diff(distances) >= 0).all()
    for row, text in enumerate(release.items.ids_of(np.arange(12))):
        assert release.items.row_of(text) == row
        release.attributes.columns_of(row)
        release.attributes.tags_of(row)
    for user in range(5):
        assert release.users.row_of(release.users.id_of(user)) == user
        if len(release.seen[user]):
            assert UserFoldIn.of(release).codes([release.seen[user]]).shape == (1, 2)
            encoded = UserEncoder(release).encode(user, np.array([11, release.seen[user][0]]))
            assert encoded.code is not None
        own = release.own_items(user)
        if release.repeats is not None:
            assert len(merged_places(release.repeats, own.decayed, 5, 5)) == 5


@pytest.mark.parametrize("name", [name for name in ARRAYS if name != CODES_NAME])
@settings(MANY, max_examples=20)
@given(data=st.data())
def test_opens_a_release_only_if_its_values_are_valid(
    published: Path, tmp_path: Path, name: str, data: st.DataObject
) -> None:
    """Change values of a file, swap two or reverse all, and compare with the plain checks."""
    folder = tmp_path / "crafted"
    copy(published, folder)
    array = np.load(folder / name)
    flat = array.reshape(-1)
    places = st.integers(0, len(flat) - 1)
    match data.draw(st.sampled_from(["set", "swap", "reverse"])):
        case "set":
            special = st.sampled_from(SPECIAL[array.dtype.kind])
            for place in data.draw(st.lists(places, min_size=1, max_size=3)):
                value = np.array(data.draw(special))
                flat[place] = value.astype(array.dtype)
        case "swap":
            first, second = data.draw(places), data.draw(places)
            flat[[first, second]] = flat[[second, first]]
        case _:
            flat[:] = flat[::-1].copy()
    craft(folder, name, array)
    if broken_rule(folder) is None:
        use(Release.open(folder))
    else:
        with pytest.raises(ReleaseDamagedError) as caught:
            Release.open(folder)
        # An error names any of the files that belong together, such as those of one id table.
        assert caught.value.path is not None
        assert caught.value.path.name[:3] == name[:3]


ODD: list[Any] = [
    *(None, True, False, -1, 0, 1, 10**30, -(10**30), 0.5, 1e300, "", "x", "../../etc/passwd"),
    *("20991231T235959Z-00000000", "2026-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "é\0"),
    *([], {}, [[]], {"a": {"b": []}}, [None], "0" * 64, "f" * 64),
]


def member_paths(value: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    paths = [path] if path else []
    if isinstance(value, dict):
        for key, member in value.items():
            paths += member_paths(member, (*path, key))
    return paths


@settings(MANY, max_examples=100)
@given(data=st.data())
def test_rejects_or_survives_odd_values_in_the_manifest(
    published: Path, tmp_path: Path, data: st.DataObject
) -> None:
    folder = tmp_path / "crafted"
    copy(published, folder)
    fields = json.loads((folder / "manifest.json").read_text("utf-8"))
    *outer, last = data.draw(st.sampled_from(member_paths(fields)))
    odd = data.draw(st.sampled_from(ODD))

    def change(fields: dict[str, Any]) -> None:
        for key in outer:
            fields = fields[key]
        fields[last] = odd

    reseal(folder, change)
    try:
        release = Release.open(folder)
    except (ReleaseDamagedError, ReleaseVersionError):
        return
    use(release)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("last_event", 10**30),
        ("last_event", 2**63),
        ("interactions", -1),
        ("first_time", "yesterday"),
        ("first_time", "2027-01-01T00:00:00Z"),
        ("last_time", "2025-01-01T00:00:00Z"),
        ("sha256", "../x"),
    ],
)
def test_rejects_an_invalid_data_fingerprint(
    published: Path, tmp_path: Path, place: str, value: Any
) -> None:
    folder = tmp_path / "crafted"
    copy(published, folder)
    dates = {"first_time": "2026-01-01T00:00:00Z", "last_time": "2026-06-01T00:00:00Z"}
    reseal(folder, lambda fields: fields["data"].update({**dates, place: value}))
    with pytest.raises(ReleaseDamagedError, match=rf"manifest\.json: data\..*{place}"):
        Release.open(folder)


@pytest.mark.parametrize("text", ['"\\ud800"', "1e999", "-1e999", "NaN", "Infinity", "1" * 5000])
def test_rejects_text_and_numbers_that_are_not_json(
    published: Path, tmp_path: Path, text: str
) -> None:
    folder = tmp_path / "crafted"
    copy(published, folder)
    path = folder / "manifest.json"
    fields = path.read_text("utf-8")
    replace_file(path, fields.replace('"metrics": {}', f'"metrics": {{"a": {text}}}').encode())
    assert path.read_text("utf-8") != fields
    with pytest.raises(ReleaseDamagedError):
        Release.open(folder)


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("seen_ages.npy", np.arange(14, dtype=np.uint16), "expected uint16 \\(15,\\)"),
        ("seen_ages.npy", np.full(15, 3, np.uint16), "not below the number"),
        ("seen_ages.npy", np.zeros(0, np.uint16), "is empty, but the manifest has a recency"),
        ("leaning_codes.npy", np.zeros((0, 2), np.uint8), r"expected \(5, 2\) from the counts"),
        ("leaning_codes.npy", np.zeros((4, 2), np.uint8), r"expected \(5, 2\) from the counts"),
    ],
)
def test_rejects_ages_and_codes_that_do_not_fit_the_recency(
    published: Path, tmp_path: Path, name: str, array: np.ndarray, message: str
) -> None:
    folder = tmp_path / "crafted"
    copy(published, folder)
    craft(folder, name, array)
    shape = list(array.shape)
    reseal(folder, lambda fields: fields["files"][name].update(shape=shape))
    identify(folder)
    with pytest.raises(ReleaseDamagedError, match=message) as caught:
        Release.open(folder)
    assert caught.value.path == folder / name


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("seen_counts.npy", np.ones(14, np.uint16), r"counts are uint16 \(14,\): expected"),
        ("seen_counts.npy", np.zeros(0, np.uint16), "is empty, but the manifest has repeats"),
        ("seen_counts.npy", np.zeros(15, np.uint16), "a count is 0"),
        ("seen_decayed.npy", np.zeros(0, np.float16), "is empty, but the manifest has repeats"),
        ("seen_decayed.npy", np.full(15, np.nan, np.float16), "decayed count is negative or"),
        ("seen_decayed.npy", np.full(15, 1.5, np.float16), "or larger than the count"),
    ],
)
def test_rejects_counts_that_do_not_fit_the_repeats(
    published: Path, tmp_path: Path, name: str, array: np.ndarray, message: str
) -> None:
    folder = tmp_path / "crafted"
    copy(published, folder)
    craft(folder, name, array)
    shape = list(array.shape)
    reseal(folder, lambda fields: fields["files"][name].update(shape=shape))
    identify(folder)
    with pytest.raises(ReleaseDamagedError, match=message):
        Release.open(folder)


def test_rejects_counts_without_repeats(published: Path, tmp_path: Path) -> None:
    folder = tmp_path / "crafted"
    copy(published, folder)
    reseal(folder, lambda fields: fields.update(repeats=None))
    identify(folder)
    with pytest.raises(ReleaseDamagedError, match="is not empty, but the manifest has no repeats"):
        Release.open(folder)


def test_rejects_the_id_of_other_contents(published: Path, tmp_path: Path) -> None:
    folder = tmp_path / "crafted"
    copy(published, folder)
    reseal(folder, lambda fields: fields.update(id="20260101T000000Z-00000000"))
    with pytest.raises(ReleaseDamagedError, match="id of other contents"):
        Release.open(folder)


@pytest.mark.parametrize("backend", ["flat", "hnsw", "ivf"])
@settings(MANY, max_examples=50)
@given(data=st.data())
def test_rejects_or_survives_changed_bytes_in_the_index(
    make_contents: Make, tmp_path: Path, backend: str, data: st.DataObject
) -> None:
    """Whatever the index contains, FAISS neither reads beyond it nor returns unknown rows."""
    original, folder = tmp_path / "original", tmp_path / "crafted"
    if not original.exists():
        original.mkdir()
        write_manifest(original, write_files(original, make_contents(backend=backend), None))
    copy(original, folder)
    path = folder / INDEX_NAME
    content = bytearray(path.read_bytes())
    for place in data.draw(st.lists(st.integers(0, len(content) - 4), min_size=1, max_size=2)):
        word = data.draw(st.sampled_from([0, 1, 3, 12, 255, 2**16, 2**31 - 1, 2**32 - 1]))
        content[place : place + 4] = word.to_bytes(4, "little")
    replace_file(path, content)
    entry = entry_of(path)
    as_json = {"size": entry.size, "sha256": entry.sha256}
    reseal(folder, lambda fields: fields["files"][INDEX_NAME].update(as_json))
    identify(folder)
    try:
        release = Release.open(folder)
    except ReleaseDamagedError:
        return
    use(release)
