"""What a load test comes to, in sentences: how much is borne, and what stops it there."""

from __future__ import annotations

from typing import Final

from bitrecall.loadtest.run import LoadTestResult

# Of one processor, what this program uses when it is itself at its limit.
_CLIENT_FULL: Final = 0.9
_MACHINE_FULL: Final = 0.9
_MOSTLY_SEARCH: Final = 0.5


def verdict(found: LoadTestResult) -> list[str]:
    """Return the sentences; contradictions between the measurements come first."""
    said = [_borne(found), _limit(found)]
    if found.contradictions:
        said.insert(0, _unreliable(found.contradictions))
    return said


def _unreliable(contradictions: list[str]) -> str:
    return (
        f"the measurements contradict each other ({'; '.join(contradictions)}): this machine, the "
        "service's or the network was busy with something else for part of the test, so do not "
        "rely on what follows. Run it again while they are idle, with more --seconds for each rate"
    )


def _borne(found: LoadTestResult) -> str:
    if found.knee is None:
        return (
            f"the knee lies below {found.steps[0].offered:,.0f} requests/s: not even these were "
            "answered well"
        )
    step = found.knee
    if step is found.steps[-1]:
        return (
            f"{step.offered:,.0f} requests/s, the most that was tried, were answered well: p99 "
            f"{step.p99 * 1e3:.2f} ms; the best throughput was measured too low"
        )
    return (
        f"the knee is at {step.good:,.0f} answers/s: p99 {step.p99 * 1e3:.2f} ms, where the "
        f"lightest load has {found.steps[0].p99 * 1e3:.2f} ms; at best it gives "
        f"{found.best:,.0f} answers/s"
    )


def _limit(found: LoadTestResult) -> str:
    if found.client_share > _CLIENT_FULL:
        return (
            f"what stopped it was this program ({found.client_share:.0%} of a processor): the "
            "service bears more. Run it several times at once, or from another machine"
        )
    here = ""
    if found.machine_share is not None and found.machine_share > _MACHINE_FULL:
        here = (
            f" This machine's processors were {found.machine_share:.0%} busy: if the service runs "
            "here too, the two compete"
        )
    if found.search_share is None:
        return f"the service does not tell what limits it (its /metrics cannot be read).{here}"
    if found.search_share > _MOSTLY_SEARCH:
        return (
            f"searches took {found.search_share:.0%} of a processor: the catalogue is what costs. "
            f"An approximate index, or more workers, give more.{here}"
        )
    return (
        f"searches took {found.search_share:.0%} of a processor; the rest is parsing, encoding and "
        f"the network. More workers give more, as long as there are processors for them.{here}"
    )
