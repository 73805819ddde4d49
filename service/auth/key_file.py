"""The key file, read again whenever it changes."""

import logging
from pathlib import Path

from bitrecall.service.auth.keyring import Keyring, Role, parse_keys
from bitrecall.service.errors import KeysError

_log = logging.getLogger(__name__)

_Stamp = tuple[int, int, int, int, int]


class KeyFile:
    """The keys in a file, read again when the file changes.

    Valid lines apply at once even if others are invalid, so that a removed key is rejected. If the
    file cannot be read, or other users may write to it, the previous keys stay valid. Each such
    fault is logged once and sets ``is_ok`` to False.

    Never raises: a worker that is replaced while the file is invalid has to start. When the service
    starts, it calls ``read_keys``, which raises.

    Attributes:
        is_ok: whether the file could be read, has at least one key, and has only valid lines.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._keyring = Keyring(())
        self._stamp: _Stamp | None = None
        self.is_ok = False
        self._last_warning: str | None = None
        self._read(_stamp(path))

    def __len__(self) -> int:
        """Count the valid keys."""
        return len(self._keyring.keys)

    def role_of(self, secret: str) -> Role | None:
        """The role of a key, None if it is unknown."""
        self.refresh()
        return self._keyring.role_of(secret)

    def refresh(self) -> None:
        """Read the file if it has changed; otherwise this is one ``stat`` call."""
        stamp = _stamp(self._path)
        if stamp != self._stamp:
            self._read(stamp)

    def reload(self) -> None:
        """Read the file even if it has not changed."""
        self._read(_stamp(self._path))

    def _read(self, stamp: _Stamp | None) -> None:
        self._stamp = stamp
        try:
            parsed = parse_keys(self._path)
        except KeysError as error:
            self.is_ok = False
            self._warn(f"{error}; the {len(self)} previous keys stay valid")
            return
        before, self._keyring = self._keyring, Keyring(parsed.keys)
        self.is_ok = not parsed.faults and bool(parsed.keys)
        if parsed.faults:
            faults = "; ".join(parsed.faults[:5])
            self._warn(f"{self._path}: {faults}; the {len(self)} keys in other lines are valid")
        elif not parsed.keys:
            self._warn(
                f"{self._path}: the file has no keys, so every request that needs one is rejected: "
                "make one with 'bitrecall key new'"
            )
        else:
            self._last_warning = None
            if before.keys and before.keys != self._keyring.keys:
                _log.info("reloaded the keys: %d are valid", len(self))

    def _warn(self, text: str) -> None:
        if text != self._last_warning:
            self._last_warning = text
            _log.warning("%s", text)


def _stamp(path: Path) -> _Stamp | None:
    """Identifies a state of a file, including its mode; None if it cannot be read."""
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
