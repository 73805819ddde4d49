import bz2
import gzip
import lzma
from dataclasses import replace

import polars as pl
import pytest

from bitrecall.training.data.load import load_dataset
from bitrecall.training.data.read_options import Format, ReadOptions, Split
from bitrecall.training.errors import DataError

pytestmark = pytest.mark.slow

LINES = ReadOptions(format=Format.LIGHTGCN)


def write(tmp_path, **files):
    for name, content in files.items():
        path = tmp_path / name.replace("_", ".")
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return tmp_path


def pairs(part):
    return {
        (part.user_ids[user], part.item_ids[item])
        for user, item in zip(part.users, part.items, strict=True)
    }


def test_the_given_split_shares_one_vocabulary_in_order_of_appearance(tmp_path):
    dataset = load_dataset(
        write(tmp_path, train_txt="b y\na x y\n", test_txt="c x\na z\nb w x\n"), LINES
    )
    assert dataset.train.user_ids == ["b", "a", "c"]
    assert dataset.train.item_ids == ["y", "x", "z", "w"]
    assert dataset.test.user_ids is dataset.train.user_ids
    assert dataset.test.item_ids is dataset.train.item_ids
    assert pairs(dataset.train) == {("b", "y"), ("a", "x"), ("a", "y")}
    assert pairs(dataset.test) == {("c", "x"), ("a", "z"), ("b", "w"), ("b", "x")}
    assert dataset.name == tmp_path.name
    report = dataset.report
    assert (report.split, report.files) == (Split.GIVEN, ("train.txt", "test.txt"))
    assert report.test_users_not_in_train == 1
    assert report.test_items_not_in_train == 2
    assert report.rows_read == 7


def test_what_only_test_has_is_in_train_without_a_pair(tmp_path):
    dataset = load_dataset(write(tmp_path, train_txt="a x\n", test_txt="c z\n"), LINES)
    assert dataset.train.user_degrees.tolist() == [1, 0]
    assert dataset.train.item_degrees.tolist() == [1, 0]


def test_test_pairs_that_train_has_are_dropped_and_counted(tmp_path):
    dataset = load_dataset(write(tmp_path, train_txt="a x y\n", test_txt="a y z x\n"), LINES)
    assert pairs(dataset.test) == {("a", "z")}
    assert dataset.report.test_pairs_in_train == 2
    assert dataset.report.duplicates_collapsed == 0


def test_duplicates_collapse_to_the_earliest_time_and_are_counted(tmp_path):
    content = "user,item,time\na,x,5\na,x,3\na,y,1\na,x,4\n"
    dataset = load_dataset(write(tmp_path, a_csv=content) / "a.csv", ReadOptions(split=Split.NONE))
    assert dataset.train.times.tolist() == [3.0, 1.0]
    assert (dataset.report.rows_read, dataset.report.duplicates_collapsed) == (4, 2)


def test_duplicates_of_a_test_file_collapse_too(tmp_path):
    dataset = load_dataset(write(tmp_path, train_txt="a x x\n", test_txt="a y y z\n"), LINES)
    assert len(dataset.test) == 2
    assert dataset.report.duplicates_collapsed == 2


@pytest.mark.parametrize(
    ("name", "train", "test"),
    [
        ("txt", "a x\n", "a\n"),
        ("txt", "a x\n", "a x\n"),
        ("csv", "user,item\na,x\n", "user,item\n"),
    ],
)
def test_a_test_file_without_a_pair_of_its_own_means_no_test_split(tmp_path, name, train, test):
    options = LINES if name == "txt" else ReadOptions()
    folder = write(tmp_path, **{f"train_{name}": train, f"test_{name}": test})
    dataset = load_dataset(folder, options)
    assert dataset.test is None
    assert dataset.report.split is Split.GIVEN


def test_a_test_file_without_a_line_is_an_error(tmp_path):
    with pytest.raises(DataError, match=r"test\.txt: is empty"):
        load_dataset(write(tmp_path, train_txt="a x\n", test_txt="\n"), LINES)


def test_users_without_items_are_counted_and_kept(tmp_path):
    dataset = load_dataset(write(tmp_path, train_txt="a x\nb\n", test_txt="b x\nc\n"), LINES)
    assert dataset.train.user_ids == ["a", "b", "c"]
    assert dataset.report.users_without_items == 2


def test_a_validation_file_joins_train(tmp_path):
    files = {"train_txt": "a x\n", "valid_txt": "a y\n", "test_txt": "a z\n"}
    dataset = load_dataset(write(tmp_path, **files), LINES)
    assert pairs(dataset.train) == {("a", "x"), ("a", "y")}
    assert dataset.report.files == ("train.txt", "valid.txt", "test.txt")


