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


def test_train_and_test_share_one_vocabulary_in_order_of_appearance(tmp_path):
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


def test_ids_of_the_test_split_only_have_no_pairs_in_train(tmp_path):
    dataset = load_dataset(write(tmp_path, train_txt="a x\n", test_txt="c z\n"), LINES)
    assert dataset.train.user_degrees.tolist() == [1, 0]
    assert dataset.train.item_degrees.tolist() == [1, 0]


def test_drops_and_counts_test_pairs_that_are_also_in_train(tmp_path):
    dataset = load_dataset(write(tmp_path, train_txt="a x y\n", test_txt="a y z x\n"), LINES)
    assert pairs(dataset.test) == {("a", "z")}
    assert dataset.report.test_pairs_in_train == 2
    assert dataset.report.duplicates_collapsed == 0


def test_keeps_the_earliest_of_repeated_pairs_and_counts_the_others(tmp_path):
    content = "user,item,time\na,x,5\na,x,3\na,y,1\na,x,4\n"
    dataset = load_dataset(write(tmp_path, a_csv=content) / "a.csv", ReadOptions(split=Split.NONE))
    assert dataset.train.times.tolist() == [3.0, 1.0]
    assert (dataset.report.rows_read, dataset.report.duplicates_collapsed) == (4, 2)


def test_merges_repeated_pairs_of_a_test_file(tmp_path):
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
def test_a_test_file_without_new_pairs_gives_no_test_split(tmp_path, name, train, test):
    options = LINES if name == "txt" else ReadOptions()
    folder = write(tmp_path, **{f"train_{name}": train, f"test_{name}": test})
    dataset = load_dataset(folder, options)
    assert dataset.test is None
    assert dataset.report.split is Split.GIVEN


def test_rejects_an_empty_test_file(tmp_path):
    with pytest.raises(DataError, match=r"test\.txt: is empty"):
        load_dataset(write(tmp_path, train_txt="a x\n", test_txt="\n"), LINES)


def test_keeps_and_counts_users_without_items(tmp_path):
    dataset = load_dataset(write(tmp_path, train_txt="a x\nb\n", test_txt="b x\nc\n"), LINES)
    assert dataset.train.user_ids == ["a", "b", "c"]
    assert dataset.report.users_without_items == 2


def test_a_validation_file_joins_train(tmp_path):
    files = {"train_txt": "a x\n", "valid_txt": "a y\n", "test_txt": "a z\n"}
    dataset = load_dataset(write(tmp_path, **files), LINES)
    assert pairs(dataset.train) == {("a", "x"), ("a", "y")}
    assert dataset.report.files == ("train.txt", "valid.txt", "test.txt")


IN_ORDER = replace(LINES, lines_in_order=True)


def test_lines_in_order_give_ages(tmp_path):
    """A user may have several lines and take an item again."""
    folder = write(tmp_path, a_txt="a x y x\nb y z\na w\n")
    train = load_dataset(folder, replace(IN_ORDER, split=Split.NONE)).train
    ages = {
        (train.user_ids[u], train.item_ids[i]): age
        for u, i, age in zip(train.users, train.items, train.ages.tolist(), strict=True)
    }
    assert ages == {("a", "w"): 0, ("a", "x"): 1, ("a", "y"): 2, ("b", "z"): 0, ("b", "y"): 1}
    assert load_dataset(folder, replace(LINES, split=Split.NONE)).train.ages is None


def test_the_lines_of_a_later_file_are_later(tmp_path):
    files = {"train_csv": "user,item\na,x\na,y\n", "valid_csv": "user,item\na,x\n"}
    folder = write(tmp_path, **files, test_csv="user,item\na,z\n")
    options = ReadOptions(lines_in_order=True)
    assert load_dataset(folder, options).train.ages.tolist() == [0, 1]
    everything = load_dataset(folder, replace(options, split=Split.NONE)).train
    assert everything.ages.tolist() == [1, 2, 0]


