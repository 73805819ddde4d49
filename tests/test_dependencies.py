"""The rooms' walls: who may import whom, told by import-linter and by real interpreters."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# A module of each room's own, with what importing it must never load. Import contracts read the
# source; this sees what really happens, third parties included.
NEVER_LOADED = {
    "bitrecall.index.releases.store": [
        "torch",
        "scipy",
        "polars",
        "fastapi",
        "starlette",
        "bitrecall.training",
        "bitrecall.service",
    ],
    "bitrecall.service.app": [
        "torch",
        "scipy",
        "polars",
        "bitrecall.training",
        "pymilvus",
        "pandas",
    ],
    "bitrecall.service.server": ["torch", "scipy", "polars", "bitrecall.training"],
    "bitrecall.training.evaluation.evaluate": [
        "torch",
        "fastapi",
        "starlette",
        "uvicorn",
        "bitrecall.service",
    ],
    "bitrecall.cli": ["torch", "numpy", "faiss", "fastapi", "polars", "pydantic"],
}


def test_the_import_contracts_hold():
    lint = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    done = subprocess.run(
        [sys.executable, "-c", lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


@pytest.mark.parametrize("module", NEVER_LOADED)
def test_importing_a_room_does_not_load_what_it_must_not_need(module):
    script = f"import sys, {module}; print(*sorted(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    assert module in loaded
    assert loaded.isdisjoint(NEVER_LOADED[module])
