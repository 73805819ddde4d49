"""Links and commands in pages exist."""

import importlib.util
import re
from pathlib import Path

import pytest

from bitrecall.cli import bitrecall

ROOT = Path(__file__).parents[1]
PAGES = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "SECURITY.md",
    ROOT / "benchmarks" / "README.md",
    *sorted((ROOT / "examples").rglob("*.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_existing_files(page):
    for target in re.findall(r"\]\(([^)#\s]+)", page.read_text("utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_exist(page):
    text = page.read_text("utf-8")
    for name in re.findall(r"^\s+bitrecall ([a-z]+)", text, re.MULTILINE):
        assert name in bitrecall.list_commands(None), name
    for module in re.findall(r"python -m (benchmarks[\w.]+)", text):
        assert importlib.util.find_spec(module) is not None, module
    # The changelog may name files that were renamed later.
    current = "" if page.name == "CHANGELOG.md" else text
    for path in re.findall(r"\bbenchmarks/[\w/.]*\w", current):
        assert (ROOT / path).exists(), path
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for target in re.findall(r"^\s+make ([a-z]+)", text, re.MULTILINE):
        assert f"\n{target}:" in makefile, target


# Lines of generated pages and of the changelog may be longer.
GENERATED = ("CHANGELOG.md", "docs/api.md", "docs/cli.md", "docs/reproduction/results.md")
WRITTEN = [page for page in PAGES if str(page.relative_to(ROOT)) not in (*GENERATED, "README.md")]


def prose(text):
    """Iterate over numbered lines of a page, without code, tables and generated parts."""
    text = re.sub(
        r"<!-- results: .*?<!-- end", lambda part: "\n" * part[0].count("\n"), text, flags=re.S
    )
    fenced = False
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif not fenced and not line.startswith("    ") and not line.lstrip().startswith("|"):
            yield number, line


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: str(page.relative_to(ROOT)))
def test_lines_of_prose_have_at_most_100_characters(page):
    long = [number for number, line in prose(page.read_text("utf-8")) if len(line) > 100]
    assert not long
