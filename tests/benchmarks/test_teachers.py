"""How fast a teacher's hits fall with the rank, as benchmarks/teachers.py reckons it."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.mark.parametrize("power", [0.0, 0.3, 0.7, 1.5])
def test_fall_is_the_power_of_a_power_law(power: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    teachers = import_module("teachers")
    shares = 5 * np.arange(1, 101) ** -power
    assert teachers.fall(shares) == pytest.approx(power, abs=1e-6)