@pytest.mark.parametrize("data", ["sample", "a.csv"])
def test_rejects_lines_in_order_with_times(tmp_path, data):
    path = data if data == "sample" else write(tmp_path, a_csv=TIMED) / data
    with pytest.raises(DataError, match="has times"):
        load_dataset(path, ReadOptions(lines_in_order=True))


def test_a_row_without_a_time_is_a_bad_row(tmp_path):
    content = "user,item,time\na,x,1\na,y,\na,z,3\n"
    with pytest.raises(DataError, match=r"a\.csv, line 3: the time is empty"):
        load(tmp_path, content, split=Split.NONE)
    train = load(tmp_path, content, split=Split.NONE, skip_bad_rows=True).train
    assert pairs(train) == {("a", "x"), ("a", "z")}
    assert train.ages.tolist() == [1, 0]


TIMED = "user,item,time\n" + "".join(f"u{n % 3},i{n},{n}\n" for n in range(10))
UNTIMED = "user,item\n" + "".join(f"u{n % 3},i{n}\n" for n in range(10))


def load(tmp_path, content, **options):
    return load_dataset(write(tmp_path, a_csv=content) / "a.csv", ReadOptions(**options))


def test_splits_a_file_with_times_by_time(tmp_path):
    dataset = load(tmp_path, TIMED)
    assert dataset.report.split is Split.TIME
    assert sorted(dataset.test.times) == [8.0, 9.0]
    assert dataset.report.test_items_not_in_train == 2


def test_splits_a_file_without_times_at_random(tmp_path):
    dataset = load(tmp_path, UNTIMED, test_fraction=0.5)
    assert dataset.report.split is Split.RANDOM
    assert pairs(dataset.train).isdisjoint(pairs(dataset.test))
    assert len(dataset.train) + len(dataset.test) == 10
    assert (dataset.train.user_degrees >= 1).all()


def test_random_split_depends_on_the_seed(tmp_path):
    held_out = [
        pairs(load(tmp_path, UNTIMED, test_fraction=0.5, seed=seed).test) for seed in (0, 0, 1)
    ]
    assert held_out[0] == held_out[1] != held_out[2]


def test_splits_a_file_with_times_at_random_on_request(tmp_path):
    dataset = load(tmp_path, TIMED, split=Split.RANDOM, test_fraction=0.5)
    assert dataset.report.split is Split.RANDOM
    assert sorted([*dataset.train.times, *dataset.test.times]) == list(range(10))


def test_no_split_trains_on_everything(tmp_path):
    dataset = load(tmp_path, TIMED, split=Split.NONE)
    assert (len(dataset.train), dataset.test) == (10, None)


@pytest.mark.parametrize("split", [Split.NONE, Split.RANDOM])
def test_merges_train_and_test_files_for_another_split(tmp_path, split):
    folder = write(tmp_path, train_txt="a x y\nb x\n", test_txt="a z x\nc y\n")
    dataset = load_dataset(folder, replace(LINES, split=split, test_fraction=0.5))
    everything = pairs(dataset.train) | (set() if dataset.test is None else pairs(dataset.test))
    assert everything == {("a", "x"), ("a", "y"), ("b", "x"), ("a", "z"), ("c", "y")}
    assert dataset.report.duplicates_collapsed == 1
    assert dataset.report.test_pairs_in_train == 0


def test_merged_files_have_times_only_if_both_do(tmp_path):
    folder = write(tmp_path, train_csv="user,item,time\na,x,1\n", test_csv="user,item\na,y\n")
    separate = load_dataset(folder)
    assert separate.train.times.tolist() == [1.0]
    assert separate.test.times is None
    assert load_dataset(folder, ReadOptions(split=Split.NONE)).train.times is None


@pytest.mark.parametrize(
    ("split", "message"),
    [(Split.GIVEN, "a has no test file"), (Split.TIME, "needs times")],
)
def test_rejects_an_impossible_split(tmp_path, split, message):
    with pytest.raises(DataError, match=message):
        load(tmp_path, UNTIMED, split=split)


