"""Memory that a training needs, compared with what is available before it starts."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from bitrecall.training.errors import TrainingError
from bitrecall.training.recipe.recipe import Recipe
from bitrecall.training.teacher.learned.item_models import MAX_EASE_ITEMS

_MIB: Final = 2**20
# Python, torch and their libraries, and scoring a block of users for the teacher.
_BASE_MIB: Final = 1024
# The learned teacher's similarities, candidates and ranker.
_CANDIDATES_BYTES: Final = 1536 * _MIB
# A parameter, its gradient and Adam's two moments in float32, plus allocator overhead.
_BYTES_PER_VALUE: Final = 16 * 1.3
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
    """Estimate the peak memory of a training, in MiB.

    Measured: Gowalla at 256 bits (29,858 users, 40,981 items) takes 1,426 MiB with the filter as
    teacher.
    """
    values = (users + items) * recipe.bits * _BYTES_PER_VALUE
    lists = users * recipe.teacher.length * 16
    teacher = 0.0
    if recipe.method == "bitrecall" and recipe.teacher.kind == "learned":
        teacher = _CANDIDATES_BYTES
        if items <= MAX_EASE_ITEMS:
            teacher += 2 * 4 * items**2
    return round(_BASE_MIB + (values + lists + teacher) / _MIB)


def free_mib() -> int | None:
    """Return the available memory in MiB, within the container's limit; None if unknown."""
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
    maximum = (group / limit).read_text("ascii").strip()
    if maximum == "max":
        return []
    lines = (line.split() for line in (group / "memory.stat").read_text("ascii").splitlines())
    reclaimable = sum(int(size) for name, size in lines if name in cache)
    return [int(maximum) - int((group / used).read_text("ascii")) + reclaimable]


def check_memory(users: int, items: int, recipe: Recipe, budget_mib: int | None) -> None:
    """Refuse a training that needs more memory than is available.

    Args:
        users: number of users.
        items: number of items.
        recipe: the recipe of the training.
        budget_mib: the limit in MiB; None takes the available memory.

    Raises:
        TrainingError: the training needs more.
    """
    needed = needed_mib(users, items, recipe)
    available = free_mib() if budget_mib is None else budget_mib
    if available is not None and needed > available:
        whose = "are free" if budget_mib is None else "are allowed"
        raise TrainingError(
            f"training {users:,} users and {items:,} items at {recipe.bits} bits needs about "
            f"{needed:,} MiB, and {available:,} MiB {whose}: free or allow more, or use fewer bits"
        )
