"""Measurements that contradict each other: the machine was busy with something else meanwhile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from bitrecall.loadtest.knee import Step, is_sustained

# How far two measurements of the same may lie apart on an idle machine.
_RATES_DIFFER: Final = 1.25
_TIMES_DIFFER: Final = 1.5


def contradictions(
    trials: Mapping[int, float], best: float, steps: Sequence[Step], slow: float
) -> list[str]:
    """Find what cannot be true of one service on one idle machine.

    Args:
        trials: good answers a second by number of connections, from the search for the best number.
        best: good answers a second with the best number, measured afterwards.
        steps: by the rates offered, lightest first.
        slow: how many times the lightest p99 is borne, see ``bitrecall.loadtest.knee.knee``.

    Returns:
        A sentence for each contradiction; empty for measurements that agree.
    """
    found = []
    most = max(trials.values(), default=0.0)
    if most > best * _RATES_DIFFER:
        found.append(
            f"{most:,.0f} answers/s while the number of connections was chosen, and then at best "
            f"{best:,.0f}"
        )
    elif best > most * _RATES_DIFFER and trials:
        found.append(
            f"at most {most:,.0f} answers/s while the number of connections was chosen, and then "
            f"{best:,.0f}"
        )
    lightest, fastest = steps[0], min(steps, key=lambda step: step.p99)
    if lightest.p99 > fastest.p99 * _TIMES_DIFFER:
        found.append(
            f"p99 {lightest.p99 * 1e3:.2f} ms at {lightest.offered:,.0f} requests/s, and "
            f"{fastest.p99 * 1e3:.2f} ms at {fastest.offered:,.0f}"
        )
    well = [is_sustained(step, lightest, slow) for step in steps]
    if False in well and True in well[well.index(False) :]:
        bad = well.index(False)
        later = steps[well.index(True, bad)]
        found.append(
            f"{steps[bad].offered:,.0f} requests/s were not answered well, and "
            f"{later.offered:,.0f} were"
        )
    elif well[-1] and steps[-1].good > best:
        found.append(
            f"{steps[-1].good:,.0f} requests/s were answered well, more than the best throughput "
            f"of {best:,.0f}"
        )
    return found
