"""Options made from settings: one an option, with the help, default and variable of its field."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin

import click
from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from bitrecall.errors import BitrecallError

SettingsT = TypeVar("SettingsT", bound=BaseSettings)


class SettingsError(BitrecallError):
    """A setting that cannot be used; the message names its variable."""


def settings_options(settings: type[BaseSettings]) -> Callable[[Callable[..., Any]], Any]:
    """Add one option a setting; the variable of each is the prefix of the settings and its name."""
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


def load_settings(settings: type[SettingsT], given: Mapping[str, object]) -> SettingsT:
    """Settings from the environment, with ``given`` ones (None: not given) before them.

    Raises SettingsError naming each variable with an unusable value.
    """
    try:
        wanted: dict[str, Any] = {name: one for name, one in given.items() if one is not None}
        return settings(**wanted)
    except ValidationError as error:
        prefix = settings.model_config.get("env_prefix", "")
        said = "; ".join(
            f"{prefix}{str(one['loc'][0]).upper()}: {one['msg'][0].lower()}{one['msg'][1:]} "
            f"(is {one['input']!r})"
            for one in error.errors(include_url=False)
        )
        raise SettingsError(f"invalid settings: {said}") from None


def _type_of(field: FieldInfo) -> Any:
    if get_origin(field.annotation) is Literal:
        return click.Choice(get_args(field.annotation), case_sensitive=False)
    # What may be left out is of the type that it is when it is not.
    kind = next(iter(get_args(field.annotation)), field.annotation)
    return click.Path(path_type=Path) if kind is Path else kind
