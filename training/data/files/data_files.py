"""Which files make up a data set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from bitrecall.training.data.files.compression import open_content, read_chunks
from bitrecall.training.data.items.file_detection import item_files
from bitrecall.training.errors import DataError

__all__ = ["DataFile", "DataFiles", "find_files"]

SUFFIXES = (
    *(".txt", ".csv", ".tsv", ".tab", ".inter", ".parquet", ".pq", ".dat", ".data"),
    *(".json", ".jsonl", ".ndjson"),
)
PACKED = (".gz", ".zst", ".bz2", ".xz", ".zip")
ROLES = {
    "train": "train",
    "test": "test",
    "valid": "validation",
    "validation": "validation",
    "val": "validation",
}
# Nothing takes fewer bytes than this in any compression.
_BLANK_BYTES = 256
# What Hive writes for a null.
NULL_KEY = "__HIVE_DEFAULT_PARTITION__"
TABLE_FORMATS = {
    "_delta_log": "a Delta Lake table",
    ".hoodie": "an Apache Hudi table",
    "metadata": "an Apache Iceberg table",
}


@dataclass(frozen=True)
class DataFile:
    """One file of a data set.

    Attributes:
        path: the file.
        name: for reports: its path below the folder that was named.
        keys: columns that the names of its folders hold (``day=2025-03-01``); None is null.
    """

    path: Path
    name: str
    keys: tuple[tuple[str, str | None], ...] = ()


@dataclass(frozen=True)
class DataFiles:
    """The files of a data set.

    Attributes:
        name: of the folder, or of the file without its suffixes.
        train: the files to train on, in order; those for validation are among them, last.
        test: the given test split; empty if there is none.
    """

    name: str
    train: tuple[DataFile, ...]
    test: tuple[DataFile, ...] = ()


def find_files(paths: Sequence[Path]) -> DataFiles:
    """The files that the paths of one data set stand for.

    A folder has `train.*`, and may have `test.*` and `valid.*`, with a name before that or not
    (`ml-100k.train.inter`); each may be a folder of parts. Otherwise all its data files are parts
    of one table, those in folders `key=value` included, in the order of their names. If it holds
    one `.inter` file, that is the one. A table of items beside them is none of them
    (`bitrecall.training.data.items.file_detection`).

    Args:
        paths: a folder or a file; or several, which are read one after the other.

    Raises:
        DataError: nothing is there, or it is not clear which files are meant.
    """
    found = [_find(path) for path in paths]
    if len(found) == 1:
        return found[0]
    for path, one in zip(paths, found, strict=True):
        if one.test:
            raise DataError(
                "has train and test files, so it is a data set of its own; name it alone, or name "
                "the files to read",
                file=path,
            )
    name = found[0].name if len(found) == 1 else f"{found[0].name}+{len(found) - 1}"
    files = tuple(file for one in found for file in one.train)
    again = {file.path.resolve() for file in files}
    if len(again) < len(files):
        raise DataError("a file is named twice: " + ", ".join(str(path) for path in paths))
    return DataFiles(name, files)


def _find(path: Path) -> DataFiles:
    if path.is_file():
        return DataFiles(path.name.split(".")[0] or path.name, (DataFile(path, path.name),))
    if not path.is_dir():
        raise DataError("there is no such file or folder", file=path)
    _refuse_table_formats(path)
    name = path.resolve().name
    known = _data_files(path)
    if len(known) > 1:
        about_items = item_files(known)
        known = [entry for entry in known if entry not in about_items]
    by_role: dict[str, list[Path]] = {"train": [], "test": [], "validation": []}
    folders = [entry for entry in _entries(path) if entry.is_dir() and entry.name.lower() in ROLES]
    for entry in (*known, *folders):
        if role := _role(entry):
            by_role[role].append(entry)
    for role, entries in by_role.items():
        if len(entries) > 1:
            raise DataError(f"has several {role} files: {_names(entries)}", file=path)
    if by_role["train"]:
        train = [*by_role["train"], *by_role["validation"]]
        return DataFiles(
            name,
            tuple(file for entry in train for file in _parts(entry, path)),
            tuple(file for entry in by_role["test"] for file in _parts(entry, path)),
        )
    if by_role["test"]:
        raise DataError(f"has {by_role['test'][0].name} and no train file", file=path)
    atomic = [entry for entry in known if entry.suffix.lower() == ".inter"]
    if len(atomic) == 1:
        return DataFiles(name, (DataFile(atomic[0], atomic[0].name),))
    parts = [
        *(DataFile(entry, entry.name) for entry in known),
        *(part for entry in _entries(path) if entry.is_dir() for part in _parts(entry, path)),
    ]
    if not parts:
        raise DataError(
            "holds no file of interactions, by its suffix; expected "
            f"{' '.join(SUFFIXES)}, compressed or not, or part-*",
            file=path,
        )
    return DataFiles(name, tuple(parts))


def _parts(entry: Path, root: Path) -> list[DataFile]:
    """The data files of a folder, its own folders included, or the one file."""
    if entry.is_dir():
        _refuse_table_formats(entry)
        here = [*_data_files(entry), *(one for one in _entries(entry) if one.is_dir())]
        return [part for one in here for part in _parts(one, root)]
    below = entry.relative_to(root)
    keys = []
    for folder in below.parts[:-1]:
        key, equals, value = folder.partition("=")
        if equals:
            keys.append((unquote(key), None if value == NULL_KEY else unquote(value)))
    return [DataFile(entry, below.as_posix(), tuple(keys))]


def _entries(folder: Path) -> list[Path]:
    """What a folder holds, by name, without what is hidden (`.crc`, `_SUCCESS`, `_temporary`)."""
    return sorted(entry for entry in folder.iterdir() if not entry.name.startswith((".", "_")))


def _data_files(folder: Path) -> list[Path]:
    """Files of a known kind; empty ones are left out of several, as Spark writes them."""
    found = [entry for entry in _entries(folder) if entry.is_file() and _is_data(entry)]
    filled = [entry for entry in found if not _is_blank(entry)]
    return filled if filled and not any(map(_role, found)) else found


def _is_blank(path: Path) -> bool:
    """Whether a file holds nothing but white space, once it is unpacked."""
    if path.stat().st_size > _BLANK_BYTES:
        return False
    try:
        with open_content(path) as file:
            return not b"".join(read_chunks(file, path, _BLANK_BYTES)).strip()
    except DataError:
        return False  # reading it says what is wrong


def _is_data(path: Path) -> bool:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in PACKED:
        suffixes.pop()
        return not suffixes or suffixes[-1] in SUFFIXES or path.name.startswith("part-")
    return (bool(suffixes) and suffixes[-1] in SUFFIXES) or path.name.startswith("part-")


def _role(path: Path) -> str:
    if path.is_dir():
        return ROLES.get(path.name.lower(), "")
    parts = path.name.lower().split(".")
    if len(parts) > 2 and f".{parts[-1]}" in PACKED:
        parts.pop()
    return ROLES.get(parts[-2], "") if len(parts) > 1 else ""


def _refuse_table_formats(folder: Path) -> None:
    for inside, what in TABLE_FORMATS.items():
        place = folder / inside
        if place.is_dir() and (inside != "metadata" or any(place.glob("*.metadata.json"))):
            raise DataError(
                f"is {what}, whose files hold rows that were deleted as well; export it as Parquet",
                file=folder,
            )


def _names(paths: Sequence[Path]) -> str:
    return ", ".join(path.name for path in paths)
