import pytest

from bitrecall.training.data.files.data_files import find_files
from bitrecall.training.errors import DataError


def make(tmp_path, *names):
    for name in names:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("a x\n")
    return tmp_path


def names(files):
    return [file.name for file in files]


@pytest.mark.parametrize(
    ("present", "train", "test"),
    [
        (["train.txt", "test.txt"], ["train.txt"], ["test.txt"]),
        (["train.csv"], ["train.csv"], []),
        (["Train.CSV", "TEST.csv"], ["Train.CSV"], ["TEST.csv"]),
        (["train.csv.gz", "test.csv.zst"], ["train.csv.gz"], ["test.csv.zst"]),
        (["train.txt", "valid.txt", "test.txt"], ["train.txt", "valid.txt"], ["test.txt"]),
        (
            ["ml.train.inter", "ml.valid.inter", "ml.test.inter", "ml.item"],
            ["ml.train.inter", "ml.valid.inter"],
            ["ml.test.inter"],
        ),
        (["train.txt", "test.csv", "item_list.txt", "README.md"], ["train.txt"], ["test.csv"]),
        (["ml-100k.inter", "ml-100k.item", "ml-100k.user", "notes.txt"], ["ml-100k.inter"], []),
        (["events.parquet", "README.md", ".hidden.csv"], ["events.parquet"], []),
        (
            ["train/part-1.csv", "train/part-0.csv", "train/_SUCCESS", "test/part-0.csv"],
            ["train/part-0.csv", "train/part-1.csv"],
            ["test/part-0.csv"],
        ),
        (["b.csv", "a.csv"], ["a.csv", "b.csv"], []),
        (
            ["part-00001", "part-00000", "_SUCCESS", ".part-00000.crc"],
            ["part-00000", "part-00001"],
            [],
        ),
        (["x.snappy.parquet", "_metadata", "_temporary/y.parquet"], ["x.snappy.parquet"], []),
        (["2024/02.json", "2024/01.json.gz"], ["2024/01.json.gz", "2024/02.json"], []),
        (
            ["day=2/hour=1/a.csv", "day=1/hour=2/a.csv", "day=1/hour=1/a.csv"],
            ["day=1/hour=1/a.csv", "day=1/hour=2/a.csv", "day=2/hour=1/a.csv"],
            [],
        ),
    ],
)
def test_the_files_of_a_folder_in_the_order_of_their_names(tmp_path, present, train, test):
    files = find_files([make(tmp_path, *present)])
    assert files.name == tmp_path.name
    assert names(files.train) == train
    assert names(files.test) == test


@pytest.mark.parametrize(
    ("present", "message"),
    [
        ([], r"holds no file of interactions, by its suffix; expected \.txt \.csv"),
        (["README.md", "a.png"], "holds no file of interactions"),
        (["train.csv", "train.txt"], r"several train files: train\.csv, train\.txt"),
        (["train.csv", "train/a.csv"], r"several train files: train\.csv, train"),
        (["train.csv", "test.csv", "test.txt"], "several test files"),
        (["test.csv"], r"has test\.csv and no train file"),
        (["_delta_log/0.json", "a.parquet"], "is a Delta Lake table, .* export it as Parquet"),
        (["metadata/v1.metadata.json", "data/a.parquet"], "is an Apache Iceberg table"),
    ],
)
def test_a_folder_that_is_unclear_is_an_error(tmp_path, present, message):
    with pytest.raises(DataError, match=message):
        find_files([make(tmp_path, *present)])


def test_keys_lie_in_the_names_of_folders(tmp_path):
    make(tmp_path, "day=2025-03-01/kind=a%2Fb/x.csv", "day=__HIVE_DEFAULT_PARTITION__/x.csv")
    first, second = find_files([tmp_path]).train
    assert first.keys == (("day", "2025-03-01"), ("kind", "a/b"))
    assert second.keys == (("day", None),)


def test_empty_parts_are_left_out(tmp_path):
    make(tmp_path, "part-0.csv", "part-1.csv")
    (tmp_path / "part-1.csv").write_text("")
    assert names(find_files([tmp_path]).train) == ["part-0.csv"]


def test_several_paths_are_read_in_the_order_given(tmp_path):
    make(tmp_path, "b.csv", "a.csv", "more/c.csv", "more/d.csv")
    files = find_files([tmp_path / "b.csv", tmp_path / "more", tmp_path / "a.csv"])
    assert files.name == "b+2"
    assert names(files.train) == ["b.csv", "c.csv", "d.csv", "a.csv"]


def test_several_paths_that_do_not_go_together_are_an_error(tmp_path):
    make(tmp_path, "a.csv", "split/train.csv", "split/test.csv")
    with pytest.raises(DataError, match="has train and test files, so it is a data set of its own"):
        find_files([tmp_path / "a.csv", tmp_path / "split"])
    with pytest.raises(DataError, match="a file is named twice"):
        find_files([tmp_path / "a.csv", tmp_path / "a.csv"])


def test_a_file_is_named_without_its_suffixes(tmp_path):
    make(tmp_path, "shop.train.csv")
    files = find_files([tmp_path / "shop.train.csv"])
    assert (files.name, files.test) == ("shop", ())


def test_what_is_not_there_is_an_error(tmp_path):
    with pytest.raises(DataError, match="there is no such file or folder"):
        find_files([tmp_path / "none"])
