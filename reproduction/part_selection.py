"""Selecting parts of a plan by name."""

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
    """A part with one seed."""

    part: Part
    seed: int

    @property
    def name(self) -> str:
        """Return the name for messages."""
        return f"{self.part.name}, seed {self.seed}"


def select_runs(
    plan: Plan, patterns: Sequence[str] = (), seeds: Sequence[int] = ()
) -> list[PlannedRun]:
    """Return the runs of the parts that match any pattern, in the order of the plan.

    Args:
        plan: the plan.
        patterns: each the name of a part, the beginning of one up to a slash, or a glob (``*``
            also matches slashes); empty for every part.
        seeds: seeds to run instead of those of the plan.

    Raises:
        StudyError: a pattern matches nothing; the message suggests similar names.
    """
    selected = {name for pattern in patterns for name in _names(plan, pattern)}
    return [
        PlannedRun(part, seed)
        for part in plan.parts
        if part.name in selected or not patterns
        for seed in dict.fromkeys(seeds or part.seeds)
    ]


def _names(plan: Plan, pattern: str) -> list[str]:
    names = [part.name for part in plan.parts]
    beginning = pattern.rstrip("/") + "/"
    matches = [
        name for name in names if f"{name}/".startswith(beginning) or fnmatchcase(name, pattern)
    ]
    if not matches:
        raise StudyError(f"no part of the plan matches {pattern!r}; {_suggestion(names, pattern)}")
    return matches


def _suggestion(names: Sequence[str], pattern: str) -> str:
    places = dict.fromkeys(
        str(place)
        for name in names
        for place in (PurePosixPath(name), *PurePosixPath(name).parents)
        if place.name
    )
    near = get_close_matches(pattern, places, n=4)
    return f"did you mean: {', '.join(near)}" if near else "--list shows all parts"
