import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bitrecall.training.teacher.blended import BlendedScorer, in_own_units


class Given:
    """A teacher whose scores are known."""

    def __init__(self, scores: np.ndarray) -> None:
        self._scores = torch.from_numpy(scores.astype(np.float32))

    def scores(self, users: np.ndarray) -> torch.Tensor:
        return self._scores[torch.from_numpy(users)].clone()


sheets = arrays(np.float32, (3, 5), elements=st.sampled_from([-2.0, -0.5, 0.0, 1.0, 3.0]))


@given(sheets)
@settings(deadline=None)
def test_a_row_in_its_own_units_has_a_mean_square_of_one_or_is_zero(sheet):
    found = in_own_units(torch.from_numpy(sheet.copy())).numpy()
    for row, made in zip(sheet, found, strict=True):
        if row.any():
            np.testing.assert_allclose(np.square(made).mean(), 1, rtol=1e-5)
            np.testing.assert_allclose(made * np.sqrt(np.square(row).mean()), row, rtol=1e-5)
        else:
            assert not made.any()


@given(sheets, sheets, st.sampled_from([0.5, 2.0]))
@settings(deadline=None)
def test_scores_are_summed_in_units_that_do_not_depend_on_their_scale(first, second, weight):
    users = np.array([2, 0])
    blended = BlendedScorer(Given(first * 100), Given(second / 100), weight).scores(users).numpy()

    def units(row: np.ndarray) -> np.ndarray:
        size = np.sqrt(np.square(row).mean())
        return row / size if size else row

    for place, user in enumerate(users):
        wanted = units(first[user]) + weight * units(second[user])
        np.testing.assert_allclose(blended[place], wanted, rtol=1e-4, atol=1e-5)
