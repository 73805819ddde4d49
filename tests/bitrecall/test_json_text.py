import json

import numpy as np
import pytest

from bitrecall.errors import ArgumentError
from bitrecall.json_text import filter_json


def test_filter_may_contain_numpy_values_and_sets():
    conditions = {"any_tags": {"b", "a"}, "where": {"year": {"gte": np.int64(1990)}}}
    assert json.loads(filter_json(conditions)) == {
        "any_tags": ["a", "b"],
        "where": {"year": {"gte": 1990}},
    }


@pytest.mark.parametrize(
    "conditions",
    [
        ["noir"],
        "noir",
        {"where": {"year": float("nan")}},
        {"where": {"x": object()}},
        {"any_tags": ["\ud800"]},
    ],
)
def test_rejects_a_filter_that_json_cannot_represent(conditions):
    with pytest.raises(ArgumentError, match="filter"):
        filter_json(conditions)
