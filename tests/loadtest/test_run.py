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


def test_finds_the_best_throughput_and_measures_all_rates(stub) -> None:
    progress: list[str] = []
    result = asyncio.run(load_test(Target.at(stub.url), 4, 0.1, 1000.0, progress.append))
    assert [step.offered for step in result.steps] == [share * result.best for share in SHARES]
    assert result.best > 0
    assert result.connections in (1, 2, 4, 8, 16, 32, 64, 128)
    assert result.search_share is not None
    assert result.search_share > 0
    assert result.rejected == 0
    assert len(progress) >= len(SHARES) + 3
    assert {request["k"] for request in stub.requests} == {4}


def test_raises_if_all_requests_are_rejected(stub) -> None:
    stub.busy_from = 0
    with pytest.raises(LoadTestError, match="has no 200 response; statuses: 503"):
        asyncio.run(load_test(Target.at(stub.url), 4, 0.05, 5.0, lambda line: None))


def test_the_command_prints_a_verdict_and_plots(stub, tmp_path: Path) -> None:
    plot = tmp_path / "knee.svg"
    arguments = ["loadtest", stub.url, "--seconds", "0.5", "--plot", str(plot), "--json"]
    finished = CliRunner().invoke(bitrecall, arguments)
    assert finished.exit_code == 0, finished.output
    result = json.loads(finished.stdout)
    assert result["url"] == stub.url
    assert "of a processor" in finished.stderr
    assert plot.read_text().lstrip().startswith("<?xml")


def test_reports_an_unusable_plot_path_before_the_test(stub) -> None:
    finished = CliRunner().invoke(bitrecall, ["loadtest", stub.url, "--plot", "knee.doc"])
    assert (finished.exit_code, stub.requests) == (2, [])
    assert "must end in .svg, .png or .pdf" in finished.stderr


@pytest.mark.parametrize("url", ["nonsense", "http://127.0.0.1:1"])
def test_reports_an_unreachable_service_in_one_line(url: str) -> None:
    finished = CliRunner().invoke(bitrecall, ["loadtest", url])
    assert finished.exit_code == 2
    assert finished.stderr.startswith("error: ")
    assert finished.stderr.count("\n") == 1
