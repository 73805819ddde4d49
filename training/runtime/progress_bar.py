"""Progress bars, in a terminal and in a notebook."""

from __future__ import annotations

import sys
import warnings
from typing import Any

from tqdm import TqdmWarning, tqdm

__all__ = ["is_shown", "progress_bar"]


def is_shown(progress: bool | None) -> bool:
    """Whether bars are shown; None shows them if stderr is a terminal, and in a notebook."""
    if progress is not None:
        return progress
    return sys.stderr.isatty() or _in_notebook()


def progress_bar(
    *, total: int, desc: str, unit: str, progress: bool | None, **options: Any
) -> tqdm[Any]:
    """A bar of tqdm: a widget in a notebook that has ipywidgets, text elsewhere.

    Args:
        total: number of steps.
        desc: shown before the bar.
        unit: of a step, with a space in front.
        progress: as ``is_shown``.
        **options: as tqdm takes them.
    """
    kind: type[tqdm[Any]] = tqdm
    if _in_notebook():
        with warnings.catch_warnings():
            # That there are no widgets is no news to who has not installed them.
            warnings.simplefilter("ignore", TqdmWarning)
            from tqdm.auto import tqdm as automatic
        kind = automatic
    return kind(total=total, desc=desc, unit=unit, disable=not is_shown(progress), **options)


def _in_notebook() -> bool:
    """Whether IPython runs as the kernel of a notebook, and not in a terminal."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell is not None and "IPKernelApp" in shell.config
