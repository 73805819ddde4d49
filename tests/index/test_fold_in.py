from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from index.errors import SearchError
from index.fold_in import fold_in_codes
from index.release import Release, ReleaseContents
from index.writer import write_files, write_manifest


@pytest.fixture(params=[np.float16, np.float32])
def release(
    request: pytest.FixtureRequest, make_contents: Callable[..., ReleaseContents], tmp_path: Path
) -> Release:
    contents = make_contents(items=40)
    messages = contents.fold_in_messages.astype(request.param)
    contents = replace(contents, fold_in_messages=messages)
    write_manifest(tmp_path, write_files(tmp_path, contents, None))
    return Release.open(tmp_path)


def test_codes_are_the_signs_of_the_sums(release: Release) -> None:
    rng = np.random.default_rng(0)
    histories = [rng.choice(40, size, replace=False) for size in (1, 2, 7, 40)]
    codes = fold_in_codes(release, histories)
    assert codes.dtype == np.uint8
    for code, history in zip(codes, histories, strict=True):
        total = [
            sum(float(release.fold_in_messages[row, bit]) for row in history) for bit in range(16)
        ]
        bits = [bool(code[bit // 8] >> (bit % 8) & 1) for bit in range(16)]
        assert bits == [value >= 0 for value in total]


def test_neither_order_nor_repetition_counts(release: Release) -> None:
    codes = fold_in_codes(release, [np.array([3, 1, 9]), np.array([9, 9, 1, 3, 1])])
    assert np.array_equal(codes[0], codes[1])


def test_no_histories_give_no_codes(release: Release) -> None:
    assert fold_in_codes(release, []).shape == (0, 2)


@pytest.mark.parametrize(
    ("history", "said"),
    [
        ([], "history 1 is empty"),
        ([40], "history 1 has a row outside 0 … 39"),
        ([-1], "outside"),
        ([0.5], "outside"),
    ],
)
def test_histories_that_make_no_sense_are_refused(
    release: Release, history: list[int], said: str
) -> None:
    with pytest.raises(SearchError, match=said):
        fold_in_codes(release, [np.array([1]), np.array(history)])
