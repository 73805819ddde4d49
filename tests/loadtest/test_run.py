import asyncio
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from bitrecall.cli import bitrecall
from bitrecall.loadtest.errors import LoadTestError
from bitrecall.loadtest.run import SHARES, load_test
from bitrecall.loadtest.target import Target

pytestmark = pytest.mark.slow


def test_a_load_test_finds_the_best_and_goes_through_all_rates(stub) -> None:
    said: list[str] = []
    found = asyncio.run(load_test(Target.at(stub.url), 4, 0.1, 1000.0, said.append))
    assert [step.offered for step in found.steps] == [share * found.best for share in SHARES]
    assert found.best > 0
    assert found.connections in (1, 2, 4, 8, 16, 32, 64, 128)
    assert found.search_share is not None
    assert found.search_share > 0
    assert found.rejected == 0
    assert len(said) >= len(SHARES) + 3
    assert {one["k"] for one in stub.asked} == {4}


def test_a_service_that_turns_all_away_cannot_be_tested(stub) -> None:
    stub.busy_from = 0
    with pytest.raises(LoadTestError, match="has no 200 response; statuses: 503"):
        asyncio.run(load_test(Target.at(stub.url), 4, 0.05, 5.0, lambda line: None))


def test_the_command_prints_a_verdict_and_draws(stub, tmp_path: Path) -> None:
    plot = tmp_path / "knee.svg"
    arguments = ["loadtest", stub.url, "--seconds", "0.5", "--plot", str(plot), "--json"]
    done = CliRunner().invoke(bitrecall, arguments)
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["url"] == stub.url
    assert "of a processor" in done.stderr
    assert plot.read_text().lstrip().startswith("<?xml")


def test_a_plot_that_cannot_be_drawn_is_told_before_the_test(stub) -> None:
    done = CliRunner().invoke(bitrecall, ["loadtest", stub.url, "--plot", "knee.doc"])
    assert (done.exit_code, stub.asked) == (2, [])
    assert "ends in none of .svg, .png, .pdf" in done.stderr


@pytest.mark.parametrize("url", ["nonsense", "http://127.0.0.1:1"])
def test_a_service_that_cannot_be_asked_is_an_error_in_a_line(url: str) -> None:
    done = CliRunner().invoke(bitrecall, ["loadtest", url])
    assert done.exit_code == 2
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
