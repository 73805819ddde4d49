"""The notebooks of examples/ run without warnings, and their saved outputs are small."""

import importlib.util
import itertools
from pathlib import Path

import nbformat
import pytest

FOLDER = Path(__file__).parents[2] / "examples"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
MAX_BYTES = 100_000


def load_runner():
    spec = importlib.util.spec_from_file_location("run_notebooks", FOLDER / "run_notebooks.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def outputs_of(notebook: nbformat.NotebookNode) -> list[list[nbformat.NotebookNode]]:
    return [cell.outputs for cell in notebook.cells if cell.cell_type == "code"]


def test_finds_the_notebooks():
    assert {path.stem for path in NOTEBOOKS} >= {"quickstart", "evaluate_your_log"}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_saved_outputs_are_small_and_from_one_run_in_order(path: Path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert path.stat().st_size < MAX_BYTES
    counts = [cell.execution_count for cell in notebook.cells if cell.cell_type == "code"]
    assert counts == list(range(1, len(counts) + 1))
    outputs = [output for cell_outputs in outputs_of(notebook) for output in cell_outputs]
    kinds = {(output.output_type, output.get("name")) for output in outputs}
    assert kinds <= {("execute_result", None), ("display_data", None), ("stream", "stdout")}
    assert "/site-packages/" not in path.read_text("utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_without_warnings(path: Path):
    # If the outputs have changed: make notebooks
    saved = nbformat.read(path, as_version=4)
    outputs = outputs_of(load_runner().executed(path))
    assert list(map(len, outputs)) == list(map(len, outputs_of(saved)))
    for output in itertools.chain.from_iterable(outputs):
        assert output.get("name") != "stderr", output.text
