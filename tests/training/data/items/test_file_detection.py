from pathlib import Path

import pytest

from bitrecall.training.data.files.data_files import find_files
from bitrecall.training.data.items.default_table import default_item_table
from bitrecall.training.data.items.file_detection import find_item_file
from bitrecall.training.errors import DataError

CLICKS = "user_id,item_id\na,1\nb,2\n"
PRODUCTS = "item_id,price\n1,5\n2,6\n"


def write_files(path: Path, **files: str) -> Path:
    for name, text in files.items():
        (path / f"{name}.csv").write_text(text, encoding="utf-8")
    return path


def test_uses_the_item_table_beside_the_clicks(tmp_path: Path) -> None:
    write_files(tmp_path, clicks=CLICKS, products=PRODUCTS)
    assert [file.name for file in find_files([tmp_path]).train] == ["clicks.csv"]
    table = default_item_table([tmp_path], None)
    assert table is not None
    assert table.name == "products.csv"


@pytest.mark.parametrize("header", ["id,name", "SKU,item_id", "Product ID,price"])
def test_detects_an_item_table_by_an_item_column_without_a_user_column(
    tmp_path: Path, header: str
) -> None:
    write_files(tmp_path, train=CLICKS, what=f"{header}\n1,2\n")
    assert find_item_file(tmp_path) == tmp_path / "what.csv"


def test_a_requested_table_takes_precedence(tmp_path: Path) -> None:
    write_files(tmp_path, clicks=CLICKS, products=PRODUCTS)
    other = tmp_path / "other"
    other.mkdir()
    write_files(other, mine=PRODUCTS)
    table = default_item_table([tmp_path], other / "mine.csv")
    assert table is not None
    assert table.name == "mine.csv"


def test_rejects_several_item_tables(tmp_path: Path) -> None:
    write_files(tmp_path, clicks=CLICKS, products=PRODUCTS, prices=PRODUCTS)
    with pytest.raises(DataError, match=r"prices\.csv, products\.csv\. Name one with --items"):
        find_item_file(tmp_path)


def test_does_not_skip_an_item_table_without_interactions(tmp_path: Path) -> None:
    write_files(tmp_path, products=PRODUCTS)
    assert find_item_file(tmp_path) is None
    assert [file.name for file in find_files([tmp_path]).train] == ["products.csv"]
