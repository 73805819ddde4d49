"""Options that say how DATA is to be read and split, the same for every command that reads it."""

from collections.abc import Callable
from dataclasses import fields
from enum import StrEnum
from functools import wraps
from pathlib import Path
from typing import Any

import click

from bitrecall.commands.options import option
from bitrecall.training.data.read_options import Format, PairWeight, ReadOptions, Split, TimeUnit


class DataType(click.Path):
    """A path, or the URL of a database as text."""

    name = "data"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """A path as Path, a URL as str: as a path it would lose a slash."""
        if isinstance(value, str) and "://" in value:
            return value
        return super().convert(value, param, ctx)


data_argument = click.argument(
    "data", type=DataType(path_type=Path), metavar="DATA...", nargs=-1, required=True
)
"""DATA as ``data: tuple[Path | str, ...]``: a folder, files, the URL of a database, ``sample``."""

_DEFAULTS = ReadOptions()


def _one_of(choices: type[StrEnum]) -> dict[str, Any]:
    return {
        "type": click.Choice([choice.value for choice in choices]),
        "callback": lambda _context, _parameter, value: choices(value),
    }


def _unescaped(value: str | None) -> str | None:
    r"""The delimiter that was typed: ``\t`` and ``\x01`` stand for the characters."""
    if value is None or not value.startswith("\\"):
        return value
    try:
        return value.encode("latin-1").decode("unicode_escape")
    except UnicodeError:
        return value


_OPTIONS = (
    option(
        "--format",
        **_one_of(Format),
        default=_DEFAULTS.format.value,
        help="Format of the files; auto goes by their names and first lines.",
    ),
    option("--user-column", metavar="NAME", help="Column of the user ids; found by common names."),
    option("--item-column", metavar="NAME", help="Column of the item ids; found by common names."),
    option("--time-column", metavar="NAME", help="Column of the times; found by common names."),
    option(
        "--use-times/--ignore-times",
        default=_DEFAULTS.use_times,
        help="Read the times, or leave their column alone.",
    ),
    option(
        "--columns",
        callback=lambda _context, _parameter, value: tuple(value.split(",")) if value else None,
        metavar="NAMES",
        help="Names of all columns, with commas between, for a table without a header.",
    ),
    option(
        "--time-unit",
        **_one_of(TimeUnit),
        default=_DEFAULTS.time_unit.value,
        help="Unit of times given as numbers; auto goes by their magnitude.",
    ),
    option(
        "--time-format",
        metavar="FORMAT",
        help="How times are written, as for strptime: '%d/%m/%Y %H:%M'.",
        show_default="numbers, ISO 8601, or a date with its month in letters",
    ),
    option(
        "--delimiter",
        callback=lambda _context, _parameter, value: _unescaped(value),
        metavar="TEXT",
        help="What separates the fields of a table, such as :: or \\t (a tab) or \\x01; found.",
    ),
    option(
        "--encoding",
        metavar="NAME",
        help="Encoding of text files, such as latin-1 or cp1252.",
        show_default="UTF-8, or what a byte-order mark says",
    ),
    option(
        "--where",
        metavar="EXPRESSION",
        help='Rows to read, by any columns: "event in (buy, cart) and not price < 5". Operators '
        "are = != < <= > >= in, not in, is null, and, or, not, and brackets.",
    ),
    option(
        "--min-rating",
        type=float,
        metavar="NUMBER",
        help="Lowest rating that counts; rows below it, or without one, are left out.",
    ),
    option("--rating-column", metavar="NAME", help="Column of the ratings; found by common names."),
    option(
        "--weight",
        metavar="COLUMN[:VALUE=WEIGHT,…]",
        help="How much rows count: event:view=0.2,cart=0.5,buy=1 by the values of a column (those "
        "not listed are left out, *=WEIGHT is for all of them), or a column of numbers.",
    ),
    option(
        "--pair-weight",
        **_one_of(PairWeight),
        default=_DEFAULTS.pair_weight.value,
        help="What a pair weighs that several rows have: the largest of their weights, or the sum.",
    ),
    option(
        "--query",
        metavar="SQL",
        help="What to read if DATA is the URL of a database: "
        "'select user_id, sku, at from orders'.",
    ),
    option(
        "--split",
        **_one_of(Split),
        default=_DEFAULTS.split.value,
        help="What is held out for the test: the given test file, the latest interactions, a "
        "random part of each user's, or nothing; auto takes the first of these that DATA allows.",
    ),
    option(
        "--test-fraction",
        type=click.FloatRange(0, 1, min_open=True, max_open=True),
        metavar="PART",
        default=_DEFAULTS.test_fraction,
        help="Part of the interactions that the splits by time and at random hold out.",
    ),
    option(
        "--split-seed",
        type=click.IntRange(min=0),
        metavar="N",
        default=_DEFAULTS.seed,
        help="Seed of the random split.",
    ),
    option(
        "--skip-bad-rows",
        is_flag=True,
        help="Leave rows that cannot be read out, and count them, instead of stopping.",
    ),
)


_OF_SPLITS = frozenset({"split", "test_fraction", "split_seed"})


def reading_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of ``data_options`` without those of the split: nothing is held out."""
    names = {field.name for field in fields(ReadOptions)} - {"seed", *_OF_SPLITS}

    @wraps(command)
    def with_read_options(**given: Any) -> Any:
        chosen = {name: given.pop(name) for name in names}
        return command(read_options=ReadOptions(split=Split.NONE, **chosen), **given)

    decorated: Callable[..., Any] = with_read_options
    before = len(getattr(decorated, "__click_params__", ()))
    for add in reversed(_OPTIONS):
        decorated = add(decorated)
    parameters = decorated.__click_params__  # type: ignore[attr-defined]
    parameters[before:] = [one for one in parameters[before:] if one.name not in _OF_SPLITS]
    return decorated


def data_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of reading, given to the command as one ``read_options: ReadOptions``."""
    names = {field.name for field in fields(ReadOptions)} - {"seed"}

    @wraps(command)
    def with_read_options(**given: Any) -> Any:
        # ``seed`` is left to the command: training has one of its own.
        chosen = {"seed": given.pop("split_seed")}
        chosen |= {name: given.pop(name) for name in names}
        return command(read_options=ReadOptions(**chosen), **given)

    decorated: Callable[..., Any] = with_read_options
    for add in reversed(_OPTIONS):
        decorated = add(decorated)
    return decorated
