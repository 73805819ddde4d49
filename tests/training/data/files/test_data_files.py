from pathlib import Path

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
def test_lists_the_files_of_a_folder_by_name(tmp_path, present, train, test):
    files = find_files([make(tmp_path, *present)])
    assert files.name == tmp_path.name
    assert names(files.train) == train
    assert names(files.test) == test


@pytest.mark.parametrize(
    ("present", "message"),
    [
        ([], r"contains no file of interactions; expected the suffix \.txt \.csv"),
        (["README.md", "a.png"], "contains no file of interactions"),
        (["train.csv", "train.txt"], r"several train files: train\.csv, train\.txt"),
        (["train.csv", "train/a.csv"], r"several train files: train\.csv, train"),
        (["train.csv", "test.csv", "test.txt"], "several test files"),
        (["test.csv"], r"has test\.csv but no train file"),
        (["_delta_log/0.json", "a.parquet"], "is a Delta Lake table, .* export it as Parquet"),
        (["metadata/v1.metadata.json", "data/a.parquet"], "is an Apache Iceberg table"),
    ],
)
def test_rejects_an_ambiguous_folder(tmp_path, present, message):
    with pytest.raises(DataError, match=message):
        find_files([make(tmp_path, *present)])


def test_reads_keys_from_folder_names(tmp_path):
    make(tmp_path, "day=2025-03-01/kind=a%2Fb/x.csv", "day=__HIVE_DEFAULT_PARTITION__/x.csv")
    first, second = find_files([tmp_path]).train
    assert first.keys == (("day", "2025-03-01"), ("kind", "a/b"))
    assert second.keys == (("day", None),)


def test_skips_empty_parts(tmp_path):
    make(tmp_path, "part-0.csv", "part-1.csv")
    (tmp_path / "part-1.csv").write_text("")
    assert names(find_files([tmp_path]).train) == ["part-0.csv"]


def test_keeps_the_order_of_several_paths(tmp_path):
    make(tmp_path, "b.csv", "a.csv", "more/c.csv", "more/d.csv")
    files = find_files([tmp_path / "b.csv", tmp_path / "more", tmp_path / "a.csv"])
    assert files.name == "b+2"
    assert names(files.train) == ["b.csv", "c.csv", "d.csv", "a.csv"]


def test_rejects_a_split_folder_and_a_repeated_file_among_several_paths(tmp_path):
    make(tmp_path, "a.csv", "split/train.csv", "split/test.csv")
    with pytest.raises(DataError, match="has train and test files, so it is a data set of its own"):
        find_files([tmp_path / "a.csv", tmp_path / "split"])
    with pytest.raises(DataError, match="a file is named twice"):
        find_files([tmp_path / "a.csv", tmp_path / "a.csv"])


def test_names_a_data_set_by_its_file_without_suffixes(tmp_path):
    make(tmp_path, "shop.train.csv")
    files = find_files([tmp_path / "shop.train.csv"])
    assert (files.name, files.test) == ("shop", ())


def test_rejects_a_path_that_does_not_exist(tmp_path):
    with pytest.raises(DataError, match="no such file or folder"):
        find_files([tmp_path / "none"])


def test_rejects_a_device_or_pipe():
    with pytest.raises(DataError, match="neither a regular file nor a folder"):
        find_files([Path("/dev/null")])
