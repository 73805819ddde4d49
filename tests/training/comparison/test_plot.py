import pytest

from bitrecall.training.comparison.codes import Codes
from bitrecall.training.comparison.comparison import compare
from bitrecall.training.comparison.families import Ease, Popularity
from bitrecall.training.comparison.plot import draw


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_draws_the_recommenders_and_the_codes(
    train, clustered_dataset, small_recipe, tmp_path, suffix
):
    codes = Codes("Bitrecall", 16, 7.0, lambda problem, groups: {"recall@20": 0.5})
    comparison = compare(
        train, clustered_dataset.test, small_recipe, codes, families=[Popularity(), Ease()]
    )
    path = tmp_path / f"plot.{suffix}"
    draw(comparison, "clicks.csv", path)
    content = path.read_bytes()
    assert content[:4] in (b"\x89PNG", b"<?xm", b"%PDF")
    if suffix == "svg":
        text = content.decode()
        for label in ("popularity", "EASE", "Bitrecall, 16 bits", "clicks.csv: 120 users"):
            assert label in text
