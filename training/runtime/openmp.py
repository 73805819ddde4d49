"""How the threads of torch's operators wait for each other."""

from __future__ import annotations

import os
from collections.abc import MutableMapping

# In turns of an empty loop: some tens of microseconds, about what Python takes between operators.
_TURNS = "2000"


def wait_briefly(environment: MutableMapping[str, str] | None = None) -> None:
    """Have threads that wait for their next operator spin a little, and then sleep.

    A training is many short operators one after another. GNU's OpenMP spins for milliseconds
    by default, which on cores that others use as well holds them up, and the training most of all.
    Threads that sleep at once (the policy PASSIVE) are woken so late that a training by itself
    takes twice as long as it could. In between it loses nothing by itself, and a third beside
    others (`benchmarks/training/openmp_spin.py`; docs/performance.md has what it prints).

    It is read when torch is loaded, so it has to be called before. What the user has set stays.

    Args:
        environment: where to say so; None is this process's own.
    """
    environment = os.environ if environment is None else environment
    if "OMP_WAIT_POLICY" not in environment:
        environment.setdefault("GOMP_SPINCOUNT", _TURNS)
