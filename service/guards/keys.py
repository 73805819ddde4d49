"""API keys: what each of them may do, kept as hashes in a file.

A line a key: its role, its name, and the SHA-256 of the key. A key is 32 random bytes, which nobody
guesses, so a fast hash is as good as a slow one: whoever reads the file learns no key.
"""

import hashlib
import hmac
import os
import re
import secrets
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Final

from service.errors import KeysError

_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_HASH: Final = re.compile(r"[0-9a-f]{64}")


class Role(IntEnum):
    """What a key may do; each may do what those before it may.

    READ asks for recommendations, WRITE also sends events and forgets users, ADMIN also changes
    which release is served.
    """

    READ = 1
    WRITE = 2
    ADMIN = 3


@dataclass(frozen=True)
class Key:
    """A key as it is kept."""

    role: Role
    name: str
    sha256: str


class Keyring:
    """The keys that are accepted."""

    def __init__(self, keys: Iterable[Key]) -> None:
        self.keys = tuple(keys)

    def role_of(self, secret: str) -> Role | None:
        """The role of a key, None where it is none.

        It is compared with every key, in a time that depends on none of them.
        """
        asked = _sha256(secret)
        found: Role | None = None
        for key in self.keys:
            if hmac.compare_digest(key.sha256, asked):
                found = key.role
        return found


def read_keys(path: Path) -> list[Key]:
    """The keys in a file. Raises ``KeysError``, naming the line that is wrong but not its text."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise KeysError(f"{path}: the keys cannot be read: {error}") from error
    keys: list[Key] = []
    for number, line in enumerate(lines, start=1):
        if line.strip() and not line.startswith("#"):
            keys.append(_parsed(line, path, number))
    names = [key.name for key in keys]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise KeysError(f"{path}: there are several keys called {sorted(twice)[0]}")
    return keys


def add_key(path: Path, role: Role, name: str) -> str:
    """Make a key and add its hash to a file, which is made if there is none.

    Returns:
        The key, which is kept nowhere.

    Raises ``KeysError`` where the file cannot be read or written, the name is used already, or has
    other characters than letters, digits, ``_``, ``.`` and ``-``.
    """
    if _NAME.fullmatch(name) is None:
        raise KeysError(
            f"a key's name has up to 64 letters, digits, '_', '.' and '-', not {name!r}"
        )
    keys = read_keys(path) if path.exists() else []
    if any(key.name == name for key in keys):
        raise KeysError(f"{path}: there is a key called {name} already")
    secret = f"br_{role.name.lower()}_{secrets.token_urlsafe(32)}"
    _write(path, [*keys, Key(role, name, _sha256(secret))])
    return secret


def remove_key(path: Path, name: str) -> None:
    """Take a key out of a file. Raises ``KeysError`` where there is none of that name."""
    keys = read_keys(path)
    kept = [key for key in keys if key.name != name]
    if len(kept) == len(keys):
        raise KeysError(f"{path}: there is no key called {name}")
    _write(path, kept)


def _parsed(line: str, path: Path, number: int) -> Key:
    fields = line.split()
    well_formed = (
        len(fields) == 3
        and fields[0].upper() in Role.__members__
        and _NAME.fullmatch(fields[1])
        and _HASH.fullmatch(fields[2])
    )
    if not well_formed:
        raise KeysError(f"{path}, line {number}: is not a role, a name and a SHA-256")
    return Key(Role[fields[0].upper()], fields[1], fields[2])


def _write(path: Path, keys: Iterable[Key]) -> None:
    """Write the file anew and in one step, readable to its owner alone."""
    text = "".join(f"{key.role.name.lower()} {key.name} {key.sha256}\n" for key in keys)
    try:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except OSError as error:
        raise KeysError(f"{path}: the keys cannot be written: {error.strerror}") from error


def _sha256(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()
