import dataclasses
import sys
from typing import Any

import pytest

from bitrecall.errors import MissingExtraError
from bitrecall.results import (
    Evaluation,
    Explanation,
    PopularItem,
    PopularItems,
    Recommendation,
    RecommendationLists,
    Recommendations,
    SimilarItems,
)

FIRST = Recommendation("noir/<b>", 3, 10)
SECOND = Recommendation("tea", 5, 6)
FOR_ADA = Recommendations((FIRST, SECOND), 3, "r1", "ada", "codes")
RESULTS = [
    FOR_ADA,
    RecommendationLists((FOR_ADA, Recommendations((), 3, "r1", "ben", "popular"))),
    SimilarItems((SECOND,), 1, "r1", "milk"),
    PopularItems((PopularItem("tea", 9),), "r1"),
    Evaluation(
        "r1",
        "all",
        {
            f"{name}@5": 0.25
            for name in ("recall", "ndcg", "precision", "hit_rate", "coverage", "mean_popularity")
        },
        *(1, 0, 0, 1, 0, 0, 0.5),
    ),
]


def test_recommendations_are_a_sequence():
    assert len(FOR_ADA) == 2
    assert FOR_ADA[0] == FIRST
    assert list(FOR_ADA[:1]) == [FIRST]
    assert FOR_ADA.item_ids == ["noir/<b>", "tea"]
    assert FOR_ADA.shortfall == 1
    assert SECOND in FOR_ADA


def test_compares_by_content():
    assert Recommendations((FIRST, SECOND), 3, "r1", "ada", "codes") == FOR_ADA
    assert Recommendations((FIRST, SECOND), 3, "r2", "ada", "codes") != FOR_ADA


def test_result_prints_as_a_table():
    assert repr(FOR_ADA).splitlines() == [
        "2 items for ada by codes, 1 fewer than requested",
        "item_id   distance  score",
        "noir/<b>         3     10",
        "tea              5      6",
    ]


def test_explanations_are_a_column():
    item = FIRST._replace(because=(Explanation("milk", 1), Explanation("salt", 2)))
    assert "milk, salt" in repr(Recommendations((item,), 1, "r", "ada", "codes"))


def test_html_table_escapes_ids():
    html = FOR_ADA._repr_html_()
    assert "<table>" in html
    assert "<td>noir/&lt;b&gt;</td>" in html


def test_display_omits_rows_of_a_long_result():
    many = PopularItems(tuple(PopularItem(str(row), 1) for row in range(1051)), "r")
    assert repr(many).endswith("… and 1,001 more rows")
    assert len(many.to_dicts()) == 1051


@pytest.mark.parametrize("result", RESULTS, ids=lambda result: type(result).__name__)
def test_converts_every_result_to_a_data_frame(result):
    rows = result.to_dicts()
    assert result.to_polars().to_dicts() == rows
    pandas = pytest.importorskip("pandas")
    assert list(result.to_pandas().columns) == list(result.to_polars().columns)
    assert isinstance(result.to_pandas(), pandas.DataFrame)


EMPTY = [
    Recommendations((), 3, "r1", "ada", "codes"),
    SimilarItems((), 3, "r1", "milk"),
    PopularItems((), "r1"),
    RecommendationLists(()),
]


@pytest.mark.parametrize("result", EMPTY, ids=lambda result: type(result).__name__)
def test_empty_results_have_the_types_of_others(result):
    full: Any = next(other for other in RESULTS if type(other) is type(result))
    assert result.to_polars().schema == full.to_polars().schema
    pytest.importorskip("pandas")
    assert result.to_pandas().dtypes.to_dict() == full.to_pandas().dtypes.to_dict()
    pytest.importorskip("pyarrow")
    assert result.to_arrow().schema == full.to_arrow().schema


def test_popular_recommendations_have_the_types_of_others():
    popular = Recommendations((Recommendation("milk", None, None),), 1, "r1", "ada", "popular")
    assert popular.to_polars().schema == FOR_ADA.to_polars().schema


def test_converts_to_an_arrow_table():
    pytest.importorskip("pyarrow")
    assert FOR_ADA.to_arrow().to_pylist() == FOR_ADA.to_dicts()


@pytest.mark.parametrize(
    ("method", "library"),
    [("to_pandas", "pandas"), ("to_polars", "polars"), ("to_arrow", "pyarrow")],
)
def test_names_the_missing_library(monkeypatch, method, library):
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(MissingExtraError, match=rf"{method}\(\) needs {library}.*pip install"):
        getattr(FOR_ADA, method)()


def test_for_user_returns_the_recommendations_of_one_user():
    lists: Any = RESULTS[1]
    assert lists.for_user("ada") is FOR_ADA
    with pytest.raises(KeyError):
        lists.for_user("cleo")
    with_number = RecommendationLists((Recommendations((), 3, "r1", "17", "popular"),))
    assert with_number.for_user(17).user_id == "17"


def test_lists_have_a_column_of_explanations():
    explained = FIRST._replace(because=(Explanation("milk", 2),))
    lists = RecommendationLists((Recommendations((explained, SECOND), 2, "r1", "ada", "codes"),))
    assert [row["because"] for row in lists.to_dicts()] == ["milk", ""]


def test_prints_control_characters_escaped():
    item = Recommendation("a\x1b[31m\nb", 3, 10)
    lines = repr(Recommendations((item,), 1, "r1", "ada\r", "codes")).splitlines()
    assert lines[0] == r"1 item for ada\r by codes"
    assert lines[2].startswith(r"a\x1b[31m\nb ")


def test_evaluation_counts_what_the_release_does_not_know():
    known: Any = RESULTS[-1]
    assert "unknown" not in repr(known)
    other = dataclasses.replace(known, unknown_users=1, unknown_pairs=2)
    assert "1 users and the items of 2 pairs are unknown to the release" in repr(other)
