"""Options for reading and splitting DATA, shared by all commands that read it."""

from collections.abc import Callable
from dataclasses import fields
from enum import StrEnum
from functools import wraps
from pathlib import Path
from typing import Any

import click

from bitrecall.commands.options import NonEmptyPath, option
from bitrecall.training.data.read_options import Format, PairWeight, ReadOptions, Split, TimeUnit


class DataType(NonEmptyPath):
    """Type of DATA: a path, or the URL of a database."""

    name = "data"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Convert to ``Path``; a URL stays ``str``, because ``Path`` would remove a slash."""
        if isinstance(value, str) and "://" in value:
            return value
        return super().convert(value, param, ctx)


data_argument = click.argument(
    "data", type=DataType(path_type=Path), metavar="DATA...", nargs=-1, required=True
)
"""DATA as ``data: tuple[Path | str, ...]``: a folder, files, a database URL, or ``sample``."""

_DEFAULTS = ReadOptions()


def _choice(choices: type[StrEnum]) -> dict[str, Any]:
    return {
        "type": click.Choice([choice.value for choice in choices]),
        "callback": lambda _context, _parameter, value: choices(value),
    }


def _unescape(value: str | None) -> str | None:
    r"""Replace an escape sequence, such as ``\t`` or ``\x01``, by its character."""
    if value is None or not value.startswith("\\"):
        return value
    try:
        return value.encode("latin-1").decode("unicode_escape")
    except UnicodeError:
        return value


_OPTIONS = (
    option(
        "--format",
        **_choice(Format),
        default=_DEFAULTS.format.value,
        help="Format of the files; auto detects it from the file name and the first lines.",
    ),
    option(
        "--user-column",
        metavar="NAME",
        help="Column of the user ids.",
        show_default="looked up by common names",
    ),
    option(
        "--item-column",
        metavar="NAME",
        help="Column of the item ids.",
        show_default="looked up by common names",
    ),
    option(
        "--time-column",
        metavar="NAME",
        help="Column of the times.",
        show_default="looked up by common names",
    ),
    option(
        "--use-times/--ignore-times",
        default=_DEFAULTS.use_times,
        help="Whether to read the time column.",
    ),
    option(
        "--lines-in-order",
        is_flag=True,
        help="Each user's lines, or the items on a line of LightGCN text, are in order, the latest "
        "last; for data without times.",
    ),
    option(
        "--columns",
        callback=lambda _context, _parameter, value: tuple(value.split(",")) if value else None,
        metavar="NAMES",
        help="Names of all columns, separated by commas, for a table without a header.",
    ),
    option(
        "--time-unit",
        **_choice(TimeUnit),
        default=_DEFAULTS.time_unit.value,
        help="Unit of numeric times; auto detects it from their magnitude.",
    ),
    option(
        "--time-format",
        metavar="FORMAT",
        help="Format of the times, as for strptime, such as '%d/%m/%Y %H:%M'.",
        show_default="numbers, ISO 8601, or dates with the name of the month",
    ),
    option(
        "--delimiter",
        callback=lambda _context, _parameter, value: _unescape(value),
        metavar="TEXT",
        help="Separator of the fields of a table, such as ::, \\t (a tab) or \\x01.",
        show_default="detected",
    ),
    option(
        "--encoding",
        metavar="NAME",
        help="Encoding of text files, such as latin-1 or cp1252.",
        show_default="from the byte-order mark, or UTF-8 without one",
    ),
    option(
        "--where",
        metavar="EXPRESSION",
        help='Condition that rows must meet, such as "event in (buy, cart) and not price < 5"; any '
        "column can be used. Operators: = != < <= > >=, in, not in, is null, and, or, not; group "
        "with parentheses.",
    ),
    option(
        "--min-rating",
        type=float,
        metavar="NUMBER",
        help="Lowest rating to keep; rows with a lower rating or without one are left out.",
    ),
    option(
        "--rating-column",
        metavar="NAME",
        help="Column of the ratings.",
        show_default="looked up by common names",
    ),
    option(
        "--weight",
        metavar="COLUMN[:VALUE=WEIGHT,…]",
        help="Weights of rows: by the values of a column, such as event:view=0.2,cart=0.5,buy=1 "
        "(rows with other values are left out; *=WEIGHT sets their weight), or a numeric column.",
    ),
    option(
        "--pair-weight",
        **_choice(PairWeight),
        default=_DEFAULTS.pair_weight.value,
        help="Weight of an interaction that occurs in several rows: the largest row weight, or the "
        "sum.",
    ),
    option(
        "--query",
        metavar="SQL",
        help="SQL query, required if DATA is the URL of a database, such as "
        "'select user_id, sku, at from orders'.",
    ),
    option(
        "--split",
        **_choice(Split),
        default=_DEFAULTS.split.value,
        help="What to hold out for the test: the given test file, the latest interactions (time), "
        "those of each user (latest), random ones of each user, or nothing; auto uses the first of "
        "these that DATA allows.",
    ),
    option(
        "--test-fraction",
        type=click.FloatRange(0, 1, min_open=True, max_open=True),
        metavar="FRACTION",
        default=_DEFAULTS.test_fraction,
        help="Share of the interactions that the splits time, latest and random hold out.",
    ),
    option(
        "--split-seed",
        type=click.IntRange(min=0),
        metavar="N",
        default=_DEFAULTS.seed,
        help="Seed of the splits latest and random.",
    ),
    option(
        "--skip-bad-rows",
        is_flag=True,
        help="Leave out and count bad rows, instead of stopping at the first one.",
    ),
)

# Options of the split, which ``reading_options`` leaves out.
_SPLIT_OPTIONS = frozenset({"split", "test_fraction", "split_seed"})


def reading_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of ``data_options`` except those of the split: nothing is held out."""
    names = {field.name for field in fields(ReadOptions)} - {"seed", *_SPLIT_OPTIONS}

    @wraps(command)
    def with_read_options(**arguments: Any) -> Any:
        values = {name: arguments.pop(name) for name in names}
        return command(read_options=ReadOptions(split=Split.NONE, **values), **arguments)

    decorated: Callable[..., Any] = with_read_options
    before = len(getattr(decorated, "__click_params__", ()))
    for add in reversed(_OPTIONS):
        decorated = add(decorated)
    parameters = decorated.__click_params__  # type: ignore[attr-defined]
    parameters[before:] = [
        parameter for parameter in parameters[before:] if parameter.name not in _SPLIT_OPTIONS
    ]
    return decorated


def data_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add all reading and split options, passed to the command as ``read_options: ReadOptions``."""
    names = {field.name for field in fields(ReadOptions)} - {"seed"}

    @wraps(command)
    def with_read_options(**arguments: Any) -> Any:
        # The command may have a parameter ``seed`` of its own, so the option is ``split_seed``.
        values = {"seed": arguments.pop("split_seed")}
        values |= {name: arguments.pop(name) for name in names}
        return command(read_options=ReadOptions(**values), **arguments)

    decorated: Callable[..., Any] = with_read_options
    for add in reversed(_OPTIONS):
        decorated = add(decorated)
    return decorated
