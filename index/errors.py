"""Errors of releases and of searches.

BitrecallError
 ├─ ReleaseError
 │   ├─ ReleaseContentsError   the contents to publish are inconsistent
 │   ├─ ReleaseDamagedError    the files differ from those that were published
 │   ├─ ReleaseVersionError    written in another format version
 │   ├─ ReleaseNotFoundError   the store does not have the release
 │   └─ NoReleaseError         no release is current, or none can be opened
 ├─ SearchError                invalid arguments of a search
 ├─ SearchUnavailableError     the search server does not respond
 ├─ UnknownItemError           unknown item id
 └─ FilterError                a filter names an attribute that no item has
"""

from __future__ import annotations

from pathlib import Path

from bitrecall.errors import BitrecallError


class ReleaseError(BitrecallError):
    """Base of the errors of releases and their store.

    Attributes:
        path: the file or folder at fault, also at the start of the message; or None.
    """

    def __init__(self, message: str, path: Path | None = None) -> None:
        super().__init__(message if path is None else f"{path}: {message}")
        self.path = path


class ReleaseContentsError(ReleaseError):
    """The contents to publish are inconsistent: shapes that disagree, duplicate ids, NaN."""


class ReleaseDamagedError(ReleaseError):
    """A file is missing, truncated or altered, or does not match the manifest; see ``path``."""


class ReleaseVersionError(ReleaseError):
    """The release was written in another format version."""


class ReleaseNotFoundError(ReleaseError):
    """The store has no release of that id."""


class NoReleaseError(ReleaseError):
    """The store has no current release, or none that can be opened."""


class SearchError(BitrecallError):
    """Invalid arguments of a search: a wrong code width, a negative k, an unknown row."""


class FilterError(BitrecallError):
    """A filter names an attribute that no item has, or a value of another type.

    Attributes:
        attribute: name of the attribute.
    """

    def __init__(self, message: str, attribute: str) -> None:
        super().__init__(message)
        self.attribute = attribute


class UnknownItemError(BitrecallError):
    """No item of the release, and no new item, has that id."""


class SearchUnavailableError(BitrecallError):
    """The search server cannot be reached, or lacks the collection to search."""
