"""Find the files of a data set."""

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
# Empty content takes fewer bytes than this in any compression.
_BLANK_BYTES = 256
# Hive writes this for a null.
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
        name: the path below the folder of the data set, for reports.
        keys: columns and values from folder names (``day=2025-03-01``); None is null.
    """

    path: Path
    name: str
    keys: tuple[tuple[str, str | None], ...] = ()


@dataclass(frozen=True)
class DataFiles:
    """The files of a data set.

    Attributes:
        name: of the folder, or of the file without its suffixes.
        train: the files to train on, in order; files for validation come last.
        test: the files of a given test split; may be empty.
    """

    name: str
    train: tuple[DataFile, ...]
    test: tuple[DataFile, ...] = ()


def find_files(paths: Sequence[Path]) -> DataFiles:
    """Find the files of one data set.

    A folder with `train.*` may also have `test.*` and `valid.*`. The names may have a prefix
    (`ml-100k.train.inter`), and each may be a folder of parts. In any other folder, all data files
    are parts of one table, in the order of their names, including those in folders `key=value`.
    If a folder has exactly one `.inter` file, only that file is read. An item table in the folder
    is not part of the interactions (`bitrecall.training.data.items.file_detection`).

    Args:
        paths: one folder or file, or several, which are read in this order.

    Raises:
        DataError: a path does not exist, or the files of the data set are ambiguous.
    """
    sources = [_find(path) for path in paths]
    if len(sources) == 1:
        return sources[0]
    for path, source in zip(paths, sources, strict=True):
        if source.test:
            raise DataError(
                "has train and test files, so it is a data set of its own; name it alone, or name "
                "the files to read",
                file=path,
            )
    name = f"{sources[0].name}+{len(sources) - 1}"
    files = tuple(file for source in sources for file in source.train)
    distinct = {file.path.resolve() for file in files}
    if len(distinct) < len(files):
        raise DataError("a file is named twice: " + ", ".join(str(path) for path in paths))
    return DataFiles(name, files)


def _find(path: Path) -> DataFiles:
    if path.is_file():
        return DataFiles(path.name.split(".")[0] or path.name, (DataFile(path, path.name),))
    if not path.is_dir():
        if path.exists():
            raise DataError("is neither a regular file nor a folder", file=path)
        raise DataError("no such file or folder", file=path)
    _refuse_table_formats(path)
    name = path.resolve().name
    known = _data_files(path)
    if len(known) > 1:
        item_tables = item_files(known)
        known = [entry for entry in known if entry not in item_tables]
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
        raise DataError(f"has {by_role['test'][0].name} but no train file", file=path)
    atomic = [entry for entry in known if entry.suffix.lower() == ".inter"]
    if len(atomic) == 1:
        return DataFiles(name, (DataFile(atomic[0], atomic[0].name),))
    parts = [
        *(DataFile(entry, entry.name) for entry in known),
        *(part for entry in _entries(path) if entry.is_dir() for part in _parts(entry, path)),
    ]
    if not parts:
        raise DataError(
            "contains no file of interactions; expected the suffix "
            f"{' '.join(SUFFIXES)}, compressed or not, or the name part-*",
            file=path,
        )
    return DataFiles(name, tuple(parts))


def _parts(entry: Path, root: Path) -> list[DataFile]:
    """List the data files of a folder and its subfolders, or the one file."""
    if entry.is_dir():
        _refuse_table_formats(entry)
        children = [*_data_files(entry), *(child for child in _entries(entry) if child.is_dir())]
        return [part for child in children for part in _parts(child, root)]
    below = entry.relative_to(root)
    keys = []
    for folder in below.parts[:-1]:
        key, equals, value = folder.partition("=")
        if equals:
            keys.append((unquote(key), None if value == NULL_KEY else unquote(value)))
    return [DataFile(entry, below.as_posix(), tuple(keys))]


def _entries(folder: Path) -> list[Path]:
    """List a folder by name, without hidden entries (`.crc`, `_SUCCESS`, `_temporary`)."""
    return sorted(entry for entry in folder.iterdir() if not entry.name.startswith((".", "_")))


def _data_files(folder: Path) -> list[Path]:
    """List the files with a known suffix, without empty parts, which Spark writes."""
    files = [entry for entry in _entries(folder) if entry.is_file() and _is_data(entry)]
    filled = [entry for entry in files if not _is_blank(entry)]
    return filled if filled and not any(map(_role, files)) else files


def _is_blank(path: Path) -> bool:
    """Whether the decompressed content of a file is only white space."""
    if path.stat().st_size > _BLANK_BYTES:
        return False
    try:
        with open_content(path) as file:
            return not b"".join(read_chunks(file, path, _BLANK_BYTES)).strip()
    except DataError:
        return False  # the reader will raise the error


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
    for name, description in TABLE_FORMATS.items():
        marker = folder / name
        if marker.is_dir() and (name != "metadata" or any(marker.glob("*.metadata.json"))):
            raise DataError(
                f"is {description}, whose files also contain deleted rows; export it as Parquet",
                file=folder,
            )


def _names(paths: Sequence[Path]) -> str:
    return ", ".join(path.name for path in paths)
