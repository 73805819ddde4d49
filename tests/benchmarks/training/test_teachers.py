"""Tests of the estimated power of a teacher's scores."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.training import teachers


@pytest.mark.parametrize("power", [0.0, 0.3, 1.0, 2.5])
def test_estimates_the_power_of_a_power_law(power: float) -> None:
    scores = np.random.default_rng(0).gamma(2, size=(20, 30))
    shares = 5 * scores**power
    scores[3, 20:] = shares[3, 20:] = 0
    assert teachers.likeliest_power(shares, scores) == pytest.approx(power, abs=1e-6)
