from dataclasses import replace

import pytest

from bitrecall.errors import ArgumentError
from bitrecall.results.comparison import NotRun
from tests.bitrecall.results.conftest import comparison_row


def test_prints_the_table_with_its_notes(comparison):
    text = repr(comparison)
    assert text.startswith("compared on 5,678 test interactions")
    assert "the best of its column" in text


def test_converts_to_one_row_per_recommender_with_the_codes_last(comparison):
    ease = comparison_row("EASE", 0.2, setting={"lambda": 200}, trials=4, possible_trials=4)
    rows = replace(comparison, recommenders=[ease]).to_dicts()
    assert [row["recommender"] for row in rows] == ["EASE", "Bitrecall, 256 bits"]
    assert rows[0]["recall@20"] == 0.2
    assert rows[0]["setting"] == "lambda 200"
    assert (rows[1]["bytes per item"], rows[1]["seconds"]) == (32, 61.5)


def test_converts_to_data_frames(comparison):
    comparison.codes.measures["recall@20 cold"] = None
    frame = comparison.to_polars()
    assert frame["recommender"].to_list() == ["popularity", "EASE", "Bitrecall, 256 bits"]
    assert frame["recall@20 cold"].to_list()[-1] is None
    pytest.importorskip("pandas")
    assert list(comparison.to_pandas()["recall@20"]) == [0.05, 0.2, 0.19]


def test_a_notebook_shows_the_table_and_the_notes(comparison):
    missing = [NotRun("ALS", "it takes up to <1> MiB")]
    page = replace(comparison, not_run=missing)._repr_html_()
    assert page.count("<tr>") == 1 + 3
    assert "clicks: compared on 5,678 test interactions of 1,234 users" in page
    assert "best of its column" not in page
    assert "ALS  not run: it takes up to &lt;1&gt; MiB" in page
    assert "codes: 95% of the recall@20 and 95% of the NDCG@20 of EASE" in page


def test_the_best_is_the_float_recommender_with_the_highest_recall(comparison):
    assert comparison.best.name == "EASE"
    equal = comparison_row("kNN", 0.2)
    equal.measures["ndcg@20"] = 0.3
    recommenders = [*comparison.recommenders, equal]
    assert replace(comparison, recommenders=recommenders).best is equal
    assert replace(comparison, recommenders=[]).best is None


@pytest.mark.parametrize("suffix", ["png", "SVG"])
def test_plots_to_a_file(comparison, tmp_path, suffix):
    comparison.plot(tmp_path / f"plot.{suffix}")
    assert (tmp_path / f"plot.{suffix}").stat().st_size > 1000


def test_rejects_a_plot_of_another_format(comparison, tmp_path):
    with pytest.raises(ArgumentError, match=r"plot.gif must end in .png, .svg or .pdf"):
        comparison.plot(tmp_path / "plot.gif")
