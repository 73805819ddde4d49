import json

from click.testing import CliRunner

from bitrecall.cli import bitrecall


def describe(*arguments):
    return CliRunner().invoke(bitrecall, ["data", "describe", *arguments])


def test_describes_the_counts_as_text_and_json(tmp_path):
    (tmp_path / "train.txt").write_text("0 1 2 3\n1 2\n")
    (tmp_path / "test.txt").write_text("0 4\n")
    result = describe(str(tmp_path))
    assert result.exit_code == 0
    assert "users" in result.output
    as_json = json.loads(describe(str(tmp_path), "--json").stdout)
    assert as_json["train"]["pairs"] == 4
    assert as_json["test"]["pairs"] == 1


def test_names_the_path_that_cannot_be_read(tmp_path):
    result = describe(str(tmp_path / "missing"))
    assert result.exit_code == 2
    assert result.stderr.startswith("error: ")
    assert "missing" in result.stderr
