"""API keys: what each of them may do, kept as hashes in a file.

One key per line: its role, its name and the SHA-256 of the key. A key is 32 random bytes, which
nobody guesses, so a fast hash is as good as a slow one: whoever reads the file learns no key.
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
    """What a key may do; each role may do what those before it may.

    RECOMMEND asks for recommendations and nothing else. READ also sees which users and items
    exist, what each user has, and the metrics. WRITE also sends events and forgets users. ADMIN
    also changes which release is served.
    """

    RECOMMEND = 1
    READ = 2
    WRITE = 3
    ADMIN = 4


@dataclass(frozen=True)
class Key:
    """A key as it is kept."""

    role: Role
    name: str
    sha256: str

    def line(self) -> str:
        """The line of the file, without its end."""
        return f"{self.role.name.lower()} {self.name} {self.sha256}"


@dataclass(frozen=True)
class ParsedKeys:
    """What a file of keys holds.

    Attributes:
        keys: the lines that are keys.
        faults: what is wrong with the others, each naming its line but not its text.
    """

    keys: Sequence[Key]
    faults: Sequence[str]


class Keyring:
    """The keys that are accepted."""

    def __init__(self, keys: Iterable[Key]) -> None:
        self.keys = tuple(keys)

    def role_of(self, secret: str) -> Role | None:
        """The role of a key, None if the key is unknown.

        It is compared with every key, in a time that depends on none of them.
        """
        asked = _sha256(secret)
        found: Role | None = None
        for key in self.keys:
            if hmac.compare_digest(key.sha256, asked):
                found = key.role
        return found


def parse_keys(path: Path) -> ParsedKeys:
    """The keys in a file, with what is wrong with its other lines.

    Raises ``KeysError`` when the file cannot be read, or when others than its owner may write to
    it: whoever may write to it can let themselves in.
    """
    keys: dict[str, Key] = {}
    faults: list[str] = []
    for number, line in enumerate(_lines(path), start=1):
        if not _is_key_line(line):
            continue
        key = _key_in(line)
        if key is None:
            faults.append(f"line {number} is not a role, a name and a SHA-256")
        elif key.name in keys:
            faults.append(f"line {number} is a second key called {key.name}")
        else:
            keys[key.name] = key
    return ParsedKeys(tuple(keys.values()), tuple(faults))


def read_keys(path: Path) -> list[Key]:
    """The keys in a file in which every line is right. Raises ``KeysError`` as ``parse_keys``."""
    parsed = parse_keys(path)
    if parsed.faults:
        raise KeysError(f"{path}: {'; '.join(parsed.faults)}")
    return list(parsed.keys)


def add_key(path: Path, role: Role, name: str) -> str:
    """Make a key and add its hash to a file, which is made if it does not exist.

    Returns:
        The key, which is kept nowhere.

    Raises ``KeysError`` when the file cannot be used or written, the name is taken, or has other
    characters than letters, digits, ``_``, ``.`` and ``-``.
    """
    if _NAME.fullmatch(name) is None:
        raise KeysError(
            f"a key's name has up to 64 letters, digits, '_', '.' and '-', not {name!r}"
        )
    lines = _lines(path) if path.exists() else []
    if any(_name_in(line) == name for line in lines):
        raise KeysError(f"{path}: there is a key called {name} already")
    secret = f"br_{role.name.lower()}_{secrets.token_urlsafe(32)}"
    _write(path, [*lines, Key(role, name, _sha256(secret)).line()])
    return secret


def remove_key(path: Path, name: str) -> None:
    """Take a key out of a file; all other lines stay, whatever is wrong with them.

    Raises ``KeysError`` when there is no key of that name, or the file cannot be used or written.
    """
    lines = _lines(path)
    kept = [line for line in lines if _name_in(line) != name]
    if len(kept) == len(lines):
        raise KeysError(f"{path}: there is no key called {name}")
    _write(path, kept)


def _lines(path: Path) -> list[str]:
    try:
        # Not blocking: a pipe in place of the file is refused below, not waited for.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            mode = os.fstat(descriptor).st_mode
            if not stat.S_ISREG(mode):
                raise KeysError(f"{path}: the keys have to be in a regular file")
            if mode & (stat.S_IWGRP | stat.S_IWOTH):
                raise KeysError(
                    f"{path}: others than its owner may write to this file of keys "
                    f"(mode {stat.S_IMODE(mode):o}): chmod go-w {path}"
                )
            with os.fdopen(descriptor, encoding="utf-8", closefd=False) as file:
                return file.read().splitlines()
        finally:
            os.close(descriptor)
    except FileNotFoundError as error:
        raise KeysError(
            f"{path}: there is no such file of keys; "
            f"'bitrecall key new NAME --role ROLE --keys {path}' makes one"
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
    """Replace the file atomically; a new one is readable by its owner alone."""
    text = "".join(f"{line}\n" for line in lines)
    try:
        replace_file(path, text, new_mode=0o600)
    except OSError as error:
        reason = disk_fault(error, path.parent)
        raise KeysError(f"{path}: the keys cannot be written: {reason}") from error


def _sha256(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()
