"""``bitrecall.benchmark``: compare codes with float recommenders on a click log."""

from __future__ import annotations

import logging
import math
import warnings
from collections.abc import Mapping
from os import PathLike
from typing import TYPE_CHECKING, Any

from bitrecall.arguments import check_count, check_flag, check_number, check_text
from bitrecall.errors import ArgumentError
from bitrecall.extras import extra_needed
from bitrecall.keyword_messages import as_keywords, errors_as_keywords
from bitrecall.model.fitting import DataWarning
from bitrecall.model.model import Model
from bitrecall.model.reading import Events, ReadKeywords
from bitrecall.model.recipe_keywords import read_recipe

if TYPE_CHECKING:
    from typing import Unpack

    from bitrecall.results import Comparison

__all__ = ["benchmark"]

_log = logging.getLogger(__name__)


def benchmark(
    events: Events,
    test: Events | None = None,
    *,
    model: Model | None = None,
    recipe: str | PathLike[str] = "default",
    overrides: Mapping[str, Any] | None = None,
    comparison_minutes: float | None = None,
    allow_implausible: bool = False,
    device: str = "cpu",
    threads: int | None = None,
    progress: bool | None = None,
    **reading: Unpack[ReadKeywords],
) -> Comparison:
    """Compare codes with popularity, item kNN, RP3beta, EASE and ALS on the same interactions.

    Works as ``bitrecall benchmark``: codes are trained on the training split, in a temporary
    folder. Each of the others is tuned on the validation interactions of the training, fitted on
    the training split, and measured on the test split, as the codes are.

    Args:
        events: the interactions, as for ``fit``.
        test: the test split, in any of these forms; ``events`` is then the training split.
            Interactions that ``events`` has too are left out. By default the test split is that of
            ``fit``.
        model: compare the codes of this model instead of training; it must have been trained on
            the same training split.
        recipe: as for ``fit``. It also defines the validation interactions.
        overrides: as for ``fit``.
        comparison_minutes: time for the comparison, without the training of the codes, which has
            ``minutes`` in ``overrides``. If it is short, settings or recommenders are left out, as
            the result describes; None tries every setting.
        allow_implausible: as for ``fit``.
        device: as for ``fit``.
        threads: as for ``fit``.
        progress: as for ``fit``.
        **reading: how to read ``events`` and ``test``, as for ``fit``.

    Returns:
        The comparison: prints as a table, converts to a data frame, and can be plotted.

    Raises:
        MissingExtraError: the extra ``train`` is not installed.
        ArgumentError: an argument is invalid.
        DataError: the interactions cannot be used.
        EvaluationError: no interactions are held out, users have too few to tune on, or ``model``
            was trained on others.
        RecipeError: the recipe cannot be used.
        TrainingError: the training cannot start.
    """
    with extra_needed("bitrecall.benchmark", "train"), errors_as_keywords():
        from bitrecall.training.runtime.openmp import wait_briefly

        wait_briefly()
        import torch

        from bitrecall.model.reading import read_dataset, read_options, read_with_test
        from bitrecall.training.comparison.benchmark import benchmark_dataset
        from bitrecall.training.data.plausibility import check_plausible
        from bitrecall.training.data.similar_ids import id_warnings
        from bitrecall.training.runtime.allocator import keep_freed_memory

        keep_freed_memory()
        if model is not None and not isinstance(model, Model):
            raise ArgumentError(
                f"model has to be a Model from fit or load, not {type(model).__name__}", "model"
            )
        device = check_text(device, "device", "cpu")
        allow_implausible = check_flag(allow_implausible, "allow_implausible")
        seconds = math.inf
        if comparison_minutes is not None:
            seconds = 60 * check_number(comparison_minutes, "comparison_minutes", 0)
        training_recipe = read_recipe(recipe, overrides)
        if threads is not None:
            torch.set_num_threads(check_count(threads, "threads"))
        if test is None:
            dataset = read_dataset(events, read_options(reading))
        else:
            dataset = read_with_test(events, test, reading)
        for line in dataset.report.lines():
            if not line.startswith("warning: "):
                _log.info("%s", as_keywords(line))
        data_warnings = [
            *dataset.report.warnings,
            *dataset.report.bad_row_warnings(),
            *id_warnings(dataset),
            *check_plausible(dataset, allow_implausible),
        ]
        for text in data_warnings:
            warnings.warn(as_keywords(text), DataWarning, stacklevel=2)
        return benchmark_dataset(
            dataset,
            training_recipe,
            None if model is None else model._release,
            device=device,
            seconds=seconds,
            progress=progress,
        )
