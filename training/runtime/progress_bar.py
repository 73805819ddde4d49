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
    """Create a tqdm bar: a widget in a notebook with ipywidgets, otherwise text.

    Args:
        total: number of steps.
        desc: text before the bar.
        unit: unit of a step, with a leading space.
        progress: whether to show the bar, as in ``is_shown``.
        **options: more arguments of tqdm.
    """
    kind: type[tqdm[Any]] = tqdm
    if _in_notebook():
        with warnings.catch_warnings():
            # tqdm warns if ipywidgets is not installed; the text bar is fine.
            warnings.simplefilter("ignore", TqdmWarning)
            from tqdm.auto import tqdm as automatic
        kind = automatic
    return kind(total=total, desc=desc, unit=unit, disable=not is_shown(progress), **options)


def _in_notebook() -> bool:
    """Whether IPython runs as a notebook kernel, not in a terminal."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell is not None and "IPKernelApp" in shell.config
