"""Which rows of a table count: ``event in (buy, cart) and not rating < 3``.

    expression = term {"or" term}
    term       = factor {"and" factor}
    factor     = "not" factor | "(" expression ")" | condition
    condition  = COLUMN ("=" | "==" | "!=" | "<>" | "<" | "<=" | ">" | ">=") VALUE
               | COLUMN ["not"] "in" "(" VALUE {"," VALUE} ")"
               | COLUMN "is" ["not"] "null"

Columns and values are bare words, or in quotes if they hold spaces, brackets, commas or operators;
a quote inside quotes is doubled. Keywords may be in any case. As in SQL, a condition on a missing
value is unknown, and rows for which the expression is unknown are left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NoReturn

import polars as pl

from bitrecall.training.data.columns.comparison import Value, compare
from bitrecall.training.errors import DataError

__all__ = ["RowFilter"]

_TOKEN: Final = re.compile(
    r"""\s*(?:
        (?P<operator><=|>=|<>|!=|==|=|<|>)
      | (?P<mark>[(),])
      | (?P<quoted>'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`)
      | (?P<word>[^\s()<>=!,'"`]+)
    )""",
    re.VERBOSE,
)
_CURLY: Final = "\u2018\u2019\u201c\u201d\u201e\u00ab\u00bb"
_KEYWORDS: Final = ("and", "or", "not", "in", "is", "null")
_SAME: Final = {"==": "=", "<>": "!="}

Condition = Callable[[pl.DataFrame], pl.Series]


@dataclass(frozen=True)
class RowFilter:
    """A condition on the columns of a row.

    Attributes:
        text: as it was written.
        columns: the names in it, each once, in order.
        numeric: those of them whose cells have to be numbers, to be more or less than one.
    """

    text: str
    columns: tuple[str, ...]
    _condition: Condition
    numeric: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> RowFilter:
        """Parse an expression.

        Raises:
            DataError: it does not follow the grammar; the message says where.
        """
        return _Parser(text).whole()

    @classmethod
    def at_least(cls, column: str, least: float) -> RowFilter:
        """Rows whose value in a column is a number of at least ``least``."""
        value = Value(f"{least:.15g}", quoted=False)
        return cls(
            f"{column} >= {value.text}", (column,), _comparison(column, ">=", value), (column,)
        )

    def keep(self, frame: pl.DataFrame) -> pl.Series:
        """Which rows to keep, Boolean without nulls.

        Args:
            frame: has the columns, of any type.

        Raises:
            DataError: a value cannot be compared with a column of its type.
        """
        return self._condition(frame).fill_null(value=False)


@dataclass(frozen=True)
class _Token:
    text: str
    start: int
    kind: str

    def says(self, *words: str) -> bool:
        """Whether it is one of these keywords, operators or marks."""
        return self.kind != "quoted" and self.text.lower() in words


class _Parser:
    """Recursive descent over the tokens of one expression."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(self._scan())
        self._place = 0
        self._columns: dict[str, None] = {}
        self._numeric: dict[str, None] = {}

    def whole(self) -> RowFilter:
        condition = self._expression()
        if (token := self._next()).kind != "end":
            self._fail("expected 'and', 'or' or the end (quote a value with spaces in it)", token)
        return RowFilter(self._text, tuple(self._columns), condition, tuple(self._numeric))

    def _scan(self) -> list[_Token]:
        tokens: list[_Token] = []
        start = 0
        text = self._text.rstrip()
        while start < len(text):
            match = _TOKEN.match(text, start)
            if match is None:
                start += len(text[start:]) - len(text[start:].lstrip())
                quote = text[start] in "'\"`"
                self._fail(
                    "this quote is not closed" if quote else "this character means nothing here",
                    _Token(text[start:], start, "word"),
                )
            kind = str(match.lastgroup)
            tokens.append(_Token(match[kind], match.start(kind), kind))
            start = match.end()
        return [*tokens, _Token("", len(text), "end")]

    def _expression(self) -> Condition:
        terms = [self._term()]
        while self._take("or"):
            terms.append(self._term())
        return _joined(terms, pl.Series.__or__)

    def _term(self) -> Condition:
        factors = [self._factor()]
        while self._take("and"):
            factors.append(self._factor())
        return _joined(factors, pl.Series.__and__)

    def _factor(self) -> Condition:
        # A loop, so that no number of nots is too deep.
        negated = False
        while self._take("not"):
            negated = not negated
        if self._take("("):
            condition = self._nested()
            self._expect(")")
        else:
            condition = self._one_condition()
        return _negated(condition) if negated else condition

    def _nested(self) -> Condition:
        try:
            return self._expression()
        except RecursionError:
            raise DataError("invalid --where: brackets are nested too deep") from None

    def _one_condition(self) -> Condition:
        column = self._word("a column")
        self._columns[column.text] = None
        name = column.text
        if self._take("is"):
            negated = self._take("not")
            self._expect("null")
            return (
                (lambda frame: ~_missing(frame[name]))
                if negated
                else (lambda frame: _missing(frame[name]))
            )
        if self._peek().says("not", "in"):
            negated = self._take("not")
            self._expect("in")
            values = self._values()
            found = _joined([_comparison(name, "=", value) for value in values], pl.Series.__or__)
            return _negated(found) if negated else found
        operator = self._next()
        if operator.kind != "operator":
            self._fail(
                f"expected =, !=, <, <=, >, >=, in or is after the column {name!r}", operator
            )
        written = _SAME.get(operator.text, operator.text)
        value = self._value(f"a value after {operator.text!r}")
        if written not in ("=", "!=") and not value.quoted and value.number is not None:
            self._numeric[name] = None
        return _comparison(name, written, value)

    def _values(self) -> list[Value]:
        self._expect("(")
        values = [self._value("a value")]
        while self._take(","):
            values.append(self._value("a value after the comma"))
        self._expect(")")
        return values

    def _value(self, what: str) -> Value:
        token = self._word(what)
        return Value(token.text, quoted=token.kind == "quoted")

    def _word(self, what: str) -> _Token:
        token = self._next()
        if token.kind == "quoted":
            quote = token.text[0]
            text = token.text[1:-1].replace(quote * 2, quote)
            return _Token(text, token.start, "quoted")
        if token.kind != "word":
            self._fail(f"expected {what}", token)
        if token.says(*_KEYWORDS):
            self._fail(f"expected {what}; put the word in quotes if it is one", token)
        if token.text[0] in _CURLY or token.text[-1] in _CURLY:
            self._fail("expected straight quotes, ' or \"", token)
        return token

    def _peek(self) -> _Token:
        return self._tokens[self._place]

    def _next(self) -> _Token:
        token = self._tokens[self._place]
        self._place = min(self._place + 1, len(self._tokens) - 1)
        return token

    def _take(self, word: str) -> bool:
        if self._peek().says(word):
            self._next()
            return True
        return False

    def _expect(self, word: str) -> None:
        if not self._take(word):
            self._fail(f"expected {word!r}", self._peek())

    def _fail(self, problem: str, token: _Token) -> NoReturn:
        found = f"found {token.text!r}" if token.text else "found the end"
        raise DataError(
            f"invalid --where {self._text!r}: {problem}, at character {token.start + 1} ({found})"
        )


def _comparison(column: str, operator: str, value: Value) -> Condition:
    return lambda frame: compare(frame[column], operator, value)


def _missing(column: pl.Series) -> pl.Series:
    blank = column.is_null()
    if column.dtype == pl.String:
        blank |= column.str.strip_chars() == ""
    elif column.dtype.is_float():
        blank |= column.is_nan()
    return blank.fill_null(value=True)


def _joined(
    parts: Sequence[Condition], both: Callable[[pl.Series, pl.Series], pl.Series]
) -> Condition:
    if len(parts) == 1:
        return parts[0]

    def joined(frame: pl.DataFrame) -> pl.Series:
        found = parts[0](frame)
        for part in parts[1:]:
            found = both(found, part(frame))
        return found

    return joined


def _negated(condition: Condition) -> Condition:
    return lambda frame: ~condition(frame)
