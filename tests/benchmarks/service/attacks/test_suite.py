"""Tests of the attacks: they stay on this machine, are bounded, and are on the page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks.service.attacks import suite
from benchmarks.tools import random_release

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[4]


def test_every_row_of_the_page_has_an_attack() -> None:
    page = (ROOT / "docs" / "security.md").read_text("utf-8")
    limits = page.split("## ")[0]
    rows = {int(row) for row in re.findall(r"^\| (\d+) \|", limits, re.MULTILINE)}
    assert rows == {attack.row for attack in suite.ATTACKS} == set(range(1, 18))


def test_sends_nothing_to_another_machine() -> None:
    for path in (ROOT / "benchmarks" / "service" / "attacks").glob("*.py"):
        text = path.read_text("utf-8")
        assert not re.search(r"(?!127\.0\.0\.1)\b\d+\.\d+\.\d+\.\d+\b", text)
        assert "0.0.0.0" not in text


def test_measures_an_attack_and_stops_the_service(tmp_path: Path) -> None:
    root, folder = tmp_path / "releases", tmp_path / "0"
    folder.mkdir()
    random_release.publish(root, users=50, items=100)
    seen = []

    def attack(service):
        seen.append(service)
        return service.get("/livez")[0], True

    outcome = suite.measure(suite.Attack(1, "none", attack), root, folder, None)
    assert (outcome.found, outcome.row, outcome.name) == (200, 1, "none")
    assert 0 < outcome.before_mib <= outcome.most_mib
    assert min(outcome.calm_seconds, outcome.worst_seconds) > 0
    assert seen[0].process.poll() is not None
    assert seen[0].get("/livez")[0] == 0
