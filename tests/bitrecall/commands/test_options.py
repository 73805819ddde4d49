import pytest
from click.testing import CliRunner

from bitrecall.cli import bitrecall


@pytest.mark.parametrize(
    "arguments",
    [
        ("popular", "--releases", ""),
        ("train", "", "--releases", "releases"),
        ("data", "describe", ""),
    ],
)
def test_rejects_an_empty_path(arguments):
    done = CliRunner().invoke(bitrecall, arguments)
    assert done.exit_code == 2
    assert "the path is empty; the current folder is '.'" in done.output