def test_accepts_a_single_user(tmp_path):
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
def test_rejects_a_file_without_interactions(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(DataError, match=message):
        load_dataset(path)


@pytest.mark.parametrize("suffix", ["inter", "parquet"])
def test_the_error_for_a_table_with_another_suffix_names_the_format_option(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    path.write_text("user_id,item_id\na,x\nb,y\n")
    with pytest.raises(DataError, match=r"pass --format.* table"):
        load_dataset(path)
    assert len(load_dataset(path, ReadOptions(format=Format.TABLE, split=Split.NONE)).train) == 2


def test_bad_rows_raise_or_are_counted_over_all_files(tmp_path):
    folder = write(tmp_path, train_csv="user,item\na,x\na\n", test_csv="user,item\n,x\nb,y\n")
    with pytest.raises(DataError, match=r"train\.csv, line 3: has 1 field"):
        load_dataset(folder)
    report = load_dataset(folder, ReadOptions(skip_bad_rows=True)).report
    assert (report.bad_rows_skipped, report.rows_read) == (2, 2)
    assert "train.csv, line 3: " in report.bad_row_examples[0]
    assert "test.csv, line 2: " in report.bad_row_examples[1]
    (warning,) = report.bad_row_warnings()
    assert warning == f"2 bad rows skipped, such as {report.bad_row_examples[0]}"


def test_the_error_for_a_bad_row_names_the_option_that_skips_it(tmp_path):
    remedy = r"line 2: the user id is empty; repair the row, or pass --skip-bad-rows to leave it"
    with pytest.raises(DataError, match=remedy):
        load(tmp_path, "user,item\n,x\nb,y\n")


def test_rejects_a_file_of_bad_rows_with_an_example(tmp_path):
    with pytest.raises(DataError, match=r"no interactions, but 2 bad rows, such as: .*line 2: "):
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
    fingerprints = {
        load_dataset(path, ReadOptions(split=Split.NONE)).train.sha256()
        for path in tmp_path.iterdir()
    }
    assert len(fingerprints) == 1


def test_loads_the_sample_by_its_name():
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
def test_skips_repeated_headers_of_concatenated_files(tmp_path, mark, line_end):
    first = f"{mark}user_id,item_id\na,x\nb,x\n".replace("\n", line_end)
    second = f'{mark}user_id,item_id\nc,"y"\n'.replace("\n", line_end)
    folder = write(tmp_path, log_csv=first + second + second)
    dataset = load_dataset(folder / "log.csv", ReadOptions(split=Split.NONE))
    assert pairs(dataset.train) == {("a", "x"), ("b", "x"), ("c", "y")}
    assert dataset.report.rows_read == 4
    assert "2 lines repeat the header and were skipped" in dataset.report.notes


def test_removes_byte_order_marks_of_concatenated_files(tmp_path):
    folder = write(tmp_path, log_csv="\ufeffuser_id,item_id\na,x\n\ufeffb,x\n")
    dataset = load_dataset(folder / "log.csv", ReadOptions(split=Split.NONE))
    assert dataset.train.user_ids == ["a", "b"]


def test_ignores_empty_files_and_empty_compressed_files(tmp_path):
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


def test_notes_a_column_that_is_in_the_file_and_in_the_folder_name(tmp_path):
    (tmp_path / "user_id=a").mkdir()
    (tmp_path / "user_id=a" / "x.csv").write_text(",user_id,item_id\n0,z,b\n")
    report = load_dataset(tmp_path, ReadOptions(split=Split.NONE)).report
    assert report.notes == ("user_id is read from the file, not from the folder user_id=...",)
    assert str(report.columns[0]).endswith("ignored: ''") or "ignored: ''" in "\n".join(
        report.lines()
    )


def test_does_not_note_a_folder_name_with_the_value_of_the_file(tmp_path):
    (tmp_path / "day=2020-09").mkdir()
    (tmp_path / "day=2020-09" / "x.csv").write_text("user_id,item_id,day\na,b,2020-09\n")
    assert load_dataset(tmp_path, ReadOptions(split=Split.NONE, use_times=False)).report.notes == ()
