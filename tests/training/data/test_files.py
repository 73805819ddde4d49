import pytest

from training.data.files import find_files
from training.errors import DataError


def make(tmp_path, *names):
    for name in names:
        (tmp_path / name).write_text("a x\n")
    return tmp_path


@pytest.mark.parametrize(
    ("present", "train", "test"),
    [
        (["train.txt", "test.txt"], ["train.txt"], "test.txt"),
        (["train.csv"], ["train.csv"], None),
        (["Train.CSV", "TEST.csv"], ["Train.CSV"], "TEST.csv"),
        (["train.txt", "valid.txt", "test.txt"], ["train.txt", "valid.txt"], "test.txt"),
        (
            ["ml.train.inter", "ml.valid.inter", "ml.test.inter", "ml.item"],
            ["ml.train.inter", "ml.valid.inter"],
            "ml.test.inter",
        ),
        (["train.txt", "test.csv", "item_list.txt", "README.md"], ["train.txt"], "test.csv"),
        (["ml-100k.inter", "ml-100k.item", "ml-100k.user", "notes.txt"], ["ml-100k.inter"], None),
        (["events.parquet", "README.md", ".hidden.csv"], ["events.parquet"], None),
    ],
)
def test_a_folder_has_a_train_file_or_a_single_one(tmp_path, present, train, test):
    files = find_files(make(tmp_path, *present))
    assert files.name == tmp_path.name
    assert [path.name for path in files.train] == train
    assert (None if files.test is None else files.test.name) == test


@pytest.mark.parametrize(
    ("present", "message"),
    [
        ([], r"needs a file train\.\*, or a single file .* it has none"),
        (["README.md"], "it has none"),
        (["a.csv", "b.csv"], r"it has a\.csv, b\.csv"),
        (["train.csv", "train.txt"], r"several train files: train\.csv, train\.txt"),
        (["train.csv", "test.csv", "test.txt"], "several test files"),
        (["test.csv"], r"has test\.csv and no train file"),
    ],
)
def test_a_folder_that_is_unclear_is_an_error_that_lists_its_files(tmp_path, present, message):
    with pytest.raises(DataError, match=message):
        find_files(make(tmp_path, *present))


def test_a_file_is_named_without_its_suffixes(tmp_path):
    make(tmp_path, "shop.train.csv")
    files = find_files(tmp_path / "shop.train.csv")
    assert (files.name, files.test) == ("shop", None)


def test_what_is_not_there_is_an_error(tmp_path):
    with pytest.raises(DataError, match="there is no such file or folder"):
        find_files(tmp_path / "none")
