"""The plot of a load test: latency against throughput."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from bitrecall.loadtest.run import LoadTestResult


def draw(result: LoadTestResult, path: Path) -> None:
    """Write the plot in the format of the path's suffix.

    Raises:
        OSError: the file cannot be written.
    """
    figure = Figure(figsize=(7, 4.2), layout="constrained")
    axes = figure.add_subplot()
    offered = [step.offered for step in result.steps]
    for name, colour in (("p99", "#b3261e"), ("p50", "#1f5f99")):
        times = [1e3 * getattr(step, name) for step in result.steps]
        finite = [time if np.isfinite(time) else np.nan for time in times]
        axes.plot(offered, finite, marker="o", color=colour, label=name)
    axes.axvline(result.best, color="#777777", linestyle=":", label="best throughput")
    if result.knee is not None:
        axes.axvline(result.knee.offered, color="#2e7d32", linestyle="--", label="knee")
    axes.set(
        xlabel="offered requests per second (Poisson arrivals)",
        ylabel="latency in ms from the scheduled send time",
        yscale="log",
        title=f"{result.url}, k = {result.k}",
    )
    axes.grid(alpha=0.3, which="both")
    axes.legend()
    figure.savefig(path)
