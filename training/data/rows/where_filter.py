"""Filter the rows of a table: ``event in (buy, cart) and not rating < 3``.

    expression = term {"or" term}
    term       = factor {"and" factor}
    factor     = "not" factor | "(" expression ")" | condition
    condition  = COLUMN ("=" | "==" | "!=" | "<>" | "<" | "<=" | ">" | ">=") VALUE
               | COLUMN ["not"] "in" "(" VALUE {"," VALUE} ")"
               | COLUMN "is" ["not"] "null"

Columns and values are bare words, or in quotes if they contain spaces, brackets, commas or
operators; a quote inside quotes is doubled. Keywords may be in any case. As in SQL, a condition on
a missing value is unknown, and rows with an unknown result are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NoReturn

import polars as pl

from bitrecall.training.data.columns.comparison import Value, compare
from bitrecall.training.data.rows.where_tokens import FilterToken, invalid_filter, split_filter
from bitrecall.training.errors import DataError

__all__ = ["RowFilter"]

_CURLY_QUOTES: Final = "\u2018\u2019\u201c\u201d\u201e\u00ab\u00bb"
_KEYWORDS: Final = ("and", "or", "not", "in", "is", "null")
_SYNONYMS: Final = {"==": "=", "<>": "!="}

Condition = Callable[[pl.DataFrame], pl.Series]


@dataclass(frozen=True)
class RowFilter:
    """A condition on the columns of a row.

    Attributes:
        text: the expression.
        columns: the distinct names in it, in order.
        numeric: the columns that are ordered against a number, so that cells must be numbers.
    """

    text: str
    columns: tuple[str, ...]
    _condition: Condition
    numeric: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> RowFilter:
        """Parse an expression.

        Raises:
            DataError: the text violates the grammar; the message has the position.
        """
        return _Parser(text).parse()

    @classmethod
    def at_least(cls, column: str, minimum: float) -> RowFilter:
        """Build a filter for rows whose number in a column is at least ``minimum``."""
        value = Value(f"{minimum:.15g}", quoted=False)
        return cls(
            f"{column} >= {value.text}", (column,), _comparison(column, ">=", value), (column,)
        )

    def keep(self, frame: pl.DataFrame) -> pl.Series:
        """Return which rows to keep, Boolean without nulls.

        Args:
            frame: has the columns, of any type.

        Raises:
            DataError: a value cannot be compared with the type of its column.
        """
        return self._condition(frame).fill_null(value=False)


class _Parser:
    """Recursive-descent parser of one expression."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = split_filter(text)
        self._position = 0
        self._columns: dict[str, None] = {}
        self._numeric: dict[str, None] = {}

    def parse(self) -> RowFilter:
        condition = self._expression()
        if (token := self._next()).kind != "end":
            self._fail(
                "expected 'and', 'or' or the end (quote a value that contains spaces)", token
            )
        return RowFilter(self._text, tuple(self._columns), condition, tuple(self._numeric))

    def _expression(self) -> Condition:
        terms = [self._term()]
        while self._accept("or"):
            terms.append(self._term())
        return _joined(terms, pl.Series.__or__)

    def _term(self) -> Condition:
        factors = [self._factor()]
        while self._accept("and"):
            factors.append(self._factor())
        return _joined(factors, pl.Series.__and__)

    def _factor(self) -> Condition:
        # A loop, so that many nots do not exceed the recursion limit.
        negated = False
        while self._accept("not"):
            negated = not negated
        if self._accept("("):
            condition = self._nested()
            self._expect(")")
        else:
            condition = self._condition()
        return _negated(condition) if negated else condition

    def _nested(self) -> Condition:
        try:
            return self._expression()
        except RecursionError:
            raise DataError("invalid --where: brackets are nested too deep") from None

    def _condition(self) -> Condition:
        column = self._word("a column")
        self._columns[column.text] = None
        name = column.text
        if self._accept("is"):
            negated = self._accept("not")
            self._expect("null")
            return (
                (lambda frame: ~_missing(frame[name]))
                if negated
                else (lambda frame: _missing(frame[name]))
            )
        if self._peek().matches("not", "in"):
            negated = self._accept("not")
            self._expect("in")
            values = self._values()
            equals = [_comparison(name, "=", value) for value in values]
            is_listed = _joined(equals, pl.Series.__or__)
            return _negated(is_listed) if negated else is_listed
        operator = self._next()
        if operator.kind != "operator":
            self._fail(
                f"expected =, !=, <, <=, >, >=, in or is after the column {name!r}", operator
            )
        symbol = _SYNONYMS.get(operator.text, operator.text)
        value = self._value(f"a value after {operator.text!r}")
        if symbol not in ("=", "!=") and not value.quoted and value.number is not None:
            self._numeric[name] = None
        return _comparison(name, symbol, value)

    def _values(self) -> list[Value]:
        self._expect("(")
        values = [self._value("a value")]
        while self._accept(","):
            values.append(self._value("a value after the comma"))
        self._expect(")")
        return values

    def _value(self, expected: str) -> Value:
        token = self._word(expected)
        return Value(token.text, quoted=token.kind == "quoted")

    def _word(self, expected: str) -> FilterToken:
        token = self._next()
        if token.kind == "quoted":
            return FilterToken(token.unquoted, token.start, "quoted")
        if token.kind != "word":
            self._fail(f"expected {expected}", token)
        if token.matches(*_KEYWORDS):
            self._fail(f"expected {expected}; put a keyword in quotes to use it as one", token)
        if token.text[0] in _CURLY_QUOTES or token.text[-1] in _CURLY_QUOTES:
            self._fail("expected straight quotes, ' or \"", token)
        return token

    def _peek(self) -> FilterToken:
        return self._tokens[self._position]

    def _next(self) -> FilterToken:
        token = self._tokens[self._position]
        self._position = min(self._position + 1, len(self._tokens) - 1)
        return token

    def _accept(self, word: str) -> bool:
        if self._peek().matches(word):
            self._next()
            return True
        return False

    def _expect(self, word: str) -> None:
        if not self._accept(word):
            self._fail(f"expected {word!r}", self._peek())

    def _fail(self, problem: str, token: FilterToken) -> NoReturn:
        raise invalid_filter(self._text, problem, token)


def _comparison(column: str, symbol: str, value: Value) -> Condition:
    return lambda frame: compare(frame[column], symbol, value)


def _missing(column: pl.Series) -> pl.Series:
    blank = column.is_null()
    if column.dtype == pl.String:
        blank |= column.str.strip_chars() == ""
    elif column.dtype.is_float():
        blank |= column.is_nan()
    return blank.fill_null(value=True)


def _joined(
    conditions: Sequence[Condition], combine: Callable[[pl.Series, pl.Series], pl.Series]
) -> Condition:
    if len(conditions) == 1:
        return conditions[0]

    def joined(frame: pl.DataFrame) -> pl.Series:
        result = conditions[0](frame)
        for condition in conditions[1:]:
            result = combine(result, condition(frame))
        return result

    return joined


def _negated(condition: Condition) -> Condition:
    return lambda frame: ~condition(frame)
