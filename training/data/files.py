"""Which files make up a data set."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from training.data.roles import item_files
from training.errors import DataError

__all__ = ["DataFiles", "find_files"]

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
    a folder holds one `.inter` file and no train, that is the one. A table of items beside them is
    none of them (`training.data.roles`).

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
    if len(known) > 1:
        about_items = item_files(known)
        known = [entry for entry in known if entry not in about_items]
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


def _role(path: Path) -> str:
    parts = path.name.lower().split(".")
    return ROLES.get(parts[-2], "")


def _names(paths: list[Path]) -> str:
    return ", ".join(path.name for path in paths)
