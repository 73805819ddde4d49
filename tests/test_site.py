"""The documentation site has every page, its links work, and it loads nothing from other hosts."""

import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"


def load_hooks() -> ModuleType:
    spec = importlib.util.spec_from_file_location("site_hooks", DOCS / "site" / "hooks.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


HOOKS = load_hooks()


class _Settings(yaml.SafeLoader):
    """Reads mkdocs.yml, whose tags name Python functions."""


_Settings.add_multi_constructor("tag:yaml.org,2002:python/name:", lambda loader, name, node: name)


def pages_in(nav: Any) -> Iterator[str]:
    """Iterate over the pages of a navigation, in order."""
    if isinstance(nav, str):
        yield nav
    for child in nav if isinstance(nav, list) else []:
        yield from pages_in(child)
    for child in nav.values() if isinstance(nav, dict) else []:
        yield from pages_in(child)


def test_every_page_is_in_the_navigation_once():
    settings = yaml.load((ROOT / "mkdocs.yml").read_text(), Loader=_Settings)
    pages = {str(path.relative_to(DOCS)) for path in DOCS.rglob("*.md")}
    assert sorted(pages_in(settings["nav"])) == sorted(pages | set(HOOKS.REPOSITORY_PAGES.values()))


def test_the_pages_of_the_repository_exist():
    for source in HOOKS.REPOSITORY_PAGES:
        assert (ROOT / source).exists(), source


ON_SITE = {"index.md", "data.md", "changelog.md", "reproduction/README.md", "plots/a.svg"}


@pytest.mark.parametrize(
    ("place", "markdown", "expected"),
    [
        ("index.md", "[data](docs/data.md#splits)", "[data](data.md#splits)"),
        ("index.md", "![plot](docs/plots/a.svg)", "![plot](plots/a.svg)"),
        ("index.md", "[`index/`](index), [x](setup.py)", "`index/`, x"),
        ("data.md", "[home](../README.md)", "[home](index.md)"),
        ("data.md", "[history](../CHANGELOG.md#0)", "[history](changelog.md#0)"),
        ("data.md", "[code](../index/search/flat.py)", "code"),
        ("data.md", "[here](#splits) [web](https://a.example/b)", None),
        ("data.md", "[study](reproduction/README.md)", None),
        ("reproduction/README.md", "[data](../data.md)", None),
        ("reproduction/README.md", "[home](../../README.md)", "[home](../index.md)"),
        ("data.md", "```\n[x](../setup.py)\n```", None),
        ("index.md", "[a page outside docs](data.md)", "a page outside docs"),
    ],
)
def test_links_lead_to_the_site(place: str, markdown: str, expected: str | None):
    assert HOOKS.with_links(markdown, place, ON_SITE) == (expected or markdown)


class LoadedAddresses(HTMLParser):
    """Collects the addresses of scripts, styles, fonts and images that a page loads."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = dict(attributes)
        if tag in {"script", "img", "iframe", "source"} and values.get("src"):
            self.addresses.append(values["src"])
        if tag == "link" and values.get("rel") != "canonical" and values.get("href"):
            self.addresses.append(values["href"])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    result = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return folder


@pytest.mark.slow
def test_the_strict_build_starts_with_the_readme(site: Path):
    assert "Recommendation retrieval in bits" in (site / "index.html").read_text("utf-8")


@pytest.mark.slow
def test_pages_load_nothing_from_other_hosts(site: Path):
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 15
    for path in pages:
        page = LoadedAddresses()
        page.feed(path.read_text("utf-8"))
        assert page.addresses
        assert [address for address in page.addresses if re.match(r"[a-z]+:|//", address)] == []


@pytest.mark.slow
def test_the_code_of_the_site_is_not_published(site: Path):
    assert not (site / "site").exists()
