"""Options generated from the fields of a settings class."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin

import click
from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from bitrecall.commands.options import NonEmptyPath
from bitrecall.errors import BitrecallError

SettingsT = TypeVar("SettingsT", bound=BaseSettings)


class SettingsError(BitrecallError):
    """A setting is invalid; the message names its environment variable."""


def settings_options(settings: type[BaseSettings]) -> Callable[[Callable[..., Any]], Any]:
    """Add one option per setting, with the help, default and environment variable of its field."""
    prefix = settings.model_config.get("env_prefix", "")

    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        for name, field in reversed(settings.model_fields.items()):
            flag = "--" + name.replace("_", "-")
            negative = "/--no-" + name.replace("_", "-") if field.annotation is bool else ""
            command = click.option(
                flag + negative,
                name,
                type=_type_of(field),
                default=field.default,
                show_default=True,
                envvar=prefix + name.upper(),
                show_envvar=True,
                allow_from_autoenv=False,
                help=field.description,
            )(command)
        return command

    return add


def load_settings(settings: type[SettingsT], options: Mapping[str, object]) -> SettingsT:
    """Load settings from the environment.

    Args:
        settings: class of the settings.
        options: values that take precedence over the environment; None is ignored.

    Raises:
        SettingsError: values are invalid; the message names their variables.
    """
    try:
        values: dict[str, Any] = {
            name: value for name, value in options.items() if value is not None
        }
        return settings(**values)
    except ValidationError as error:
        prefix = settings.model_config.get("env_prefix", "")
        problems = "; ".join(
            f"{prefix}{str(problem['loc'][0]).upper()}: "
            f"{problem['msg'][0].lower()}{problem['msg'][1:]} (is {problem['input']!r})"
            for problem in error.errors(include_url=False)
        )
        raise SettingsError(f"invalid settings: {problems}") from None


def _type_of(field: FieldInfo) -> Any:
    if get_origin(field.annotation) is Literal:
        return click.Choice(get_args(field.annotation), case_sensitive=False)
    # An optional field ``X | None`` has the type X.
    kind = next(iter(get_args(field.annotation)), field.annotation)
    return NonEmptyPath(path_type=Path) if kind is Path else kind
