"""``pytest --quick``: the tests that need no server, no browser and no training."""

import re
from pathlib import Path

import pytest

_LEFT_OUT = ("chromium", "clients", "milvus", "nginx", "postgres", "slow")
_MARKED_FILE = re.compile(rf"^pytestmark = .*pytest\.mark\.({'|'.join(_LEFT_OUT)})\b", re.MULTILINE)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option."""
    parser.addoption(
        "--quick",
        action="store_true",
        help=f"leave out tests marked {', '.join(_LEFT_OUT[:-1])} or {_LEFT_OUT[-1]}",
    )


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Do not even import a file whose tests are all left out: most of them import torch."""
    if config.getoption("quick") and collection_path.name.startswith("test_"):
        return _MARKED_FILE.search(collection_path.read_text("utf-8")) is not None or None
    return None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the marked tests."""
    if not config.getoption("quick"):
        return
    left_out = [item for item in items if any(map(item.get_closest_marker, _LEFT_OUT))]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if not any(map(item.get_closest_marker, _LEFT_OUT))]
