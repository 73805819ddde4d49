"""The public names are sorted, typed and imported lazily."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import bitrecall

ROOT = Path(__file__).parents[2]


def test_public_names_are_sorted_and_defined():
    assert bitrecall.__all__ == sorted(bitrecall.__all__)
    assert [name for name in bitrecall.__all__ if not hasattr(bitrecall, name)] == []
    assert set(bitrecall.__all__) <= set(dir(bitrecall))


def test_the_stub_has_the_same_names():
    tree = ast.parse((ROOT / "bitrecall" / "__init__.pyi").read_text())
    imported = {
        alias.asname
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assigned = next(node for node in tree.body if isinstance(node, ast.Assign))
    listed = ast.literal_eval(assigned.value)
    assert listed == bitrecall.__all__
    assert imported == set(listed) - {"__version__"}


def test_every_name_has_a_docstring():
    undocumented = [
        name
        for name in bitrecall.__all__
        if name != "__version__" and not getattr(bitrecall, name).__doc__
    ]
    assert undocumented == []


def test_an_unknown_name_raises_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'recommend'"):
        _ = bitrecall.recommend  # type: ignore[attr-defined]


def test_importing_bitrecall_imports_no_library():
    script = "import sys; before = set(sys.modules); import bitrecall; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    heavy = {"numpy", "torch", "fastapi", "httpx", "faiss", "polars", "pydantic", "click"}
    assert heavy.isdisjoint(done.stdout.split())
