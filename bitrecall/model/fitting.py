"""``bitrecall.fit``: train a model on a click log."""

from __future__ import annotations

import logging
import shutil
import warnings
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import TYPE_CHECKING, Any, TypeAlias

from bitrecall.arguments import check_count, check_flag, check_path, check_text
from bitrecall.extras import extra_needed
from bitrecall.index.releases.store import ReleaseStore
from bitrecall.keyword_messages import as_keywords, errors_as_keywords
from bitrecall.model.model import Model
from bitrecall.model.reading import Events, ReadKeywords, paths_of
from bitrecall.model.recipe_keywords import read_recipe

if TYPE_CHECKING:
    from typing import Unpack

__all__ = ["DataWarning", "fit"]

_log = logging.getLogger(__name__)

StrPath: TypeAlias = str | PathLike[str]


class DataWarning(UserWarning):
    """The interactions or the item table look wrong, but training is possible."""


def fit(
    events: Events,
    *,
    items: StrPath | object | None = None,
    recipe: StrPath = "default",
    overrides: Mapping[str, Any] | None = None,
    releases: StrPath | None = None,
    activate: bool = True,
    run: StrPath | None = None,
    tags_column: str | None = None,
    allow_implausible: bool = False,
    device: str = "cpu",
    threads: int | None = None,
    progress: bool | None = None,
    **reading: Unpack[ReadKeywords],
) -> Model:
    """Train codes on interactions and publish them as a release, as ``bitrecall train`` does.

    Args:
        events: a file or folder, or several; a database URL; ``"sample"``; or a table in memory
            with one row per interaction: a pandas or polars data frame, or any object that exports
            an Arrow C stream. User, item and time columns are detected by common names.
        items: tags and attributes of the items, for filters: a file or a table.
        recipe: a built-in recipe (``default``, ``sample``, ``gowalla``, ``yelp2018``) or the path
            of a TOML file.
        overrides: values of the recipe to change, such as ``{"bits": 128, "fit.epochs": 4}`` or
            ``{"bits": 128, "fit": {"epochs": 4}}``.
        releases: folder of the release store; None keeps the release in a temporary folder until
            the model is deleted.
        activate: make the new release the store's current one.
        run: folder of the log and the checkpoints. After an interruption, the same call resumes
            from it. None uses a temporary folder.
        tags_column: column of the tags in ``items``; the default is ``tags``.
        allow_implausible: train even if there is only one user or item, or users share no items.
        device: a torch device, such as ``cuda``.
        threads: number of training threads; None is one per core.
        progress: show progress bars; None shows them in a terminal and in a notebook.
        **reading: how to read and split ``events``. The names are those of the options of
            ``bitrecall train``: user_column, item_column, time_column, use_times, lines_in_order,
            time_unit, time_format, where, min_rating, rating_column, weight, pair_weight, split,
            test_fraction, split_seed, skip_bad_rows; for files also format, columns, delimiter and
            encoding; for a database also query.

    Returns:
        The model. It keeps the held-out interactions for ``Model.evaluate``.

    Raises:
        MissingExtraError: the extra ``train`` is not installed.
        ArgumentError: an argument has an invalid type, or ``overrides``, ``threads`` or a path is
            invalid.
        DataError: the interactions or the item table cannot be used.
        RecipeError: the recipe cannot be used.
        TrainingError: the training cannot start or continue.
        InterruptedTraining: Ctrl-C was pressed, or the process got SIGTERM.
    """
    with extra_needed("bitrecall.fit", "train"), errors_as_keywords():
        from bitrecall.training.runtime.openmp import wait_briefly

        wait_briefly()
        import torch

        from bitrecall.model.reading import read_dataset, read_items, read_options
        from bitrecall.training.data.plausibility import check_plausible
        from bitrecall.training.data.similar_ids import id_warnings
        from bitrecall.training.errors import InterruptedTraining
        from bitrecall.training.pipeline import TrainingPipeline
        from bitrecall.training.runtime.allocator import keep_freed_memory
        from bitrecall.training.training_options import TrainingOptions

        keep_freed_memory()
        store = None if releases is None else check_path(releases, "releases")
        run_folder = None if run is None else check_path(run, "run")
        device = check_text(device, "device", "cpu")
        activate = check_flag(activate, "activate")
        allow_implausible = check_flag(allow_implausible, "allow_implausible")
        training_recipe = read_recipe(recipe, overrides)
        if threads is not None:
            torch.set_num_threads(check_count(threads, "threads"))
        options = read_options(reading)
        dataset = read_dataset(events, options)
        for line in dataset.report.lines():
            if not line.startswith("warning: "):
                _log.info("%s", as_keywords(line))
        item_table = read_items(items, paths_of(events), options, tags_column)
        data_warnings = [
            *dataset.report.warnings,
            *dataset.report.bad_row_warnings(),
            *id_warnings(dataset),
            *check_plausible(dataset, allow_implausible),
        ]
        temporary = None
        if store is None:
            temporary = store = Path(mkdtemp(prefix="bitrecall-releases-"))
        try:
            with TemporaryDirectory(prefix="bitrecall-fit-") as temporary_run:
                pipeline = TrainingPipeline(
                    dataset,
                    training_recipe,
                    TrainingOptions(
                        folder=run_folder or Path(temporary_run),
                        device=device,
                        progress_bar=progress,
                        activate=activate,
                    ),
                    item_table,
                )
                for text in (*data_warnings, *pipeline.warnings):
                    warnings.warn(as_keywords(text), DataWarning, stacklevel=2)
                result = pipeline.publish(ReleaseStore(store))
        except BaseException as error:
            if temporary is not None:
                shutil.rmtree(temporary, ignore_errors=True)
            if run is None and isinstance(error, InterruptedTraining):
                reason = str(error).partition(";")[0]
                raise InterruptedTraining(
                    f"{reason}; its checkpoint was deleted: pass run=FOLDER to be able to resume"
                ) from None
            raise
    return Model(
        result.release,
        held_out=dataset.test,
        held_out_with_repeats=dataset.held_out(with_repeats=True),
        temporary=temporary,
    )
