"""``pytest --quick``: the tests that need no server, no browser and no training."""

import re
from pathlib import Path

import pytest

_EXCLUDED = ("chromium", "clients", "milvus", "nginx", "postgres", "slow")
_MARKED_FILE = re.compile(rf"^pytestmark = .*pytest\.mark\.({'|'.join(_EXCLUDED)})\b", re.MULTILINE)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option."""
    parser.addoption(
        "--quick",
        action="store_true",
        help=f"exclude tests marked {', '.join(_EXCLUDED[:-1])} or {_EXCLUDED[-1]}",
    )


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Do not import a file whose tests are all excluded: most of these files import torch."""
    if config.getoption("quick") and collection_path.name.startswith("test_"):
        return _MARKED_FILE.search(collection_path.read_text("utf-8")) is not None or None
    return None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the marked tests."""
    if not config.getoption("quick"):
        return
    excluded = [item for item in items if any(map(item.get_closest_marker, _EXCLUDED))]
    config.hook.pytest_deselected(items=excluded)
    items[:] = [item for item in items if not any(map(item.get_closest_marker, _EXCLUDED))]
