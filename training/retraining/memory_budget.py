"""What a training may take: memory is looked at before, time while it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from bitrecall.training.errors import TrainingError
from bitrecall.training.recipe.recipe import Recipe

_MIB: Final = 2**20
# Python, torch and their libraries, and what scoring a block of users for the teacher takes.
_BASE_MIB: Final = 1024
# A parameter, its gradient and Adam's two moments, float32, and what allocators leave unused.
_BYTES_A_VALUE: Final = 16 * 1.3
# Version 2 and version 1: the folder, the limit, what is used, and the page cache within it, which
# the kernel gives back before it enforces the limit.
_CGROUPS: Final = (
    ("/sys/fs/cgroup", "memory.max", "memory.current", ("inactive_file", "active_file")),
    (
        *("/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes"),
        ("total_inactive_file", "total_active_file"),
    ),
)


def needed_mib(users: int, items: int, recipe: Recipe) -> int:
    """About what a training holds at its most, in MiB.

    Gowalla at 256 bits (29,858 users, 40,981 items) was measured to take 1,426 MiB.
    """
    values = (users + items) * recipe.bits * _BYTES_A_VALUE
    lists = users * recipe.teacher.length * 16
    return round(_BASE_MIB + (values + lists) / _MIB)


def free_mib() -> int | None:
    """Memory that can be had, in MiB, the limit of a container counted; None where unknown."""
    free = []
    try:
        lines = Path("/proc/meminfo").read_text("ascii").splitlines()
        free += [int(one.split()[1]) * 1024 for one in lines if one.startswith("MemAvailable:")]
        for folder, limit, used, cache in _CGROUPS:
            group = Path(folder)
            if (group / limit).exists():
                free += _free_in(group, limit, used, cache)
    except (OSError, ValueError):
        return None
    return min(free) // _MIB if free else None


def _free_in(group: Path, limit: str, used: str, cache: tuple[str, str]) -> list[int]:
    most = (group / limit).read_text("ascii").strip()
    if most == "max":
        return []
    lines = (line.split() for line in (group / "memory.stat").read_text("ascii").splitlines())
    given_back = sum(int(size) for name, size in lines if name in cache)
    return [int(most) - int((group / used).read_text("ascii")) + given_back]


def check_memory(users: int, items: int, recipe: Recipe, budget_mib: int | None) -> None:
    """Refuse a training that needs more memory than it may have.

    Args:
        users: that are trained on.
        items: that are trained on.
        recipe: as it is trained.
        budget_mib: what it may have; None takes what is free.

    Raises:
        TrainingError: it needs more.
    """
    needed = needed_mib(users, items, recipe)
    most = free_mib() if budget_mib is None else budget_mib
    if most is not None and needed > most:
        whose = "are free" if budget_mib is None else "are allowed"
        raise TrainingError(
            f"training {users:,} users and {items:,} items at {recipe.bits} bits needs about "
            f"{needed:,} MiB, and {most:,} MiB {whose}: give it more, or take fewer bits"
        )
