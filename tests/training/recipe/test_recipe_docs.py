import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from bitrecall.training.recipe.recipe import Recipe
from bitrecall.training.recipe.recipe_file import built_in_recipes

PAGE = Path(__file__).parents[3] / "docs" / "training.md"


def keys(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, Any, str | None]]:
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from keys(field.annotation, f"{prefix}{name}.")
        else:
            yield prefix + name, field.default, field.description


@pytest.mark.parametrize(("key", "default", "description"), list(keys(Recipe)))
def test_every_key_is_documented_with_its_default(key, default, description):
    written = json.dumps(list(default) if isinstance(default, tuple) else default)
    assert f"| `{key}` | `{written}` | {description} |" in PAGE.read_text("utf-8")


def test_every_built_in_recipe_is_documented():
    for name in built_in_recipes():
        assert f"`{name}`" in PAGE.read_text("utf-8")
