import pytest

from bitrecall.reproduction.headline_tables import headline_table, summary_table
from bitrecall.reproduction.published_results import load_published
from tests.tools.markdown_tables import table_rows


@pytest.fixture(scope="module")
def published():
    return load_published()


def test_the_headline_table_has_our_results_the_papers_and_floats(row, published):
    rows = [
        row("gowalla/bitrecall/256", recall=0.27),
        row("gowalla/bitrecall/512", recall=0.3),
        row("gowalla/proposed/256", recall=0.25),
    ]
    lines = table_rows(headline_table(rows, published), "Gowalla")
    assert lines[0] == [
        *("Gowalla", "**Bitrecall**, 256 bits", "**.1350**", "**.2700**", "**.4050**"),
        *("**.0675**", "**.1350**", "**.2025**", "2 min", "1.5 GiB"),
    ]
    assert lines[1][1:4] == ["the paper's method, ours, 256 bits", ".1250", ".2500"]
    assert [line[1] for line in lines[2:]] == [
        "the paper",
        "LightGCN in floats (LightGCN's paper)",
        "LightGCN in floats (BARS)",
        "SimpleX in floats (BARS)",
    ]


def test_the_summary_table_has_a_row_per_method_and_columns_per_data_set(row, published):
    rows = [
        row("gowalla/bitrecall/256", recall=0.27),
        row("gowalla/bitrecall/512", recall=0.3),
        row("yelp2018/proposed/256", recall=0.1),
    ]
    lines = table_rows(summary_table(rows, published))
    assert lines[0] == ["", "Gowalla R@50", "Gowalla N@50", "Yelp2018 R@50", "Yelp2018 N@50"]
    by_name = {name: values for name, *values in lines[2:]}
    assert by_name["**Bitrecall**, 256 bits"] == ["**.2700**", "**.1350**", "", ""]
    assert by_name["the paper's method, ours, 256 bits"] == ["", "", ".1000", ".0500"]
    assert by_name["the paper"] == [".2308", ".1511", ".1014", ".0602"]
    assert by_name["SimpleX in floats (BARS)"] == [".2874", ".1868", ".1322", ".0805"]
