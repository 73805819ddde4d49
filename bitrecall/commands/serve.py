"""``bitrecall serve``: answer requests over HTTP."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import click
from pydantic.fields import FieldInfo

from service.settings import Settings, load_settings, variable


def _settings_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add one option a setting, with its help, default and variable from the settings' own file."""
    for name, field in reversed(Settings.model_fields.items()):
        flag = "--" + name.replace("_", "-")
        negative = "/--no-" + name.replace("_", "-") if field.annotation is bool else ""
        command = click.option(
            flag + negative,
            name,
            type=_type_of(field),
            default=field.default,
            show_default=True,
            envvar=variable(name),
            show_envvar=True,
            allow_from_autoenv=False,
            help=field.description,
        )(command)
    return command


def _type_of(field: FieldInfo) -> Any:
    if get_origin(field.annotation) is Literal:
        return click.Choice(get_args(field.annotation), case_sensitive=False)
    # What may be left out is of the type that it is when it is not.
    kind = next(iter(get_args(field.annotation)), field.annotation)
    return click.Path(path_type=Path) if kind is Path else kind


@click.command(
    epilog="""\b
Example:
  bitrecall serve --releases releases --port 8000 --workers 2
  curl -s http://127.0.0.1:8000/recommend \\
    -H 'content-type: application/json' -d '{"user_id": "mateo-028", "k": 5}'
"""
)
@_settings_options
def serve(**given: object) -> None:
    """Answer requests for recommendations over HTTP.

    Serves the current release of the store, and swaps to a newer one when it is published. With
    no release yet it starts all the same, and says so at /readyz until there is one. The
    description of the API is at /openapi.json.
    """
    settings = load_settings(**given)

    from service.server import run

    run(settings)
