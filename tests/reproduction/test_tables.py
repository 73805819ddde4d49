import pytest

from bitrecall.reproduction import tables
from bitrecall.reproduction.plan import parse_plan
from bitrecall.reproduction.published_results import load_published
from tests.tools.markdown_tables import table_rows


@pytest.fixture(scope="module")
def published():
    return load_published()


def test_the_papers_table_has_our_results_next_to_published_ones(row, published):
    rows = [
        row("gowalla/bitrecall/256", 0, recall=0.27),
        row("gowalla/bitrecall/256", 1, recall=0.28),
        row("gowalla/bitrecall/64", recall=0.1, study="bits"),
        row("gowalla/bgch/256", recall=0.2),
        row("gowalla/bgch-weighted/768", recall=0.212, similarity="inner_product"),
        row("yelp2018/bgch/256", recall=0.09),
    ]
    assert tables.paper_table(rows, published, "gowalla") == (
        "| method | bits | source | R@20 | R@50 | R@100 | N@20 | N@50 | N@100 | "
        "BGCH-style N@20 | BGCH-style N@50 | BGCH-style N@100 |\n"
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n"
        "| **Bitrecall** | 256 | ours, 2 seeds | .1375 ± .0035 | .2750 ± .0071 | .4125 ± .0106 | "
        ".0688 ± .0018 | .1375 ± .0035 | .2062 ± .0053 | "
        ".1031 ± .0027 | .2062 ± .0053 | .3094 ± .0080 |\n"
        "| Proposed | not stated | the paper |  | .2308 | .3140 |  | .1511 | .1742 |  |  |  |\n"
        "| **BGCH** | 256 | ours | .1000 | .2000 | .3000 | .0500 | .1000 | .1500 | "
        ".0750 | .1500 | .2250 |\n"
        "| BGCH | not stated | the paper |  | .1916 | .2659 |  | .1274 | .1484 |  |  |  |\n"
        "| **BGCH, weighted** † | 768 | ours | .1060 | .2120 | .3180 | .0530 | .1060 | .1590 | "
        ".0795 | .1590 | .2385 |\n"
        "| HashGNN | not stated | the paper |  | .0948 | .1511 |  | .0511 | .0665 |  |  |  |\n"
        "| HashRec | not stated | the paper |  | .1206 | .1893 |  | .0616 | .0810 |  |  |  |\n"
        "| LightGCN in floats | 2048 | LightGCN's paper | .1830 |  |  | .1554 |  |  |  |  |  |\n"
        "| LightGCN in floats | 2048 | BARS |  | .2821 |  |  | .1859 |  |  |  |  |\n"
        "| SimpleX in floats | 2048 | BARS | .1872 | .2874 |  | .1557 | .1868 |  |  |  |  |\n"
        "\n"
        "† not plain Hamming distance: no binary index serves it."
    )


def test_the_bits_table_is_sorted_and_leaves_out_methods_with_one_length(row):
    rows = [row(f"gowalla/bitrecall/{bits}", recall=0.1) for bits in (256, 64, 1024)]
    rows += [row("gowalla/hashrec/256"), row("gowalla/study/sign/aage")]
    lines = table_rows(tables.bits_table(rows, "gowalla"))[2:]
    assert [line[:2] for line in lines] == [["Bitrecall", bits] for bits in ("64", "256", "1024")]


def test_the_fewest_bits_pass_every_target(row, published):
    low_ndcg = {"recall@50": 0.24, "recall@100": 0.33, "ndcg@50": 0.1, "ndcg@100": 0.1}
    high = {"recall@50": 0.24, "recall@100": 0.33, "ndcg@50": 0.16, "ndcg@100": 0.18}
    rows = [
        row("gowalla/bitrecall/64", metrics=dict.fromkeys(low_ndcg, 0.01)),
        row("gowalla/bitrecall/128", metrics=low_ndcg),
        row("gowalla/bitrecall/256", metrics=high),
        row("gowalla/proposed/64", metrics=low_ndcg),
    ]
    table = tables.fewest_bits_table(rows, published)
    assert table_rows(table, "Gowalla") == [
        ["Gowalla", "the paper's row", "256", "more than 64"],
        ["Gowalla", "the paper's row, recall alone", "128", "64"],
        ["Gowalla", "the paper's BGCH row", "256", "more than 64"],
        ["Gowalla", "the paper's BGCH row, recall alone", "128", "64"],
    ]
    rows = [row("yelp2018/proposed/256", recall=0.2)]
    line = table_rows(tables.fewest_bits_table(rows, published), "Yelp2018")[0]
    assert line == ["Yelp2018", "the paper's row", "not run", "256"]


def test_a_study_table_follows_the_plan_and_compares_with_the_first_variant(row):
    plan = parse_plan(
        '[[study]]\npart = "gowalla/study/sign"\ntitle = "T"\nrecipe = "sample"\nminutes = 1\n'
        'variant.aage.label = "AAGE"\nvariant.tanh = {}\nvariant.missing = {}',
        "plan",
    )
    rows = [
        row("gowalla/study/sign/another", recall=0.1),
        row("gowalla/study/sign/tanh", recall=0.15),
        row("gowalla/study/sign/aage", recall=0.2, epochs=3),
    ]
    lines = table_rows(tables.study_table(rows, plan.studies["gowalla/study/sign"]))[2:]
    assert [(line[0], line[2], *line[7:]) for line in lines] == [
        ("AAGE", ".2000", "+0.0%", "3", "1.5"),
        ("tanh", ".1500", "−25.0%", "2", "1.5"),
        ("another", ".1000", "−50.0%", "2", "1.5"),
    ]


def test_the_runs_table_has_all_seeds(row):
    rows = [row("gowalla/bgch/256", 0, epochs=4), row("gowalla/bgch/256", 1, epochs=6)]
    assert table_rows(tables.runs_table(rows))[-1] == [
        *("`gowalla/bgch/256`", "test", "0/1", "4/6", "1.5", "2", "1,536")
    ]


def test_the_log_text_has_every_epoch(row):
    assert tables.log_text(row("gowalla/bitrecall/256", seed=1)) == (
        "```text\n"
        "gowalla/bitrecall/256, seed 1, recipe abababababab\n"
        "     final  epoch   1  loss -0.25000     30.0 s\n"
        "     final  epoch   2  loss -0.50000     60.0 s\n"
        "test: recall@20 0.10000  recall@50 0.20000  recall@100 0.30000  "
        "ndcg@20 0.05000  ndcg@50 0.10000  ndcg@100 0.15000\n"
        "90 s and 1536 MiB on 2 threads of A Processor, bitrecall 0.1.0\n"
        "```"
    )
