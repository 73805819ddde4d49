"""API keys and their roles, stored as hashes in a file.

One key per line: its role, its name and the SHA-256 of the key. A key has 32 random bytes, so a
fast hash is as safe as a slow one: the file does not reveal the keys.
"""

import hashlib
import hmac
import os
import re
import secrets
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Final

from bitrecall.disk import disk_fault, replace_file
from bitrecall.service.errors import KeysError

_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_HASH: Final = re.compile(r"[0-9a-f]{64}")


class Role(IntEnum):
    """The permissions of a key; each role includes those before it.

    RECOMMEND allows recommendations only. READ also allows reading users, items and metrics. WRITE
    also allows sending events and forgetting users. ADMIN also allows changing the current release.
    """

    RECOMMEND = 1
    READ = 2
    WRITE = 3
    ADMIN = 4


@dataclass(frozen=True)
class Key:
    """A key as stored in the file: its role, its name and its hash."""

    role: Role
    name: str
    sha256: str

    def line(self) -> str:
        """The line in the file, without a line end."""
        return f"{self.role.name.lower()} {self.name} {self.sha256}"


@dataclass(frozen=True)
class ParsedKeys:
    """The content of a key file.

    Attributes:
        keys: the valid keys.
        faults: the errors of other lines, each with the number of the line but not its text.
    """

    keys: Sequence[Key]
    faults: Sequence[str]


class Keyring:
    """The keys that are accepted."""

    def __init__(self, keys: Iterable[Key]) -> None:
        self.keys = tuple(keys)

    def role_of(self, secret: str) -> Role | None:
        """The role of a key, None if the key is unknown.

        Takes the same time for every key, known or not.
        """
        sha256 = _sha256(secret)
        role: Role | None = None
        for key in self.keys:
            if hmac.compare_digest(key.sha256, sha256):
                role = key.role
        return role


def parse_keys(path: Path) -> ParsedKeys:
    """The keys in a file, and the errors of its other lines.

    Raises:
        KeysError: the file cannot be read, or users other than its owner may write to it, and so
            could add keys.
    """
    keys: dict[str, Key] = {}
    faults: list[str] = []
    for number, line in enumerate(_lines(path), start=1):
        if not _is_key_line(line):
            continue
        key = _key_in(line)
        if key is None:
            faults.append(f"line {number} is invalid: expected a role, a name and a SHA-256")
        elif key.name in keys:
            faults.append(f"line {number} repeats the key name {key.name}")
        else:
            keys[key.name] = key
    return ParsedKeys(tuple(keys.values()), tuple(faults))


def read_keys(path: Path) -> list[Key]:
    """The keys in a file.

    Raises:
        KeysError: as ``parse_keys``, or a line is invalid.
    """
    parsed = parse_keys(path)
    if parsed.faults:
        raise KeysError(f"{path}: {'; '.join(parsed.faults)}")
    return list(parsed.keys)


def add_key(path: Path, role: Role, name: str) -> str:
    """Make a key and add its hash to a file, which is created if it does not exist.

    Returns:
        The key, which is not stored anywhere.

    Raises:
        KeysError: the file cannot be read or written, or the name is in use or invalid: it may have
            letters, digits, ``_``, ``.`` and ``-``.
    """
    if _NAME.fullmatch(name) is None:
        raise KeysError(
            f"invalid key name {name!r}: expected up to 64 letters, digits, '_', '.' and '-'"
        )
    lines = _lines(path) if path.exists() else []
    if any(_name_in(line) == name for line in lines):
        raise KeysError(f"{path}: a key called {name} already exists")
    secret = f"br_{role.name.lower()}_{secrets.token_urlsafe(32)}"
    _write(path, [*lines, Key(role, name, _sha256(secret)).line()])
    return secret


def remove_key(path: Path, name: str) -> None:
    """Remove a key from a file; all other lines stay, even invalid ones.

    Raises:
        KeysError: the name is unknown, or the file cannot be read or written.
    """
    lines = _lines(path)
    kept = [line for line in lines if _name_in(line) != name]
    if len(kept) == len(lines):
        raise KeysError(f"{path}: no key is called {name}")
    _write(path, kept)


def _lines(path: Path) -> list[str]:
    try:
        # Non-blocking: a pipe instead of a file is rejected below, and must not block here.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            mode = os.fstat(descriptor).st_mode
            if not stat.S_ISREG(mode):
                raise KeysError(f"{path}: the key file has to be a regular file")
            if mode & (stat.S_IWGRP | stat.S_IWOTH):
                raise KeysError(
                    f"{path}: users other than the owner may write to this key file "
                    f"(mode {stat.S_IMODE(mode):o}): chmod go-w {path}"
                )
            with os.fdopen(descriptor, encoding="utf-8", closefd=False) as file:
                return file.read().splitlines()
        finally:
            os.close(descriptor)
    except FileNotFoundError as error:
        raise KeysError(
            f"{path}: the key file does not exist; make one with "
            f"'bitrecall key new NAME --role ROLE --keys {path}'"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise KeysError(f"{path}: the keys cannot be read: {error}") from error


def _is_key_line(line: str) -> bool:
    return bool(line.strip()) and not line.startswith("#")


def _key_in(line: str) -> Key | None:
    fields = line.split()
    if (
        len(fields) == 3
        and fields[0].upper() in Role.__members__
        and _NAME.fullmatch(fields[1])
        and _HASH.fullmatch(fields[2])
    ):
        return Key(Role[fields[0].upper()], fields[1], fields[2])
    return None


def _name_in(line: str) -> str | None:
    key = _key_in(line) if _is_key_line(line) else None
    return None if key is None else key.name


def _write(path: Path, lines: Iterable[str]) -> None:
    """Replace the file atomically; only the owner can read a new file."""
    text = "".join(f"{line}\n" for line in lines)
    try:
        replace_file(path, text, new_mode=0o600)
    except OSError as error:
        reason = disk_fault(error, path.parent)
        raise KeysError(f"{path}: the keys cannot be written: {reason}") from error


def _sha256(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()
