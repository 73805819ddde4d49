"""Run the notebooks in this folder and save their outputs.

    python examples/run_notebooks.py            # all notebooks
    python examples/run_notebooks.py quickstart

If a cell fails, the script exits with the traceback of the cell, and the notebook is not changed.
"""

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).parent
CELL_SECONDS = 600


def executed(path: Path) -> nbformat.NotebookNode:
    """Run a notebook in its folder, and return it with the new outputs.

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
