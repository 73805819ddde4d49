"""Loading settings from environment variables, and passing them on to worker processes."""

from collections.abc import Mapping
from typing import Final

from pydantic import ValidationError

from bitrecall.service.errors import SettingsError
from bitrecall.service.settings import PREFIX, Settings, variable

_OTHER_COMMANDS: Final = tuple(
    f"{PREFIX}{name}_" for name in ("TRAIN", "RETRAIN", "EVALUATE", "DATA", "RELEASE")
)


def load_settings(**overrides: object) -> Settings:
    """The settings from the environment.

    Args:
        overrides: settings that take precedence over the environment; None is ignored.

    Raises:
        SettingsError: values are invalid; the message names their variables.
    """
    try:
        return Settings(**{name: value for name, value in overrides.items() if value is not None})  # type: ignore[arg-type]
    except ValidationError as error:
        raise SettingsError(_explain(error)) from None


def as_environment(settings: Settings) -> dict[str, str]:
    """The variables from which a worker process loads equal settings."""
    values: Mapping[str, object] = settings.model_dump(mode="json")
    # An empty variable counts as not set.
    return {variable(name): "" if value is None else str(value) for name, value in values.items()}


def unknown_variables(environment: Mapping[str, str]) -> list[str]:
    """Variables with the prefix ``BITRECALL_`` that are not settings, most likely misspelt.

    Those of other commands, such as BITRECALL_TRAIN_RECIPE, are not included.
    """
    known = {variable(name) for name in Settings.model_fields}
    prefixed = (name for name in environment if name.startswith(PREFIX))
    return sorted(
        name for name in prefixed if name not in known and not name.startswith(_OTHER_COMMANDS)
    )


def _explain(error: ValidationError) -> str:
    lines = []
    for problem in error.errors(include_url=False):
        message = problem["msg"].removeprefix("Value error, ")
        message = message[0].lower() + message[1:]
        if problem["loc"]:
            name = variable(str(problem["loc"][0]))
            lines.append(f"{name}: {message} (is {problem['input']!r})")
        else:
            lines.append(message)
    return "invalid settings: " + "; ".join(lines)
