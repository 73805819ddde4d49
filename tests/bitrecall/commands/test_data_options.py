from typing import Any

import click
import pytest
from click.testing import CliRunner

from bitrecall.commands.data_options import data_argument, data_options
from bitrecall.training.data.read_options import Format, ReadOptions, Split, TimeUnit

calls: list[Any] = []


@click.command(context_settings={"auto_envvar_prefix": "READING"})
@data_argument
@data_options
@click.option("--seed", default=17)
def read(data, read_options, seed):
    calls.append((data, read_options, seed))


def parse(*arguments, **environment):
    result = CliRunner().invoke(read, ["set", *arguments], env=environment)
    assert result.exit_code == 0, result.output
    return calls.pop()


def test_has_the_defaults_of_read_options():
    data, options, seed = parse()
    assert [str(path) for path in data] == ["set"]
    assert options == ReadOptions()
    assert seed == 17


def test_passes_every_option_to_read_options():
    arguments = (
        "--format table --columns u,i,t --user-column u --item-column i --time-column t "
        "--time-unit ms --delimiter ; --split random --test-fraction 0.1 --split-seed 5 "
        "--skip-bad-rows --use-times"
    )
    _, options, seed = parse(*arguments.split())
    assert options == ReadOptions(
        format=Format.TABLE,
        user_column="u",
        item_column="i",
        time_column="t",
        use_times=True,
        columns=("u", "i", "t"),
        time_unit=TimeUnit.MILLISECONDS,
        delimiter=";",
        split=Split.RANDOM,
        test_fraction=0.1,
        seed=5,
        skip_bad_rows=True,
    )
    assert seed == 17
    assert isinstance(options.split, Split)


def test_unescapes_the_delimiter():
    assert parse("--delimiter", r"\t")[1].delimiter == "\t"


def test_ignores_times_on_request():
    assert parse("--ignore-times")[1].use_times is False


def test_reads_options_from_the_environment():
    _, options, _ = parse(READING_SPLIT="time", READING_SKIP_BAD_ROWS="1")
    assert options.split is Split.TIME
    assert options.skip_bad_rows is True


@pytest.mark.parametrize(
    "arguments",
    [["--split", "by-moon"], ["--test-fraction", "1"], ["--split-seed", "-1"], ["--format", ""]],
)
def test_rejects_invalid_values(arguments):
    result = CliRunner().invoke(read, ["set", *arguments])
    assert result.exit_code == 2
    assert "Invalid value" in result.stderr