TIMED = "user,item,time\n" + "".join(f"u{n % 3},i{n},{n}\n" for n in range(10))
UNTIMED = "user,item\n" + "".join(f"u{n % 3},i{n}\n" for n in range(10))


def load(tmp_path, content, **options):
    return load_dataset(write(tmp_path, a_csv=content) / "a.csv", ReadOptions(**options))


def test_a_single_file_is_split_by_time_where_there_are_times(tmp_path):
    dataset = load(tmp_path, TIMED)
    assert dataset.report.split is Split.TIME
    assert sorted(dataset.test.times) == [8.0, 9.0]
    assert dataset.report.test_items_not_in_train == 2


def test_a_single_file_is_split_at_random_where_there_are_none(tmp_path):
    dataset = load(tmp_path, UNTIMED, test_fraction=0.5)
    assert dataset.report.split is Split.RANDOM
    assert pairs(dataset.train).isdisjoint(pairs(dataset.test))
    assert len(dataset.train) + len(dataset.test) == 10
    assert (dataset.train.user_degrees >= 1).all()


def test_the_seed_of_the_random_split_counts(tmp_path):
    held_out = [
        pairs(load(tmp_path, UNTIMED, test_fraction=0.5, seed=seed).test) for seed in (0, 0, 1)
    ]
    assert held_out[0] == held_out[1] != held_out[2]


def test_a_random_split_can_be_asked_for_where_there_are_times(tmp_path):
    dataset = load(tmp_path, TIMED, split=Split.RANDOM, test_fraction=0.5)
    assert dataset.report.split is Split.RANDOM
    assert sorted([*dataset.train.times, *dataset.test.times]) == list(range(10))


def test_no_split_trains_on_everything(tmp_path):
    dataset = load(tmp_path, TIMED, split=Split.NONE)
    assert (len(dataset.train), dataset.test) == (10, None)


@pytest.mark.parametrize("split", [Split.NONE, Split.RANDOM])
def test_a_given_split_is_pooled_for_another(tmp_path, split):
    folder = write(tmp_path, train_txt="a x y\nb x\n", test_txt="a z x\nc y\n")
    dataset = load_dataset(folder, replace(LINES, split=split, test_fraction=0.5))
    everything = pairs(dataset.train) | (set() if dataset.test is None else pairs(dataset.test))
    assert everything == {("a", "x"), ("a", "y"), ("b", "x"), ("a", "z"), ("c", "y")}
    assert dataset.report.duplicates_collapsed == 1
    assert dataset.report.test_pairs_in_train == 0


def test_pooled_times_stay_only_where_both_files_have_them(tmp_path):
    folder = write(tmp_path, train_csv="user,item,time\na,x,1\n", test_csv="user,item\na,y\n")
    given = load_dataset(folder)
    assert given.train.times.tolist() == [1.0]
    assert given.test.times is None
    assert load_dataset(folder, ReadOptions(split=Split.NONE)).train.times is None


@pytest.mark.parametrize(
    ("split", "message"),
    [(Split.GIVEN, "a has no test file"), (Split.TIME, "needs times")],
)
def test_a_split_that_cannot_be_is_an_error(tmp_path, split, message):
    with pytest.raises(DataError, match=message):
        load(tmp_path, UNTIMED, split=split)


def test_a_single_user_is_fine(tmp_path):
    dataset = load(tmp_path, "user,item\na,x\na,y\na,z\n", test_fraction=0.4)
    assert dataset.train.user_ids == ["a"]
    assert len(dataset.train) + len(dataset.test) == 3


