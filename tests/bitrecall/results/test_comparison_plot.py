import pytest

from bitrecall.results.comparison_plot import draw


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_draws_the_recommenders_and_the_codes(comparison, tmp_path, suffix):
    path = tmp_path / f"plot.{suffix}"
    draw(comparison, path)
    content = path.read_bytes()
    assert content[:4] in (b"\x89PNG", b"<?xm", b"%PDF")
    if suffix == "svg":
        text = content.decode()
        for label in ("popularity", "EASE", "Bitrecall, 256 bits", "clicks: 1,234 users"):
            assert label in text


def test_draws_values_that_are_all_zero_or_unknown(comparison, tmp_path):
    for row in comparison.rows:
        row.measures.update(dict.fromkeys(row.measures, 0.0))
    comparison.codes.measures["recall@20"] = None
    draw(comparison, tmp_path / "plot.svg")
    assert (tmp_path / "plot.svg").exists()
