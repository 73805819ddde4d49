"""The versions of uvicorn and httptools that use the fast path."""

import tomllib
from pathlib import Path

import pytest

from bitrecall.service.http import versions
from bitrecall.service.http.versions import TESTED, untested_versions, untested_warning

ROOT = Path(__file__).parents[3]


def install(monkeypatch: pytest.MonkeyPatch, **packages: str) -> None:
    """Make other versions appear to be installed."""
    installed = {package: f"{series}.0" for package, series in TESTED.items()} | packages
    monkeypatch.setattr(versions, "version", installed.__getitem__)


def test_the_installed_versions_are_tested() -> None:
    assert untested_versions() == []
    assert untested_warning() is None


@pytest.mark.parametrize("uvicorn", ["0.54", "0.54.0", "0.54.12", "0.54.1.post1"])
def test_accepts_every_version_of_a_tested_series(
    monkeypatch: pytest.MonkeyPatch, uvicorn: str
) -> None:
    install(monkeypatch, uvicorn=uvicorn)
    assert untested_versions() == []


@pytest.mark.parametrize("uvicorn", ["0.53.9", "0.55.0", "0.540.0", "0.5", "1.54.0", "0.55.0.dev1"])
def test_reports_versions_of_other_series(monkeypatch: pytest.MonkeyPatch, uvicorn: str) -> None:
    install(monkeypatch, uvicorn=uvicorn)
    assert untested_versions() == [f"uvicorn {uvicorn}"]


def test_the_warning_names_versions_consequences_and_remedy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    install(monkeypatch, uvicorn="0.55.0", httptools="1.0")
    warning = untested_warning()
    assert warning is not None
    assert "uvicorn 0.55.0 and httptools 1.0" in warning
    assert "without Bitrecall's limits" in warning
    assert "install uvicorn 0.54.* and httptools 0.9.*" in warning
    assert "[serve]" in warning
    assert "\n" not in warning


@pytest.mark.parametrize("package", TESTED)
def test_the_extra_allows_only_the_tested_series(package: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    major, minor = TESTED[package].split(".")
    requirement = f"{package}>={major}.{minor},<{major}.{int(minor) + 1}"
    assert requirement in project["optional-dependencies"]["serve"]
