"""Import rules: checked by import-linter, ruff and deptry, and in new interpreters."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]

# The folders at the root that are imported as parts of bitrecall.
LINKED = sorted(path.name for path in (ROOT / "bitrecall").iterdir() if path.is_symlink())

# The extras whose packages a part of bitrecall may import, besides the required packages.
EXTRAS = {
    "client": {"client"},
    "commands": {"serve", "train"},
    "events": {"events", "postgres"},
    "index": {"milvus"},
    "loadtest": {"loadtest"},
    "model": {"train"},
    "reproduction": {"reproduce", "train"},
    "results": {"benchmark"},
    "scheduler": {"schedule"},
    "service": {"milvus", "serve", "events", "tracing"},
    "training": {"benchmark", "train", "events", "milvus"},
}
# Distributions whose modules have another name.
MODULES = {
    "backports-zstd": "backports",
    "faiss-cpu": "faiss",
    "opentelemetry-sdk": "opentelemetry",
}

# A module per room, and the modules that importing it must not load. Import contracts read the
# source; these tests also see imports of third-party packages.
NEVER_LOADED = {
    "bitrecall.model.model": ["torch", "scipy", "polars", "fastapi", "starlette", "sqlalchemy"],
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
    result = subprocess.run(
        [sys.executable, "-c", lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert "0 broken" in result.stdout


@pytest.mark.parametrize("module", NEVER_LOADED)
def test_importing_a_room_does_not_load_forbidden_modules(module):
    script = f"import sys, {module}; print(*sorted(sys.modules))"
    result = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = set(result.stdout.split())
    assert module in loaded
    assert loaded.isdisjoint(NEVER_LOADED[module])


@pytest.mark.parametrize("name", LINKED)
@pytest.mark.parametrize("statement", ["import {}", "from {} import thing", "import {}.inner as i"])
def test_ruff_rejects_a_linked_folder_imported_by_its_bare_name(name: str, statement: str):
    result = lint(f"{statement.format(name)}\n")
    assert result.returncode == 1, result.stderr
    assert f"TID251 `{name}" in result.stdout
    assert f"import bitrecall.{name}" in result.stdout


def test_ruff_accepts_the_linked_folders_as_parts_of_bitrecall():
    result = lint("".join(f"import bitrecall.{name}\n" for name in LINKED))
    assert result.returncode == 0, result.stdout + result.stderr


def lint(source: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ruff", "check", "--select=TID251", "--output-format=concise"]
    return subprocess.run(
        [*command, "--stdin-filename=example.py", "-"],
        input=source,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )


def test_imported_and_declared_packages_agree():
    result = subprocess.run(
        [sys.executable, "-m", "deptry", "--no-ansi", "."], cwd=ROOT, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("part", sorted({*LINKED, "client", "commands", "model", "results"}))
def test_a_part_imports_only_packages_of_its_extras(part: str):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    requirements = list(project["dependencies"])
    for extra in EXTRAS.get(part, ()):
        requirements += project["optional-dependencies"][extra]
    allowed = {module_of(requirement) for requirement in requirements}
    assert imported(ROOT / "bitrecall" / part) - allowed == set()


def module_of(requirement: str) -> str:
    name = re.match(r"[\w.-]+", requirement)[0].lower().replace(".", "-")
    return MODULES.get(name, name.replace("-", "_"))


def imported(folder: Path) -> set[str]:
    """Return the top-level names of other projects that the modules of a folder import."""
    names = {
        name for path in folder.rglob("*.py") for name in names_in(ast.parse(path.read_bytes()))
    }
    return names - set(sys.stdlib_module_names) - {"bitrecall", "compression"}


def names_in(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module is not None:
            yield node.module.partition(".")[0]
