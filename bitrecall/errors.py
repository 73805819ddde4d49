"""The base class of Bitrecall's errors, and those of calls that cannot be carried out.

BitrecallError
 ├─ ArgumentError      an argument of a call cannot be used
 └─ MissingExtraError  a package that the call needs is not installed

Each package derives its own in its ``errors`` module.
"""

from __future__ import annotations

__all__ = ["ArgumentError", "BitrecallError", "MissingExtraError"]


class BitrecallError(Exception):
    """Base of every error that Bitrecall raises on purpose; its text is fit to show a user."""


class ArgumentError(BitrecallError, ValueError):
    """An argument has a type or a value that the call cannot use; ``argument`` is its name."""

    def __init__(self, message: str, argument: str) -> None:
        super().__init__(message)
        self.argument = argument


class MissingExtraError(BitrecallError, ImportError):
    """A package is not installed that the call needs; the message says what to type.

    ``name`` is the package, as in ImportError, and ``extra`` the extra of Bitrecall that has it.
    """

    def __init__(self, message: str, package: str, extra: str) -> None:
        super().__init__(message)
        self.name = package
        self.extra = extra
