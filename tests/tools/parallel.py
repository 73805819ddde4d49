"""Distribution of tests over processes: ``pytest -n auto``."""

import os
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

# Tests wait for servers and files, so three processes are needed to use two cores; quick tests do
# not wait. With more than sixteen processes, memory is the limit.
_MIN_WORKERS, _MIN_QUICK_WORKERS, _MAX_WORKERS = 3, 2, 16

# By default, an OpenMP thread that waits for another one spins. With more threads than cores, it
# takes the core from the thread that it waits for: with two busy processes, a training of 6 s took
# 54 s. torch and FAISS read this when they are loaded: here, in xdist's workers, in their children.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Return the number of processes for ``-n auto``."""
    minimum = _MIN_QUICK_WORKERS if config.getoption("quick") else _MIN_WORKERS
    return min(max(minimum, os.cpu_count() or 1), _MAX_WORKERS)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Distribute single tests, but run the files of a group in one process.

    ``--dist loadgroup`` of pytest-xdist 3.8 has no effect with pytest 9.2: it sets ``_nodeid`` of
    a test, which pytest no longer reads.
    """
    from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

    if config.option.dist != "load":
        return None

    class ByGroup(LoadScopeScheduling):  # type: ignore[misc]
        """Distributes tests by the groups of their files."""

        def _split_scope(self, nodeid: str) -> str:
            return _group_of(config.rootpath / nodeid.partition("::")[0]) or nodeid

    return ByGroup(config, log)


@cache
def _group_of(path: Path) -> str | None:
    """Return the group of a file's tests, as in ``pytest.mark.xdist_group("milvus")``."""
    match = re.search(r'pytest\.mark\.xdist_group\("(\w+)"\)', path.read_text("utf-8"))
    return None if match is None else match[1]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Run slow tests first."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: item.get_closest_marker("slow") is None)
