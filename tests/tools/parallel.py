"""How tests are spread over processes: ``pytest -n auto``."""

import os

import pytest

# Tests wait for servers and for files: two cores run three processes at once. More than sixteen
# take more memory than time.
_MIN_WORKERS, _MAX_WORKERS = 3, 16

# Markers of tests that have to run in one process: Milvus has fixed ports.
_ONE_PROCESS = ("milvus",)


def pytest_xdist_auto_num_workers() -> int:
    """The number of processes for ``-n auto``."""
    return min(max(_MIN_WORKERS, os.cpu_count() or 1), _MAX_WORKERS)


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Spread tests by their groups, unless another way is asked for."""
    if config.getoption("numprocesses", None) and config.option.dist in ("no", "load"):
        config.option.dist = "loadgroup"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Group the tests that share a server, and begin with those that take long."""
    for item in items:
        for marker in _ONE_PROCESS:
            if item.get_closest_marker(marker):
                item.add_marker(pytest.mark.xdist_group(marker))
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: item.get_closest_marker("slow") is None)
