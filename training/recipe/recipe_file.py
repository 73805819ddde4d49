"""Reads recipes, built-in or from a TOML file, and applies overrides; rejects unknown keys."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from bitrecall.suggestions import did_you_mean
from bitrecall.training.errors import RecipeError
from bitrecall.training.recipe.recipe import Recipe


def built_in_recipes() -> list[str]:
    """Return the sorted names of the recipes in the package."""
    folder = resources.files("bitrecall.training.recipe") / "builtin"
    return sorted(
        f.name.removesuffix(".toml") for f in folder.iterdir() if f.name.endswith(".toml")
    )


def load_recipe(name_or_file: str | Path, overrides: Sequence[str] = ()) -> Recipe:
    """Read a recipe and apply overrides.

    Args:
        name_or_file: the name of a built-in recipe, or the path of a TOML file.
        overrides: ``section.key=value``, with the value in TOML (``fit.epochs=3``,
            ``loss.cutoffs=[20, 50]``); a bare word is a string.

    Raises:
        RecipeError: the recipe does not exist, its TOML is invalid, a key is unknown or a value is
            out of range; the message names each wrong key.
    """
    text, source = _recipe_text(str(name_or_file))
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"{source} is not valid TOML: {error}") from error
    for override in overrides:
        _apply(values, override)
    return parse_recipe(values, source)


def parse_recipe(values: Mapping[str, Any], source: str) -> Recipe:
    """Check the values of a recipe.

    Raises:
        RecipeError: a key or a value is wrong; the message names ``source`` and each wrong key.
    """
    try:
        return Recipe.model_validate(values)
    except ValidationError as error:
        problems = "; ".join(_problem(item) for item in error.errors())
        raise RecipeError(f"{source}: {problems}") from error


def _problem(item: Any) -> str:
    key = ".".join(str(part) for part in item["loc"])
    if item["type"] == "extra_forbidden":
        return f"unknown key {key!r}" + did_you_mean(key, _keys(Recipe))
    if item["type"] == "literal_error" and isinstance(item["input"], str):
        expected = re.findall(r"'([^']*)'", str(item["ctx"]["expected"]))
        suggestion = did_you_mean(item["input"], expected)
        return f"{key}: {item['msg']}, not {item['input']!r}{suggestion}"
    if item["type"] == "value_error":
        message = str(item["msg"]).removeprefix("Value error, ")
        return f"{key}: {message}" if key else message
    return f"{key}: {item['msg']}, not {item['input']!r}"


def _keys(section: type[BaseModel], prefix: str = "") -> list[str]:
    """Return every key of a recipe, with the names of its sections."""
    keys = []
    for name, field in section.model_fields.items():
        keys.append(prefix + name)
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            keys += _keys(field.annotation, f"{prefix}{name}.")
    return keys


def _recipe_text(name_or_file: str) -> tuple[str, str]:
    if name_or_file in built_in_recipes():
        folder = resources.files("bitrecall.training.recipe") / "builtin"
        return (folder / f"{name_or_file}.toml").read_text("utf-8"), f"recipe {name_or_file}"
    path = Path(name_or_file)
    try:
        return path.read_text("utf-8"), str(path)
    except UnicodeDecodeError as error:
        raise RecipeError(f"{path} is not UTF-8 text") from error
    except OSError as error:
        known = ", ".join(built_in_recipes())
        raise RecipeError(
            f"no recipe {name_or_file!r}: neither a built-in one ({known}) nor a readable file"
            + did_you_mean(str(name_or_file), built_in_recipes())
        ) from error


def _apply(values: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    path = key.strip().split(".")
    if not equals or not all(path):
        raise RecipeError(f"invalid override {override!r}: expected section.key=value")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text.strip()
    section = values
    for part in path[:-1]:
        section = section.setdefault(part, {})
        if not isinstance(section, dict):
            raise RecipeError(f"{key.strip()!r} is not a recipe key: {part!r} is not a section")
    section[path[-1]] = value
