"""Which files make up a data set, and how each of them holds its interactions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from training.data.delimited import first_line
from training.data.options import Format, ReadOptions
from training.data.recbole import is_recbole_header
from training.data.table import find_delimiter
from training.errors import DataError

__all__ = ["DataFiles", "detect_format", "find_files"]

SUFFIXES = (".txt", ".csv", ".tsv", ".inter", ".parquet", ".pq", ".dat", ".data")
ROLES = {
    "train": "train",
    "test": "test",
    "valid": "validation",
    "validation": "validation",
    "val": "validation",
}


@dataclass(frozen=True)
class DataFiles:
    """The files of a data set.

    Attributes:
        name: of the folder, or of the file without its suffixes.
        train: the files to train on; a validation file, which is one more of them, comes second.
        test: the given test split, or None.
    """

    name: str
    train: tuple[Path, ...]
    test: Path | None = None


def find_files(path: Path) -> DataFiles:
    """The files of a folder, or the one file.

    In a folder these are `train.*`, `test.*` if it is there, and `valid.*` if it is there, with a
    name before that or not (`ml-100k.train.inter`); or else the only file of a known kind. Where
    a folder holds one `.inter` file and no train, that is the one.

    Raises:
        DataError: nothing is there, or it is not clear which file is meant.
    """
    if path.is_file():
        return DataFiles(path.name.split(".")[0] or path.name, (path,))
    if not path.is_dir():
        raise DataError("there is no such file or folder", file=path)
    name = path.resolve().name
    known = sorted(
        entry
        for entry in path.iterdir()
        if entry.suffix.lower() in SUFFIXES and not entry.name.startswith(".") and entry.is_file()
    )
    by_role: dict[str, list[Path]] = {"train": [], "test": [], "validation": [], "": []}
    for entry in known:
        by_role[_role(entry)].append(entry)
    for role in ("train", "test", "validation"):
        if len(by_role[role]) > 1:
            raise DataError(f"has several {role} files: {_names(by_role[role])}", file=path)
    if by_role["train"]:
        train = (*by_role["train"], *by_role["validation"])
        return DataFiles(name, train, by_role["test"][0] if by_role["test"] else None)
    if by_role["test"]:
        raise DataError(f"has {by_role['test'][0].name} and no train file", file=path)
    interactions = [entry for entry in known if entry.suffix.lower() == ".inter"] or known
    if len(interactions) != 1:
        raise DataError(
            f"needs a file train.*, or a single file of interactions ({' '.join(SUFFIXES)}); "
            f"it has {_names(interactions) or 'none'}",
            file=path,
        )
    return DataFiles(name, (interactions[0],))


def detect_format(path: Path, options: ReadOptions) -> Format:
    """The format: the option's, else by the suffix, else by how the file begins.

    A file that begins as Parquet does is that; one whose first line has RecBole's types, a
    `.inter` file; one whose first line names the columns of user and item, a table; and any other
    is in the LightGCN format.

    Raises:
        DataError: the file cannot be read, or is empty.
    """
    if options.format is not Format.AUTO:
        return options.format
    by_suffix = {
        ".parquet": Format.PARQUET,
        ".pq": Format.PARQUET,
        ".inter": Format.RECBOLE,
        ".csv": Format.TABLE,
        ".tsv": Format.TABLE,
    }
    found = by_suffix.get(path.suffix.lower())
    if found is not None:
        return found
    line = first_line(path)
    if line.startswith("PAR1"):
        return Format.PARQUET
    if is_recbole_header(line.split("\t")):
        return Format.RECBOLE
    if options.columns is not None or find_delimiter(line, path, options) is not None:
        return Format.TABLE
    return Format.LIGHTGCN


def _role(path: Path) -> str:
    parts = path.name.lower().split(".")
    return ROLES.get(parts[-2], "")


def _names(paths: list[Path]) -> str:
    return ", ".join(path.name for path in paths)
