"""``bitrecall.fit``: from a click log to a model."""

from __future__ import annotations

import json
import logging
import shutil
import warnings
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import TYPE_CHECKING, Any, TypeAlias

from bitrecall.extras import extra_needed
from bitrecall.index.releases.store import ReleaseStore
from bitrecall.keyword_messages import as_keywords, errors_as_keywords
from bitrecall.model.model import Model
from bitrecall.model.reading import Events, ReadKeywords, paths_of

if TYPE_CHECKING:
    from typing import Unpack

    from bitrecall.training.recipe.recipe import Recipe

__all__ = ["DataWarning", "fit"]

_log = logging.getLogger(__name__)

StrPath: TypeAlias = str | PathLike[str]


class DataWarning(UserWarning):
    """Something about the interactions or the table of items looks wrong, or may."""


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
    """Train codes from interactions and publish them as a release, as ``bitrecall train`` does.

    Args:
        events: a file or folder, or several, the URL of a database, the word ``"sample"``; or a
            table in memory with a row per interaction: a data frame of pandas or polars, or any
            object with Arrow's C stream. Columns of users, items and times are found by common
            names.
        items: tags and attributes of items to filter by: a file or a table.
        recipe: a built-in recipe (``default``, ``sample``, ``gowalla``, ``yelp2018``) or the path
            of a TOML file.
        overrides: values of the recipe to change, such as ``{"bits": 128, "fit.epochs": 4}``.
        releases: folder of the release store; None keeps the release in a temporary folder as long
            as the model is used.
        activate: make the new release the current one of the store.
        run: folder of the log and the checkpoints, from which the same call goes on after an
            interruption; None keeps them in a temporary folder.
        tags_column: column of the tags in ``items``; else the one called ``tags``.
        allow_implausible: train on data of one user, one item, or without shared items too.
        device: a torch device, such as ``cuda``.
        threads: threads that training uses; None is one per core.
        progress: show progress bars; None shows them in a terminal and in a notebook.
        **reading: how ``events`` are read and split, under the names of the options of
            ``bitrecall train``: user_column, item_column, time_column, use_times, time_unit,
            time_format, where, min_rating, rating_column, weight, pair_weight, split,
            test_fraction, split_seed, skip_bad_rows; for files also format, columns, delimiter and
            encoding, and query for a database.

    Returns:
        The model, which keeps the interactions held out for ``Model.evaluate``.

    Raises:
        MissingExtraError: the extra ``train`` is not installed.
        DataError: the interactions or the table of items cannot be used.
        RecipeError: the recipe cannot be used.
        TrainingError: the training cannot begin or go on; ``InterruptedTraining`` after Ctrl-C.
    """
    with extra_needed("bitrecall.fit", "train"), errors_as_keywords():
        from bitrecall.training.runtime.openmp import wait_briefly

        wait_briefly()
        import torch

        from bitrecall.model.reading import read_dataset, read_items, read_options
        from bitrecall.training.data.plausibility import check_plausible
        from bitrecall.training.data.similar_ids import id_warnings
        from bitrecall.training.errors import InterruptedTraining
        from bitrecall.training.pipeline import TrainingOptions, TrainingPipeline
        from bitrecall.training.runtime.allocator import keep_freed_memory

        keep_freed_memory()
        chosen = _recipe(recipe, overrides or {})
        if threads is not None:
            torch.set_num_threads(threads)
        options = read_options(reading)
        dataset = read_dataset(events, options)
        for line in dataset.report.lines():
            if not line.startswith("warning: "):
                _log.info("%s", as_keywords(line))
        table = read_items(items, paths_of(events), options, tags_column)
        suspicious = [
            *dataset.report.warnings,
            *id_warnings(dataset),
            *check_plausible(dataset, allow_implausible),
        ]
        made = None
        if releases is None:
            made = releases = Path(mkdtemp(prefix="bitrecall-releases-"))
        try:
            with TemporaryDirectory(prefix="bitrecall-fit-") as temporary_run:
                pipeline = TrainingPipeline(
                    dataset,
                    chosen,
                    TrainingOptions(
                        folder=Path(temporary_run if run is None else run),
                        device=device,
                        progress_bar=progress,
                        activate=activate,
                    ),
                    table,
                )
                for text in (*suspicious, *pipeline.warnings):
                    warnings.warn(as_keywords(text), DataWarning, stacklevel=2)
                result = pipeline.publish(ReleaseStore(Path(releases)))
        except BaseException as error:
            if made is not None:
                shutil.rmtree(made, ignore_errors=True)
            if run is None and isinstance(error, InterruptedTraining):
                what = str(error).partition(";")[0]
                raise InterruptedTraining(
                    f"{what}; its checkpoint is gone: with run=FOLDER the same call would go on"
                ) from None
            raise
    return Model(result.release, held_out=dataset.test, temporary=made)


def _recipe(recipe: StrPath, overrides: Mapping[str, Any]) -> Recipe:
    from bitrecall.training.recipe.recipe_file import load_recipe

    return load_recipe(str(recipe), _assignments(overrides))


def _assignments(overrides: Mapping[str, Any]) -> Sequence[str]:
    """As ``--set`` takes them: the values in TOML, which JSON is for what recipes hold."""
    return [f"{key}={json.dumps(value)}" for key, value in overrides.items()]
