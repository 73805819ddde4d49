"""Which parts of a plan are meant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from bitrecall.reproduction.plan import Part, Plan
from bitrecall.training.errors import StudyError


@dataclass(frozen=True)
class PlannedRun:
    """One part at one seed."""

    part: Part
    seed: int

    @property
    def name(self) -> str:
        """For messages."""
        return f"{self.part.name}, seed {self.seed}"


def select_runs(
    plan: Plan, patterns: Sequence[str] = (), seeds: Sequence[int] = ()
) -> list[PlannedRun]:
    """The runs of the parts that any pattern means, in the order of the plan.

    Args:
        plan: what there is.
        patterns: each the name of a part, the beginning of one up to a slash, or a glob (``*``
            also crosses slashes); none means every part.
        seeds: instead of those of the plan.

    Raises:
        StudyError: a pattern means nothing; the message lists names that are near it.
    """
    wanted = {name for pattern in patterns for name in _names(plan, pattern)}
    return [
        PlannedRun(part, seed)
        for part in plan.parts
        if part.name in wanted or not patterns
        for seed in dict.fromkeys(seeds or part.seeds)
    ]


def _names(plan: Plan, pattern: str) -> list[str]:
    names = [part.name for part in plan.parts]
    beginning = pattern.rstrip("/") + "/"
    found = [
        name for name in names if f"{name}/".startswith(beginning) or fnmatchcase(name, pattern)
    ]
    if not found:
        raise StudyError(
            f"no part of the plan is called {pattern!r}; {_suggestion(names, pattern)}"
        )
    return found


def _suggestion(names: Sequence[str], pattern: str) -> str:
    places = dict.fromkeys(
        str(place)
        for name in names
        for place in (PurePosixPath(name), *PurePosixPath(name).parents)
        if place.name
    )
    near = get_close_matches(pattern, places, n=4)
    return f"near it: {', '.join(near)}" if near else "--list shows what there is"
