"""The file of keys, followed while the service runs."""

import logging
from pathlib import Path

from bitrecall.service.auth.keys import Keyring, Role, parse_keys
from bitrecall.service.errors import KeysError

_log = logging.getLogger(__name__)

_Stamp = tuple[int, int, int, int, int]


class KeyFile:
    """The keys in a file, read again when it changes.

    Lines that are keys count at once, whatever is wrong with other lines, so that a key that was
    taken out is refused. A file that cannot be read, or that others may write to, leaves the keys
    as they were. Each of that is logged when it is first seen, and shown by ``is_ok``.

    Never raises: a worker that is replaced while the file is wrong has to come up. Who starts the
    service calls ``read_keys`` first, which does raise.

    Attributes:
        is_ok: whether the file could be read, is right in every line, and has a key in it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._keyring = Keyring(())
        self._stamp: _Stamp | None = None
        self.is_ok = False
        self._said: str | None = None
        self._read(_stamp(path))

    def __len__(self) -> int:
        """Count the keys that are accepted."""
        return len(self._keyring.keys)

    def role_of(self, secret: str) -> Role | None:
        """The role of a key, None if it is not accepted."""
        self.refresh()
        return self._keyring.role_of(secret)

    def refresh(self) -> None:
        """Read the file if it has changed; costs one look at its status otherwise."""
        stamp = _stamp(self._path)
        if stamp != self._stamp:
            self._read(stamp)

    def reload(self) -> None:
        """Read the file whether it has changed or not."""
        self._read(_stamp(self._path))

    def _read(self, stamp: _Stamp | None) -> None:
        self._stamp = stamp
        try:
            parsed = parse_keys(self._path)
        except KeysError as error:
            self.is_ok = False
            self._warn(f"{error}; the {len(self)} keys that were accepted before still are")
            return
        before, self._keyring = self._keyring, Keyring(parsed.keys)
        self.is_ok = not parsed.faults and bool(parsed.keys)
        if parsed.faults:
            faults = "; ".join(parsed.faults[:5])
            self._warn(f"{self._path}: {faults}; the {len(self)} keys of other lines are accepted")
        elif not parsed.keys:
            self._warn(
                f"{self._path}: holds no key, so every request that needs one is refused: "
                "make one with 'bitrecall key new'"
            )
        else:
            self._said = None
            if before.keys and before.keys != self._keyring.keys:
                _log.info("the keys were read again: %d are accepted", len(self))

    def _warn(self, text: str) -> None:
        if text != self._said:
            self._said = text
            _log.warning("%s", text)


def _stamp(path: Path) -> _Stamp | None:
    """Tells one state of a file from another, its mode included; None if it cannot be looked at."""
    try:
        status = path.stat()
    except OSError:
        return None
    return (
        status.st_mtime_ns,
        status.st_ctime_ns,
        status.st_ino,
        status.st_size,
        status.st_mode,
    )
