"""Limits how long the idle OpenMP threads of torch spin."""

from __future__ import annotations

import os
from collections.abc import MutableMapping

# Iterations of an empty loop: tens of microseconds, about the time of Python between operators.
_SPIN_COUNT = "2000"


def wait_briefly(environment: MutableMapping[str, str] | None = None) -> None:
    """Make idle OpenMP threads spin briefly before they sleep.

    A training runs many short operators. By default, GNU's OpenMP spins for milliseconds, which
    slows down other processes on the same cores, and the training most of all. Threads that sleep
    at once (the policy PASSIVE) wake up so late that a training on an idle machine takes twice as
    long. A short spin costs nothing on an idle machine, and a third on a shared one
    (``benchmarks/training/openmp_spin.py``; results in docs/performance.md).

    Call it before torch is imported, which reads the setting. Settings of the user are kept.

    Args:
        environment: environment variables to change; None changes those of this process.
    """
    environment = os.environ if environment is None else environment
    if "OMP_WAIT_POLICY" not in environment:
        environment.setdefault("GOMP_SPINCOUNT", _SPIN_COUNT)
