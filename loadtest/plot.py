"""The picture of a load test: throughput against how long answers take."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from bitrecall.loadtest.run import LoadTestResult


def draw(found: LoadTestResult, path: Path) -> None:
    """Write the plot, in the format of the path's suffix; OSError where that fails."""
    figure = Figure(figsize=(7, 4.2), layout="constrained")
    axes = figure.add_subplot()
    offered = [step.offered for step in found.steps]
    for name, colour in (("p99", "#b3261e"), ("p50", "#1f5f99")):
        times = [1e3 * getattr(step, name) for step in found.steps]
        finite = [one if np.isfinite(one) else np.nan for one in times]
        axes.plot(offered, finite, marker="o", color=colour, label=name)
    axes.axvline(found.best, color="#777777", linestyle=":", label="best throughput")
    if found.knee is not None:
        axes.axvline(found.knee.offered, color="#2e7d32", linestyle="--", label="knee")
    axes.set(
        xlabel="requests a second, at random moments",
        ylabel="ms from when it was due to its answer",
        yscale="log",
        title=f"{found.url}, k = {found.k}",
    )
    axes.grid(alpha=0.3, which="both")
    axes.legend()
    figure.savefig(path)
