"""How tests are spread over processes: ``pytest -n auto``."""

import os
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

# Tests wait for servers and for files, so two cores are kept busy by three processes; the quick
# ones do not. With more than sixteen, memory is the limit.
_MIN_WORKERS, _MIN_QUICK_WORKERS, _MAX_WORKERS = 3, 2, 16

# A thread of OpenMP that waits for another spins by default. With more threads than cores, it keeps
# the core from the thread that it waits for: beside two busy processes, a training that takes 6 s
# took 54 s. Read when torch and FAISS are loaded, here, in xdist's workers and in their children.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """The number of processes for ``-n auto``."""
    least = _MIN_QUICK_WORKERS if config.getoption("quick") else _MIN_WORKERS
    return min(max(least, os.cpu_count() or 1), _MAX_WORKERS)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Spread tests one by one, but keep the files that name a group in one process.

    ``--dist loadgroup`` of pytest-xdist 3.8 does nothing with pytest 9.2: it sets ``_nodeid`` of a
    test, which is no longer read.
    """
    from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

    if config.option.dist != "load":
        return None

    class ByGroup(LoadScopeScheduling):  # type: ignore[misc]
        """Tests are spread by the groups of their files."""

        def _split_scope(self, nodeid: str) -> str:
            return _group_of(config.rootpath / nodeid.partition("::")[0]) or nodeid

    return ByGroup(config, log)


@cache
def _group_of(path: Path) -> str | None:
    """The group that a file names for its tests: ``pytest.mark.xdist_group("milvus")``."""
    found = re.search(r'pytest\.mark\.xdist_group\("(\w+)"\)', path.read_text("utf-8"))
    return None if found is None else found[1]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with the tests that take long."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: item.get_closest_marker("slow") is None)
