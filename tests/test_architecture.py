"""docs/architecture.md names files, classes and layers that exist."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "architecture.md").read_text("utf-8")
JOURNEYS = re.findall(r"^## Journey \d: .*?(?=^## )", PAGE, re.MULTILINE | re.DOTALL)
ROOMS = (
    "benchmarks|bitrecall|docs|events|index|loadtest|reproduction|scheduler|service|tests|training"
)
# A file or a folder of a room, such as `index/search/flat.py` or training/recipe/ in a drawing.
PATHS = sorted(set(re.findall(rf"\b(?:{ROOMS})/(?:\w+/)*(?:\w+\.\w+)?", PAGE)))
# `Name` (`path.py`): the file defines the name.
DEFINITIONS = sorted(set(re.findall(r"`(\w+)`\s+\(`([\w/]+\.py)`\)", PAGE)))


def test_finds_journeys_paths_and_definitions():
    assert len(JOURNEYS) == 4
    assert len(PATHS) > 50
    assert len(DEFINITIONS) > 40


@pytest.mark.parametrize("path", PATHS)
def test_each_path_exists(path: str):
    assert (ROOT / path).exists()


@pytest.mark.parametrize(("name", "path"), DEFINITIONS)
def test_each_name_is_defined_in_its_file(name: str, path: str):
    tree = ast.parse((ROOT / path).read_bytes())
    defined = {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert name in defined


@pytest.mark.parametrize("journey", JOURNEYS, ids=lambda text: text.splitlines()[0])
def test_a_journey_has_one_drawing_and_ten_steps(journey: str):
    assert journey.count("```mermaid") == 1
    steps = [int(number) for number in re.findall(r"^(\d+)\. ", journey, re.MULTILINE)]
    assert steps == list(range(1, 11))


@pytest.mark.parametrize("journey", JOURNEYS, ids=lambda text: text.splitlines()[0])
def test_the_drawing_of_a_journey_names_files_that_exist(journey: str):
    drawing = re.search(r"```mermaid\n(.*?)```", journey, re.DOTALL)[1]
    paths = re.findall(r"<br/>([\w/.]+)", drawing)
    assert len(paths) >= 6
    for path in paths:
        # Files of the service are named without its folder.
        assert (ROOT / path).exists() or (ROOT / "service" / path).exists(), path


def test_the_layers_are_those_of_the_contract():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    layers = next(
        contract["layers"] for contract in contracts["contracts"] if contract["type"] == "layers"
    )
    section = PAGE.partition("## What may import what")[2].partition("\n## ")[0]
    assert re.findall(r"^    (.+)$", section, re.MULTILINE) == layers
