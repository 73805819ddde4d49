import json

from click.testing import CliRunner

from bitrecall.cli import bitrecall


def describe(*arguments):
    return CliRunner().invoke(bitrecall, ["data", "describe", *arguments])


def test_describe_prints_the_counts(tmp_path):
    (tmp_path / "train.txt").write_text("0 1 2 3\n1 2\n")
    (tmp_path / "test.txt").write_text("0 4\n")
    result = describe(str(tmp_path))
    assert result.exit_code == 0
    assert "users" in result.output
    as_json = json.loads(describe(str(tmp_path), "--json").stdout)
    assert as_json["train"]["pairs"] == 4
    assert as_json["test"]["pairs"] == 1


def test_what_cannot_be_read_is_an_error_with_its_place(tmp_path):
    result = describe(str(tmp_path / "none"))
    assert result.exit_code == 2
    assert result.stderr.startswith("error: ")
    assert "none" in result.stderr
