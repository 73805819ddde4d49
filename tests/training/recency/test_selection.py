import numpy as np
import pytest

from bitrecall.training.recency.selection import simplest_within_noise

USERS = 400


@pytest.fixture
def scores() -> np.ndarray:
    return np.random.default_rng(0).random(USERS)


def better_by(standard_errors: float, scores: np.ndarray) -> np.ndarray:
    """Return scores whose mean is larger by a number of standard errors of the difference."""
    noise = np.random.default_rng(1).normal(0, 0.2, USERS)
    return scores + noise - noise.mean() + standard_errors * noise.std() / np.sqrt(USERS)


@pytest.mark.parametrize(
    ("standard_errors", "expected"), [(0.5, "no effect"), (1.9, "no effect"), (2.1, "best")]
)
def test_an_effect_takes_two_standard_errors(
    scores: np.ndarray, standard_errors: float, expected: str
) -> None:
    candidates = [("no effect", scores), ("best", better_by(standard_errors, scores))]
    assert simplest_within_noise(candidates) == expected


@pytest.mark.parametrize(("standard_errors", "expected"), [(0.9, "simple"), (1.1, "best")])
def test_another_setting_takes_one_standard_error(
    scores: np.ndarray, standard_errors: float, expected: str
) -> None:
    candidates = [
        ("no effect", scores - 1),
        ("simple", scores),
        ("best", better_by(standard_errors, scores)),
    ]
    assert simplest_within_noise(candidates) == expected


def test_differences_between_users_do_not_hide_a_small_difference(scores: np.ndarray) -> None:
    candidates = [("no effect", scores), ("best", scores + 0.001), ("worse", scores - 0.1)]
    assert simplest_within_noise(candidates) == "best"


def test_returns_the_first_of_equal_settings(scores: np.ndarray) -> None:
    assert simplest_within_noise([("first", scores), ("second", scores.copy())]) == "first"
