"""The recipes of the operations page stop at the first fault, however they are pasted."""

import os
import re
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


def docker_that_notes(folder: Path, found: str, status: int) -> dict[str, str]:
    """The environment of a ``docker`` that writes down its arguments; it lists one image."""
    path = folder / "docker"
    path.write_text(
        f'#!/bin/sh\necho "$*" >> {folder}/calls\n'
        f'if [ "$2" = ls ]; then echo "{found}"; exit 0; fi\necho in use >&2; exit {status}\n'
    )
    path.chmod(0o755)
    return {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}


def removed(folder: Path) -> list[str]:
    calls = (folder / "calls").read_text().splitlines()
    return [call for call in calls if call.startswith("image rm")]


def test_images_of_earlier_code_are_removed(tmp_path: Path) -> None:
    # Compose builds an image only where there is none of its name.
    SCRIPT["remove_images"](docker_that_notes(tmp_path, "0123456789ab", 0))
    named = set(re.findall(r"image: (bitrecall:\w+)", (ROOT / "compose.yaml").read_text("utf-8")))
    assert {call.split()[-1] for call in removed(tmp_path)} == named != set()


def test_no_image_is_removed_where_there_is_none(tmp_path: Path) -> None:
    SCRIPT["remove_images"](docker_that_notes(tmp_path, "", 1))
    assert removed(tmp_path) == []


def test_images_in_use_stop_the_script(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"cannot remove the image bitrecall:serve.*in use"):
        SCRIPT["remove_images"](docker_that_notes(tmp_path, "0123456789ab", 1))


def test_a_comment_about_a_key_is_no_key() -> None:
    # The script waits for Prometheus to reach a service with keys only once it has one.
    settings = (ROOT / "monitoring" / "prometheus.yml").read_text("utf-8")
    assert not SCRIPT["sends_a_key"](settings)
    assert SCRIPT["sends_a_key"](settings.replace("# authorization", "authorization"))
