"""Summary of a load test in sentences: the sustained rate, and what limits it."""

from __future__ import annotations

from typing import Final

from bitrecall.loadtest.run import LoadTestResult

# Share of one processor from which the load generator itself is the limit.
_CLIENT_FULL: Final = 0.9
_MACHINE_FULL: Final = 0.9
_MOSTLY_SEARCH: Final = 0.5


def verdict(result: LoadTestResult) -> list[str]:
    """Return the sentences; contradictions between the measurements come first."""
    sentences = [_sustained(result), _limit(result)]
    if result.contradictions:
        sentences.insert(0, _unreliable(result.contradictions))
    return sentences


def _unreliable(contradictions: list[str]) -> str:
    return (
        f"the measurements contradict each other ({'; '.join(contradictions)}): this machine, the "
        "service's or the network was busy with something else for part of the test, so do not "
        "rely on what follows. Run it again while they are idle, with more --seconds for each rate"
    )


def _sustained(result: LoadTestResult) -> str:
    if result.knee is None:
        return (
            f"the knee is below {result.steps[0].offered:,.0f} requests/s: not even this rate was "
            "sustained"
        )
    step = result.knee
    if step is result.steps[-1]:
        return (
            f"{step.offered:,.0f} requests/s, the highest rate tested, were sustained: p99 "
            f"{step.p99 * 1e3:.2f} ms; the measured best throughput is too low"
        )
    return (
        f"the knee is at {step.good:,.0f} responses/s: p99 {step.p99 * 1e3:.2f} ms, against "
        f"{result.steps[0].p99 * 1e3:.2f} ms at the lightest load; the best throughput is "
        f"{result.best:,.0f} responses/s"
    )


def _limit(result: LoadTestResult) -> str:
    if result.client_share > _CLIENT_FULL:
        return (
            f"the limit is this load generator ({result.client_share:.0%} of a processor); the "
            "service can do more. Run several at once, or from another machine"
        )
    here = ""
    if result.machine_share is not None and result.machine_share > _MACHINE_FULL:
        here = (
            f" This machine's processors were {result.machine_share:.0%} busy: if the service runs "
            "here too, the two compete"
        )
    if result.search_share is None:
        return f"the limit is unknown, because the service's /metrics cannot be read.{here}"
    if result.search_share > _MOSTLY_SEARCH:
        return (
            f"searches took {result.search_share:.0%} of a processor: the catalogue is the limit. "
            f"An approximate index or more workers increase throughput.{here}"
        )
    return (
        f"searches took {result.search_share:.0%} of a processor; the rest is parsing, encoding "
        f"and the network. More workers increase throughput, up to the number of processors.{here}"
    )
