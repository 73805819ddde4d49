"""Options that several sub-commands share."""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


class _FlagOption(click.Option):
    """An option whose environment variable is named by its flag, not by its parameter."""

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        with self._named_by_flag():
            return super().resolve_envvar_value(ctx)

    def get_help_extra(self, ctx: click.Context) -> Any:
        with self._named_by_flag():
            return super().get_help_extra(ctx)

    @contextmanager
    def _named_by_flag(self) -> Iterator[None]:
        # Click derives the variable from ``name``, which is the name of the parameter.
        name, flag = self.name, max(self.opts, key=len).removeprefix("--")
        self.name = flag.replace("-", "_")
        try:
            yield
        finally:
            self.name = name


option = partial(click.option, cls=_FlagOption, show_envvar=True, show_default=True)
"""``click.option`` whose help shows the default and the environment variable of the flag."""


class NonEmptyPath(click.Path):
    """A path; an empty one, usually of an unset shell variable, is not the current folder."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Convert to ``path_type``."""
        if value == "":
            self.fail("the path is empty; the current folder is '.'", param, ctx)
        return super().convert(value, param, ctx)


def releases_option(command: F) -> F:
    """Add ``--releases``, the folder of the release store, as ``releases: Path``."""
    return option(
        "--releases",
        type=NonEmptyPath(file_okay=False, path_type=Path),
        default=Path("releases"),
        envvar="BITRECALL_RELEASES",
        metavar="DIR",
        help="Folder of the releases.",
    )(command)


def recipe_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add ``--recipe``, and ``--set`` and ``--minutes``.

    The command gets ``recipe: str, overrides: tuple[str, ...]``.
    """

    @functools.wraps(command)
    def with_minutes(
        *arguments: Any, overrides: tuple[str, ...], minutes: float | None, **values: Any
    ) -> None:
        if minutes is not None:
            overrides = (*overrides, f"minutes={minutes}")
        command(*arguments, overrides=overrides, **values)

    with_budget = option(
        "--minutes",
        type=click.FloatRange(min=0, min_open=True),
        show_default="as long as the recipe needs",
        metavar="M",
        help="About how long to train. Less time means fewer epochs, and no slow recommender in "
        "the teacher; more time, up to twice the epochs.",
    )(with_minutes)
    with_overrides = option(
        "--set",
        "overrides",
        multiple=True,
        metavar="KEY=VALUE",
        help="Change a value of the recipe, such as fit.epochs=3; may be given several times.",
    )(with_budget)
    return option(
        "--recipe",
        default="default",
        metavar="NAME|FILE",
        help="A built-in recipe (default, sample, gowalla, yelp2018), or the path of a TOML file.",
    )(with_overrides)


def items_options(command: F) -> F:
    """Add ``--items`` and ``--tags-column`` as ``items: Path | None, tags_column: str | None``."""
    with_tags = option(
        "--tags-column",
        metavar="NAME",
        show_default="tags, in any case",
        help="Column of the tags in the item table.",
    )(command)
    return option(
        "--items",
        type=NonEmptyPath(path_type=Path),
        metavar="FILE",
        help="Item table, with tags and attributes that requests can filter by: CSV, JSON lines or "
        "Parquet.",
    )(with_tags)


def implausible_option(command: F) -> F:
    """Add ``--allow-implausible`` as ``allow_implausible: bool``."""
    return option(
        "--allow-implausible",
        is_flag=True,
        help="Train on implausible data: of a single user or item, or without items that users "
        "share.",
    )(command)


def device_option(command: F) -> F:
    """Add ``--device``, a torch device, as ``device: str``."""
    return option(
        "--device", default="cpu", metavar="DEVICE", help="Device to train on: cpu, cuda, cuda:1 …"
    )(command)


def threads_option(command: F) -> F:
    """Add ``--threads`` as ``threads: int | None``."""
    return option(
        "--threads",
        type=click.IntRange(min=1),
        metavar="N",
        show_default="one per core",
        help="Number of threads for training.",
    )(command)


def progress_option(command: F) -> F:
    """Add ``--progress/--no-progress`` as ``progress: bool | None``."""
    return option(
        "--progress/--no-progress",
        default=None,
        show_default="in a terminal",
        help="Show progress bars on stderr.",
    )(command)


def json_option(command: F) -> F:
    """Add ``--json`` as ``as_json: bool``."""
    return option("--json", "as_json", is_flag=True, help="Print only JSON on stdout.")(command)
