"""Errors of releases and of searches.

BitrecallError
 ├─ ReleaseError
 │   ├─ ReleaseContentsError   what is to be published contradicts itself
 │   ├─ ReleaseDamagedError    what is on disk is not what was published
 │   ├─ ReleaseVersionError    the format version is not understood here
 │   ├─ ReleaseNotFoundError   there is no release of that id
 │   └─ NoReleaseError         nothing is current, or nothing can be opened
 ├─ SearchError                the arguments of a search make no sense
 ├─ SearchUnavailableError     the server that should search does not answer
 ├─ UnknownItemError           there is no item of that id
 └─ FilterError                a filter asks of items what no item has
"""

from __future__ import annotations

from pathlib import Path

from bitrecall.errors import BitrecallError


class ReleaseError(BitrecallError):
    """Something is wrong with a release or with the store that holds it.

    ``path`` names the file or folder at fault where there is one, and starts the message.
    """

    def __init__(self, message: str, path: Path | None = None) -> None:
        super().__init__(message if path is None else f"{path}: {message}")
        self.path = path


class ReleaseContentsError(ReleaseError):
    """What is to be published contradicts itself: shapes that disagree, duplicate ids, NaN."""


class ReleaseDamagedError(ReleaseError):
    """A file is missing, truncated, altered or not what the manifest says; ``path`` names it."""


class ReleaseVersionError(ReleaseError):
    """The release was written in a format version that this code does not understand."""


class ReleaseNotFoundError(ReleaseError):
    """The store has no release of that id."""


class NoReleaseError(ReleaseError):
    """The store has no current release, or none that can be opened."""


class SearchError(BitrecallError):
    """The arguments of a search make no sense: a wrong code width, a negative k, an unknown row."""


class FilterError(BitrecallError):
    """A filter names an attribute that no item has, or compares it with what it cannot be.

    ``attribute`` is its name.
    """

    def __init__(self, message: str, attribute: str) -> None:
        super().__init__(message)
        self.attribute = attribute


class UnknownItemError(BitrecallError):
    """Neither the release nor the items added since have an item of that id."""


class SearchUnavailableError(BitrecallError):
    """The server that should search cannot be reached, or does not hold what is to be searched."""
