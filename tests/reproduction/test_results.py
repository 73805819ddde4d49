import json
import threading

import pytest

from bitrecall.reproduction.results import find_rows, read_results, record
from bitrecall.training.errors import StudyError


def parts(folder):
    return [(row["part"], row["seed"]) for row in read_results(folder)]


def test_the_order_of_rows_does_not_depend_on_the_order_of_recording(row, tmp_path):
    a, b, c, d = (
        row("gowalla/bitrecall/64"),
        row("gowalla/bitrecall/256"),
        row("gowalla/bitrecall/256", seed=1),
        row("yelp2018/bgch/256"),
    )
    record(tmp_path / "one", [d, b])
    record(tmp_path / "one", [c])
    record(tmp_path / "one", [a])
    record(tmp_path / "two", [a, c, b, d])
    assert parts(tmp_path / "one") == [(r["part"], r["seed"]) for r in (a, b, c, d)]
    first, second = ((tmp_path / name / "results.json").read_bytes() for name in ("one", "two"))
    assert first == second
    assert len(first.splitlines()) == 6


def test_a_run_replaces_all_of_its_earlier_rows(row, tmp_path):
    ties = [row("gowalla/study/ties/trained", variant=name) for name in ("popularity", "none")]
    record(tmp_path, [*ties, row("gowalla/bgch/256", recall=0.1)])
    record(tmp_path, [row("gowalla/study/ties/trained", variant="other")])
    rows = read_results(tmp_path)
    assert [row["variant"] for row in find_rows(rows, "gowalla/study/ties/trained", 0)] == ["other"]
    assert len(rows) == 2


def test_variants_of_a_run_keep_their_order(row, tmp_path):
    record(tmp_path, [row("gowalla/study/ties/t", variant=name) for name in ("z", "a")])
    assert [row["variant"] for row in read_results(tmp_path)] == ["z", "a"]


def test_concurrent_recording_loses_no_rows(row, tmp_path):
    threads = [
        threading.Thread(target=record, args=(tmp_path, [row("gowalla/bgch/256", seed=seed)]))
        for seed in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert parts(tmp_path) == [("gowalla/bgch/256", seed) for seed in range(12)]
    assert [path.name for path in tmp_path.iterdir()] == ["results.json"]


def test_a_missing_file_has_no_rows(tmp_path):
    assert read_results(tmp_path) == []


@pytest.mark.parametrize("text", ["[", "{}", '[{"part": "a/b/16"}]', '["a"]'])
def test_rejects_damaged_results_without_changing_them(row, tmp_path, text):
    (tmp_path / "results.json").write_text(text)
    with pytest.raises(StudyError, match=r"results\.json"):
        record(tmp_path, [row("gowalla/bgch/256")])
    assert (tmp_path / "results.json").read_text() == text


def test_reads_numbers_back_unchanged(row, tmp_path):
    given = row("gowalla/bgch/256", recall=0.123457)
    record(tmp_path, [given])
    assert read_results(tmp_path) == [json.loads(json.dumps(given))]