def test_a_single_pair_is_trained_on(tmp_path):
    for content in ("user,item\na,x\n", "user,item,time\na,x,1\n"):
        dataset = load(tmp_path, content)
        assert (len(dataset.train), dataset.test) == (1, None)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "", r"a\.csv: is empty"),
        ("a.csv", "user,item\n", r"a\.csv: has no interactions$"),
        ("a.inter", "user_id:token\titem_id:token\n", "has no interactions$"),
        ("a.txt", "", "is empty"),
        ("a.txt", "1,2\n3,4\n", r"has no header: line 1 is data .* --columns user_id,item_id"),
    ],
)
def test_a_file_without_interactions_is_an_error(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(DataError, match=message):
        load_dataset(path)


def test_bad_rows_raise_or_are_counted_over_all_files(tmp_path):
    folder = write(tmp_path, train_csv="user,item\na,x\na\n", test_csv="user,item\n,x\nb,y\n")
    with pytest.raises(DataError, match=r"train\.csv, line 3: has 1 field"):
        load_dataset(folder)
    report = load_dataset(folder, ReadOptions(skip_bad_rows=True)).report
    assert (report.bad_rows_skipped, report.rows_read) == (2, 2)
    assert "train.csv, line 3: " in report.bad_row_examples[0]
    assert "test.csv, line 2: " in report.bad_row_examples[1]


def test_a_file_of_bad_rows_alone_is_an_error_that_shows_one(tmp_path):
    with pytest.raises(DataError, match=r"no interactions, and 2 bad rows, such as: .*line 2: "):
        load(tmp_path, "user,item\na\nb\n", skip_bad_rows=True)


def test_the_same_interactions_have_the_same_fingerprint_in_every_format(tmp_path):
    rows = [("007", "a b", 5), ("7", "é,x", 6), ("007", "é,x", 7)]
    (tmp_path / "a.csv").write_text(
        "user,item,time\n" + "".join(f'{u},"{i}",{t}\n' for u, i, t in reversed(rows))
    )
    (tmp_path / "a.tsv").write_text(
        "time\titem\tuser\n" + "".join(f"{t}\t{i}\t{u}\n" for u, i, t in rows)
    )
    (tmp_path / "a.inter").write_text(
        "user_id:token\titem_id:token\ttimestamp:float\n"
        + "".join(f"{u}\t{i}\t{t}.0\n" for u, i, t in rows)
    )
    pl.DataFrame(rows, schema=["user", "item", "time"], orient="row").write_parquet(
        tmp_path / "a.parquet"
    )
    found = {
        load_dataset(path, ReadOptions(split=Split.NONE)).train.sha256()
        for path in tmp_path.iterdir()
    }
    assert len(found) == 1


def test_the_name_sample_means_the_embedded_one():
    dataset = load_dataset("sample")
    assert (dataset.name, dataset.report.split) == ("sample", Split.GIVEN)
    by_time = load_dataset("sample", ReadOptions(split=Split.TIME))
    assert by_time.train.times.max() <= by_time.test.times.min()
    assert len(by_time.train) + len(by_time.test) == len(dataset.train) + len(dataset.test)


def test_a_test_file_is_in_the_format_of_its_train_file(tmp_path):
    dataset = load_dataset(write(tmp_path, train_txt="0 1 2\n1 3\n", test_txt="0 4 5\n1 4 5\n"))
    assert pairs(dataset.test) == {("0", "4"), ("0", "5"), ("1", "4"), ("1", "5")}


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_headers_of_joined_files_are_no_rows(tmp_path, mark, line_end):
    one = f"{mark}user_id,item_id\na,x\nb,x\n".replace("\n", line_end)
    other = f'{mark}user_id,item_id\nc,"y"\n'.replace("\n", line_end)
    folder = write(tmp_path, log_csv=one + other + other)
    dataset = load_dataset(folder / "log.csv", ReadOptions(split=Split.NONE))
    assert pairs(dataset.train) == {("a", "x"), ("b", "x"), ("c", "y")}
    assert dataset.report.rows_read == 4
    assert "2 lines repeat the header and were skipped" in dataset.report.notes


def test_byte_order_marks_of_joined_files_are_not_part_of_ids(tmp_path):
    folder = write(tmp_path, log_csv="\ufeffuser_id,item_id\na,x\n\ufeffb,x\n")
    dataset = load_dataset(folder / "log.csv", ReadOptions(split=Split.NONE))
    assert dataset.train.user_ids == ["a", "b"]


def test_parts_without_content_are_left_out_when_compressed_too(tmp_path):
    parts = {
        "a.csv": b"user_id,item_id\na,x\n",
        "b.csv.gz": gzip.compress(b""),
        "c.csv.bz2": bz2.compress(b""),
        "d.csv.xz": lzma.compress(b"\n"),
        "e.csv": b"\n \n",
    }
    for name, content in parts.items():
        (tmp_path / name).write_bytes(content)
    dataset = load_dataset(tmp_path, ReadOptions(split=Split.NONE))
    assert dataset.report.files == ("a.csv",)


def test_what_a_folder_and_its_file_both_name_is_told_of(tmp_path):
    (tmp_path / "user_id=a").mkdir()
    (tmp_path / "user_id=a" / "x.csv").write_text(",user_id,item_id\n0,z,b\n")
    report = load_dataset(tmp_path, ReadOptions(split=Split.NONE)).report
    assert report.notes == ("user_id is read from the file, not from the folder user_id=...",)
    assert str(report.columns[0]).endswith("ignored: ''") or "ignored: ''" in "\n".join(
        report.lines()
    )


def test_a_folder_that_repeats_its_file_is_nothing_to_tell(tmp_path):
    (tmp_path / "day=2020-09").mkdir()
    (tmp_path / "day=2020-09" / "x.csv").write_text("user_id,item_id,day\na,b,2020-09\n")
    assert load_dataset(tmp_path, ReadOptions(split=Split.NONE, use_times=False)).report.notes == ()
