"""Split a row filter into tokens, with their positions for error messages."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from bitrecall.training.errors import DataError

__all__ = ["FilterToken", "invalid_filter", "split_filter"]

_TOKEN: Final = re.compile(
    r"""\s*(?:
        (?P<operator><=|>=|<>|!=|==|=|<|>)
      | (?P<mark>[(),])
      | (?P<quoted>'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`)
      | (?P<word>[^\s()<>=!,'"`]+)
    )""",
    re.VERBOSE,
)


@dataclass(frozen=True)
class FilterToken:
    """A token of a row filter.

    Attributes:
        text: as in the filter, quotes included.
        start: position of its first character in the filter, from 0.
        kind: ``operator``, ``mark``, ``quoted``, ``word`` or ``end``.
    """

    text: str
    start: int
    kind: str

    def matches(self, *words: str) -> bool:
        """Whether the token is one of these keywords, operators or marks."""
        return self.kind != "quoted" and self.text.lower() in words

    @property
    def unquoted(self) -> str:
        """The text of a quoted token without its quotes."""
        quote = self.text[0]
        return self.text[1:-1].replace(quote * 2, quote)


def split_filter(expression: str) -> list[FilterToken]:
    """Split a filter into tokens; the last one has the kind ``end``.

    Raises:
        DataError: a quote is not closed, or a character is invalid.
    """
    tokens: list[FilterToken] = []
    start = 0
    text = expression.rstrip()
    while start < len(text):
        match = _TOKEN.match(text, start)
        if match is None:
            start += len(text[start:]) - len(text[start:].lstrip())
            quote = text[start] in "'\"`"
            raise invalid_filter(
                expression,
                "this quote is not closed" if quote else "this character is invalid here",
                FilterToken(text[start:], start, "word"),
            )
        kind = str(match.lastgroup)
        tokens.append(FilterToken(match[kind], match.start(kind), kind))
        start = match.end()
    return [*tokens, FilterToken("", len(text), "end")]


def invalid_filter(expression: str, problem: str, token: FilterToken) -> DataError:
    """Build the error for a problem at a token."""
    actual = f"found {token.text!r}" if token.text else "found the end"
    return DataError(
        f"invalid --where {expression!r}: {problem}, at character {token.start + 1} ({actual})"
    )
