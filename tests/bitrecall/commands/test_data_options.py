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
def reading(data, read_options, seed):
    calls.append((data, read_options, seed))


def received(*arguments, **environment):
    result = CliRunner().invoke(reading, ["set", *arguments], env=environment)
    assert result.exit_code == 0, result.output
    return calls.pop()


def test_without_options_reading_is_as_it_is_by_default():
    data, options, seed = received()
    assert [str(path) for path in data] == ["set"]
    assert options == ReadOptions()
    assert seed == 17


def test_every_option_arrives():
    arguments = (
        "--format table --columns u,i,t --user-column u --item-column i --time-column t "
        "--time-unit ms --delimiter ; --split random --test-fraction 0.1 --split-seed 5 "
        "--skip-bad-rows --use-times"
    )
    _, options, seed = received(*arguments.split())
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


def test_a_tab_can_be_typed():
    assert received("--delimiter", r"\t")[1].delimiter == "\t"


def test_times_can_be_ignored():
    assert received("--ignore-times")[1].use_times is False


def test_options_come_from_the_environment_too():
    _, options, _ = received(READING_SPLIT="time", READING_SKIP_BAD_ROWS="1")
    assert options.split is Split.TIME
    assert options.skip_bad_rows is True


@pytest.mark.parametrize(
    "arguments",
    [["--split", "by-moon"], ["--test-fraction", "1"], ["--split-seed", "-1"], ["--format", ""]],
)
def test_values_that_make_no_sense_are_usage_errors(arguments):
    result = CliRunner().invoke(reading, ["set", *arguments])
    assert result.exit_code == 2
    assert "Invalid value" in result.stderr
