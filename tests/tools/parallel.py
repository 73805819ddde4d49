"""How tests are spread over processes: ``pytest -n auto``."""

import os

import pytest

# Tests wait for servers and for files, so two cores are kept busy by three processes; the quick
# ones do not. With more than sixteen, memory is the limit.
_MIN_WORKERS, _MIN_QUICK_WORKERS, _MAX_WORKERS = 3, 2, 16

# Markers of tests that have to run in one process: Milvus has fixed ports.
_ONE_PROCESS = ("milvus",)


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """The number of processes for ``-n auto``."""
    least = _MIN_QUICK_WORKERS if config.getoption("quick") else _MIN_WORKERS
    return min(max(least, os.cpu_count() or 1), _MAX_WORKERS)


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
