"""A description of the machine, and measurements of its memory and arithmetic."""

import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import faiss
import numpy as np

# Bytes: the codes of Gowalla's catalogue, which fit in a cache, and an array that does not.
SMALL, LARGE = 40_981 * 32, 256 * 2**20


def describe() -> dict[str, Any]:
    """Return the CPU, the memory and the relevant versions."""
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "faiss_simd": faiss.SIMDConfig.get_level_name(),
        "python": platform.python_version(),
        "faiss": version("faiss-cpu"),
        "numpy": np.__version__,
    }


def seconds(function: Callable[[], object], budget: float = 0.5) -> list[float]:
    """Return the durations of repeated runs.

    After one warm-up, runs as often as the budget of seconds allows, and at least 5 times. If the
    warm-up takes longer than the budget, returns only its duration.
    """
    started = time.perf_counter()
    function()
    first = time.perf_counter() - started
    if first > budget:
        return [first]
    took: list[float] = []
    until = time.perf_counter() + budget
    while len(took) < 5 or (time.perf_counter() < until and len(took) < 20_000):
        started = time.perf_counter()
        function()
        took.append(time.perf_counter() - started)
    return took


def quantile(took: list[float], share: float) -> float:
    """Return a quantile of the durations; .5 is the median."""
    return sorted(took)[min(len(took) - 1, int(share * len(took)))]


def roof(codes: np.ndarray, query: np.ndarray) -> dict[str, float]:
    """Return seconds of passes over codes of 32 bytes on one thread, medians: limits for a scan.

    ``copy`` copies the codes; ``read`` computes their exclusive or; ``popcount`` counts their bits;
    ``distances`` is FAISS's loop over the distances to one query, which stores all of them and
    searches for nothing. The fastest of them is the roof.
    """
    words = codes.view(np.uint64)
    target = np.empty_like(words)
    counts = np.empty(words.shape, np.uint8)
    distances = np.empty(len(codes), np.int32)
    passes: dict[str, Callable[[], object]] = {
        "copy": lambda: np.copyto(target, words),
        "read": lambda: np.bitwise_xor.reduce(words.ravel()),
        "popcount": lambda: np.bitwise_count(words, out=counts),
        "distances": lambda: faiss.hammings(
            faiss.swig_ptr(query),
            faiss.swig_ptr(codes),
            1,
            len(codes),
            codes.shape[1],
            faiss.swig_ptr(distances),
        ),
    }
    faiss.omp_set_num_threads(1)
    medians = {name: statistics.median(seconds(act)) for name, act in passes.items()}
    return {**medians, "roof": min(medians.values())}


def bandwidth(size: int) -> float:
    """Return the GB/s that a copy on one thread reads, and writes as well."""
    source = np.random.default_rng(0).integers(0, 256, size, dtype=np.uint8)
    target = np.empty_like(source)
    return size / statistics.median(seconds(lambda: np.copyto(target, source))) / 1e9


def save(path: Path | None, document: dict[str, Any]) -> None:
    """Write the measurements as JSON."""
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(document, indent=1) + "\n", "utf-8")


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()


if __name__ == "__main__":
    codes = np.random.default_rng(0).integers(0, 256, (SMALL // 32, 32), dtype=np.uint8)
    print(json.dumps(describe(), indent=1))
    for name, took in roof(codes, codes[:1].copy()).items():
        print(f"{name:>10}: {took * 1e6:7.1f} µs, {codes.nbytes / took / 1e9:6.1f} GB/s")
    print(f"copy of {LARGE >> 20} MiB: {bandwidth(LARGE):.1f} GB/s read, and the same written")
