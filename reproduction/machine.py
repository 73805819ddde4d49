"""The processor, the cores and the code version of a run, without host or user names."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from pathlib import Path
from typing import Any

from bitrecall import __version__


def machine() -> dict[str, Any]:
    """Return the processor's model, the usable cores, and the configured number of threads."""
    threads = os.environ.get("OMP_NUM_THREADS", "")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "cpu": _processor(),
        "cores": cores,
        "threads": int(threads) if threads.isdecimal() else cores,
    }


def code_version() -> str:
    """Return the package's version and, in a git checkout, the commit."""
    released = __version__
    git, here = shutil.which("git"), Path(__file__)
    if git is None or not _run(git, here.parent, "ls-files", here.name):
        return released
    commit = _run(git, here.parent, "describe", "--always", "--dirty", "--exclude=*")
    return f"{released}+g{commit.replace('-', '.')}" if commit else released


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        lines = []
    for line in lines:
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.processor() or platform.machine()


def _run(git: str, folder: Path, *arguments: str) -> str:
    done = subprocess.run(  # noqa: S603 - git, with arguments of our own
        [git, "-C", str(folder), *arguments], capture_output=True, text=True, check=False
    )
    return done.stdout.strip() if done.returncode == 0 else ""
