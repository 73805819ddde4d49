"""Run the notebooks beside this file and keep what they show.

    python examples/run_notebooks.py            # all of them
    python examples/run_notebooks.py quickstart

A cell that fails ends it with the cell's traceback, and leaves the notebook as it was.
"""

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).parent
CELL_SECONDS = 600


def executed(path: Path) -> nbformat.NotebookNode:
    """Return a notebook with the outputs of running it in its folder.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell failed.
    """
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=CELL_SECONDS,
        resources={"metadata": {"path": str(path.parent)}},
        record_timing=False,
    )
    client.execute()
    return notebook


if __name__ == "__main__":
    for name in sys.argv[1:] or sorted(path.stem for path in FOLDER.glob("*.ipynb")):
        path = FOLDER / f"{name}.ipynb"
        nbformat.write(executed(path), path)
