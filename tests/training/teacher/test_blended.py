import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bitrecall.training.teacher.blended import BlendedScorer, divide_by_rms


class FixedScorer:
    """A teacher with fixed scores."""

    def __init__(self, scores: np.ndarray) -> None:
        self._scores = torch.from_numpy(scores.astype(np.float32))

    def scores(self, users: np.ndarray) -> torch.Tensor:
        return self._scores[torch.from_numpy(users)].clone()


sheets = arrays(np.float32, (3, 5), elements=st.sampled_from([-2.0, -0.5, 0.0, 1.0, 3.0]))


@given(sheets)
@settings(deadline=None)
def test_a_divided_row_has_a_mean_square_of_one_or_is_zero(sheet):
    divided = divide_by_rms(torch.from_numpy(sheet.copy())).numpy()
    for row, result in zip(sheet, divided, strict=True):
        if row.any():
            np.testing.assert_allclose(np.square(result).mean(), 1, rtol=1e-5)
            np.testing.assert_allclose(result * np.sqrt(np.square(row).mean()), row, rtol=1e-5)
        else:
            assert not result.any()


@given(sheets, sheets, st.sampled_from([0.5, 2.0]))
@settings(deadline=None)
def test_the_sum_does_not_depend_on_the_scales_of_the_scores(first, second, weight):
    users = np.array([2, 0])
    blended = BlendedScorer(FixedScorer(first * 100), FixedScorer(second / 100), weight)
    scores = blended.scores(users).numpy()

    def units(row: np.ndarray) -> np.ndarray:
        size = np.sqrt(np.square(row).mean())
        return row / size if size else row

    for place, user in enumerate(users):
        expected = units(first[user]) + weight * units(second[user])
        np.testing.assert_allclose(scores[place], expected, rtol=1e-4, atol=1e-5)
