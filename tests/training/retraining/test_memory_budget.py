"""The memory limit of a training, inside and outside a container."""

from pathlib import Path

import pytest

from bitrecall.training.recipe.recipe import Recipe
from bitrecall.training.recipe.teacher_section import TeacherRecipe
from bitrecall.training.retraining import memory_budget as budget

GIB = 2**30
V2 = ("memory.max", "memory.current", ("inactive_file", "active_file"))
V1 = (
    *("memory.limit_in_bytes", "memory.usage_in_bytes"),
    ("total_inactive_file", "total_active_file"),
)


@pytest.mark.parametrize("names", [V2, V1], ids=["version 2", "version 1"])
def test_page_cache_is_free(
    names: tuple[str, str, tuple[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit, used, cache = names
    monkeypatch.setattr(budget, "_CGROUPS", ((str(tmp_path), *names),))
    (tmp_path / limit).write_text(f"{GIB}\n")
    (tmp_path / used).write_text(f"{GIB - 2**20}\n")
    stat = tmp_path / "memory.stat"
    stat.write_text("anon 1\nshmem 99\n")
    assert budget.free_mib() == 1
    # Most of the used memory is page cache.
    stat.write_text(f"anon 1\n{cache[0]} {300 * 2**20}\n{cache[1]} {200 * 2**20}\nshmem 99\n")
    assert budget.free_mib() == 501


def test_a_container_without_a_limit_has_the_memory_of_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budget, "_CGROUPS", ((str(tmp_path), *V2),))
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "memory.current").write_text("1\n")
    assert budget.free_mib() == pytest.approx(available_mib(), rel=0.5)


def available_mib() -> int:
    lines = Path("/proc/meminfo").read_text("ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable:")) // 1024


def test_the_learned_teacher_needs_more_for_its_similarities() -> None:
    learned, closed = (Recipe(teacher=TeacherRecipe(kind=kind)) for kind in ("learned", "filter"))
    small, large = 12_000, 200_000
    more = budget.needed_mib(1000, small, learned) - budget.needed_mib(1000, small, closed)
    assert more > 2 * 4 * small**2 / 2**20
    # EASE is left out for a large catalogue.
    assert budget.needed_mib(1000, large, learned) - budget.needed_mib(1000, large, closed) < more
