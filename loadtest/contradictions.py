"""Contradicting measurements, which show that the machine was busy with something else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from bitrecall.loadtest.knee import Step, is_sustained

# How far two measurements of the same quantity may differ on an idle machine.
_RATES_DIFFER: Final = 1.25
_TIMES_DIFFER: Final = 1.5


def contradictions(
    trials: Mapping[int, float], best: float, steps: Sequence[Step], slow: float
) -> list[str]:
    """Find measurements that contradict each other on an idle machine.

    Args:
        trials: responses per second with 200 by number of connections, from the search for the
            best number.
        best: responses per second with 200 at the best number, measured afterwards.
        steps: in order of the offered rate.
        slow: maximum p99 as a multiple of the lightest step's, see ``knee.knee``.

    Returns:
        One sentence per contradiction; empty if measurements agree.
    """
    sentences = []
    highest = max(trials.values(), default=0.0)
    if highest > best * _RATES_DIFFER:
        sentences.append(
            f"{highest:,.0f} responses/s while the number of connections was chosen, and then at "
            f"best {best:,.0f}"
        )
    elif best > highest * _RATES_DIFFER and trials:
        sentences.append(
            f"at most {highest:,.0f} responses/s while the number of connections was chosen, and "
            f"then {best:,.0f}"
        )
    lightest, fastest = steps[0], min(steps, key=lambda step: step.p99)
    if lightest.p99 > fastest.p99 * _TIMES_DIFFER:
        sentences.append(
            f"p99 {lightest.p99 * 1e3:.2f} ms at {lightest.offered:,.0f} requests/s, and "
            f"{fastest.p99 * 1e3:.2f} ms at {fastest.offered:,.0f}"
        )
    sustained = [is_sustained(step, lightest, slow) for step in steps]
    if False in sustained and True in sustained[sustained.index(False) :]:
        failed_at = sustained.index(False)
        later = steps[sustained.index(True, failed_at)]
        sentences.append(
            f"{steps[failed_at].offered:,.0f} requests/s were not sustained, and "
            f"{later.offered:,.0f} were"
        )
    elif sustained[-1] and steps[-1].good > best:
        sentences.append(
            f"{steps[-1].good:,.0f} requests/s were sustained, more than the best throughput "
            f"of {best:,.0f}"
        )
    return sentences
