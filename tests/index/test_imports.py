"""Modules loaded by importing the package, which every start of a service or command pays for."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow


def loaded_by(statement: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{statement}\nprint(*sys.modules, sep='\\n')"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


def test_importing_the_package_loads_nothing_else() -> None:
    assert not {"faiss", "numpy"} & loaded_by("import bitrecall.index")


def test_importing_the_store_loads_no_training_or_web_packages() -> None:
    loaded = loaded_by("import bitrecall.index.releases.store, bitrecall.index.fold_in.users")
    assert "faiss" in loaded
    assert not {"torch", "scipy", "polars", "fastapi", "pydantic"} & loaded
