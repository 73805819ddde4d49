"""The base class of Bitrecall's errors, and errors that several packages use.

BitrecallError
 ├─ ArgumentError      an argument is invalid
 └─ MissingExtraError  a required package is not installed

Each package defines further subclasses in its ``errors`` module.
"""

from __future__ import annotations

__all__ = ["ArgumentError", "BitrecallError", "MissingExtraError"]


class BitrecallError(Exception):
    """Base class of all errors that Bitrecall raises on purpose; the message is for users."""


class ArgumentError(BitrecallError, ValueError):
    """An argument has an invalid type or value; ``argument`` is its name."""

    def __init__(self, message: str, argument: str) -> None:
        super().__init__(message)
        self.argument = argument


class MissingExtraError(BitrecallError, ImportError):
    """A required package is not installed; the message has the command to install it.

    Attributes:
        name: the package, as in ImportError.
        extra: the extra of Bitrecall that installs it.
    """

    def __init__(self, message: str, package: str, extra: str) -> None:
        super().__init__(message)
        self.name = package
        self.extra = extra
