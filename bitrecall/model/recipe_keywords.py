"""Read the recipe passed to ``fit`` and ``benchmark``: a name or a path, and values to change."""

from __future__ import annotations

import json
from collections.abc import Mapping
from os import PathLike
from typing import TYPE_CHECKING, Any

from bitrecall.errors import ArgumentError

if TYPE_CHECKING:
    from bitrecall.training.recipe.recipe import Recipe

__all__ = ["read_recipe"]


def read_recipe(recipe: str | PathLike[str], overrides: Mapping[str, Any] | None) -> Recipe:
    """Load a recipe, and change values of it.

    Args:
        recipe: name of a built-in recipe, or path of a TOML file.
        overrides: values by dotted or nested keys; None changes none.

    Raises:
        ArgumentError: ``overrides`` is invalid.
        RecipeError: the recipe cannot be used.
    """
    from bitrecall.training.recipe.recipe_file import load_recipe

    return load_recipe(str(recipe), _assignments({} if overrides is None else overrides))


def _assignments(overrides: Mapping[str, Any]) -> list[str]:
    """Return ``KEY=VALUE`` texts as for ``--set``; recipe values in JSON are valid TOML."""
    if not isinstance(overrides, Mapping):
        raise ArgumentError(
            "overrides has to be a dict such as {'bits': 128, 'fit.epochs': 4}, not "
            f"{type(overrides).__name__}",
            "overrides",
        )
    lines = []
    for key, value in overrides.items():
        if isinstance(value, Mapping):
            lines += _assignments({f"{key}.{name}": entry for name, entry in value.items()})
        else:
            lines.append(f"{key}={_toml(value, str(key))}")
    return lines


def _toml(value: Any, key: str) -> str:
    try:
        if value is not None:
            return json.dumps(value, default=_plain, allow_nan=False)
    except ValueError:
        pass  # NaN or infinity
    raise ArgumentError(
        f"overrides[{key!r}] is {value!r}, which is not a value of a recipe; omit the key to keep "
        "the recipe's value",
        "overrides",
    )


def _plain(value: Any) -> Any:
    """Convert a value that ``json`` does not support: a NumPy value, or else text."""
    return value.tolist() if hasattr(value, "tolist") else str(value)
