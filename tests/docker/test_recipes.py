"""The recipes of the operations page stop at the first fault, however they are pasted."""

import runpy
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "operations.md").read_text("utf-8")
SCRIPT = runpy.run_path(str(ROOT / "benchmarks" / "recipes.py"))
RECIPES = [one.text for one in SCRIPT["recipes"](PAGE)]


def test_there_are_some() -> None:
    assert len(RECIPES) > 20


@pytest.mark.parametrize("recipe", RECIPES)
def test_each_is_one_chain(recipe: str) -> None:
    # Lines that end a command would be run even if the one before failed.
    *lines, last = recipe.splitlines()
    for line in lines:
        assert line.endswith((" &&", " \\"))
    assert not last.endswith((" &&", " \\"))
    assert ";" not in recipe
    assert "||" not in recipe
    # A comment is a command in shells that do not know comments when typed, such as zsh.
    assert not any(line.lstrip().startswith("#") or " # " in line for line in [*lines, last])
    subprocess.run(["bash", "-n", "-c", recipe], check=True)


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_scripts_that_are_named_are_there(recipe: str) -> None:
    for word in recipe.split():
        if word.startswith("docker/") and word.endswith(".sh"):
            assert (ROOT / word).stat().st_mode & 0o111
