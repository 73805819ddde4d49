"""The file ``CURRENT``, which contains the id of the current release."""

from __future__ import annotations

import logging
from pathlib import Path

from bitrecall.disk import replace_file
from bitrecall.index.errors import ReleaseError
from bitrecall.index.releases.files import read_small
from bitrecall.index.releases.json_checks import RELEASE_ID

_MAX_BYTES = 64
_log = logging.getLogger(__name__)


class CurrentPointer:
    """Reads and replaces the pointer of the store at ``root``."""

    def __init__(self, root: Path) -> None:
        self.path = root / "CURRENT"
        self._last_warning: str | None = None

    def read(self) -> str | None:
        """Return the id of the current release; None if there is no pointer or it is damaged.

        The same damage is logged once, not at every read.
        """
        try:
            text = read_small(self.path, _MAX_BYTES).decode("ascii").strip()
        except FileNotFoundError:
            return None
        except ReleaseError as error:
            self._warn_once(str(error))
            return None
        except (OSError, UnicodeDecodeError) as error:
            self._warn_once(f"{self.path}: {error}")
            return None
        if RELEASE_ID.fullmatch(text) is None:
            self._warn_once(f"{self.path}: invalid release id {text!r}")
            return None
        self._last_warning = None
        return text

    def write(self, release_id: str) -> None:
        """Replace the pointer atomically. Raises OSError."""
        replace_file(self.path, release_id + "\n")

    def _warn_once(self, message: str) -> None:
        if message != self._last_warning:
            self._last_warning = message
            _log.warning("%s", message)
