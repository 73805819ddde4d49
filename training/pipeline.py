"""A training run: from a data set and a recipe to a published release."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from time import monotonic

import numpy as np
from numpy.typing import NDArray

from bitrecall.events.position import NOTHING_READ, LogPosition
from bitrecall.index.releases.recency import Recency
from bitrecall.index.releases.release import Release
from bitrecall.index.releases.store import ReleaseStore
from bitrecall.training.data.dataset import Dataset
from bitrecall.training.data.interactions import Interactions
from bitrecall.training.data.items.item_table import ItemTable
from bitrecall.training.data.split import describe_cut
from bitrecall.training.data.validation_cut import validation_cut
from bitrecall.training.errors import TrainingError
from bitrecall.training.evaluation.evaluate import evaluate
from bitrecall.training.export import release_contents
from bitrecall.training.fitting.best_epoch import BestEpoch
from bitrecall.training.fitting.fit_options import FitOptions
from bitrecall.training.fitting.runner import TrainedModel, fit_interactions
from bitrecall.training.fitting.warm_start import WarmStartState
from bitrecall.training.recency.choice import validated_recency
from bitrecall.training.recency.leaning import leaning_embeddings
from bitrecall.training.recipe.recipe import Recipe
from bitrecall.training.repeats.choice import validated_repeats
from bitrecall.training.repeats.past_counts import seen_repeats
from bitrecall.training.runtime.peak_memory import peak_rss_mib
from bitrecall.training.runtime.training_log import TrainingLog
from bitrecall.training.teacher.learned.scorer_report import ScorerReport
from bitrecall.training.training_options import TrainingOptions
from bitrecall.training.training_result import TrainingResult


class TrainingPipeline:
    """Validates if the recipe says so, fits the final model, and publishes a release on request.

    Args:
        dataset: training interactions, and optionally a test split for one final evaluation.
        recipe: every hyper-parameter.
        options: folder, device, bars.
        items: tags and attributes of the items in the release.
        position: position in the event log up to which the interactions include its events.

    Attributes:
        train: the training interactions, without ids that have none.
        warnings: warnings about the table of items.

    Raises:
        TrainingError: there are too few pairs, or the folder cannot be created.
        DataError: the table of items contains none of the items.
    """

    def __init__(
        self,
        dataset: Dataset,
        recipe: Recipe,
        options: TrainingOptions,
        items: ItemTable | None = None,
        position: LogPosition = NOTHING_READ,
    ) -> None:
        # Codes of ids without any pair would be noise, so these ids are left out and unknown.
        self.train = dataset.train.compact()
        if len(self.train) < 2:
            raise TrainingError(
                f"training needs at least 2 interactions, and the training data has "
                f"{len(self.train)}: use more data, or train on all of it with --split none"
            )
        self._test = dataset.test if dataset.test is not None and len(dataset.test) else None
        self._rows = dataset.rows
        self._validation_lists: NDArray[np.int32] | None = None
        self._name = dataset.name
        self._report = dataset.report
        self._recipe = recipe.for_users(self.train.n_users)
        self._options = options
        self._items = items
        self.warnings = items.check_against(self.train.item_ids) if items is not None else []
        self._position = position
        try:
            options.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise TrainingError(
                f"cannot create the run folder {options.folder}: {error}"
            ) from error
        self._started = monotonic()
        fingerprint = f"{recipe.sha256()}/{self.train.sha256()}"
        self._best_epoch = BestEpoch(options.folder / "validation.json", fingerprint)
        self._end_of_validation = options.folder / "validation-end.npz"
        if options.fresh:
            options.group.broadcast_from_first(self.forget)
        first = options.group.is_first
        self._log = TrainingLog(options.folder / "log.jsonl" if first else None)

    def validation_split(self) -> str | None:
        """Describe which pairs are held out for validation; None if none are."""
        validation = self._recipe.validation
        if not validation.share:
            return None
        return describe_cut(self.train, validation.share, validation.cut)

    def publish(self, store: ReleaseStore) -> TrainingResult:
        """Train (``fit``) and publish the model.

        Raises:
            TrainingError: the method's embeddings cannot be served; nothing was trained.
            ReleaseError: the store is not writable; nothing was trained.
            InterruptedTraining: stopped by a signal; the next call resumes.
            DivergedError: the loss is no longer a finite number.
            CheckpointError: a checkpoint in the folder is damaged or belongs to another training.
        """
        if self._recipe.similarity != "hamming":
            raise TrainingError(
                f"recipe {self._recipe.name} (method {self._recipe.method}) ranks by the inner "
                "product of real numbers, which releases and their indexes do not support; "
                "use bitrecall reproduce to train and evaluate it"
            )
        store.check_writable()
        return self._publish_model(store, self.fit())

    def fit(self) -> TrainedModel:
        """Train; checkpoints are kept until ``forget``, so a second call takes no steps.

        Returns:
            The model, in the rows of a release of all pairs. Its best epoch and metrics come from
            validation, even if the codes were trained again on all pairs.

        Raises:
            InterruptedTraining, DivergedError, CheckpointError: as ``publish``.
        """
        self._log.write(
            "start",
            data=self._name,
            interactions=len(self.train),
            users=self.train.n_users,
            items=self.train.n_items,
            recipe=self._recipe.model_dump(mode="json"),
            processes=self._options.group.size,
            bad_rows_skipped=self._report.bad_rows_skipped,
            bad_row_examples=self._report.bad_row_examples,
        )
        self._started = monotonic()
        if self._recipe.validation.share == 0:
            return self._fit(self.train, self._recipe, "final")
        if not self._recipe.validation.refit:
            return self._fit_with_validation().for_pairs(self.train)
        progress, end = self._best_epoch.read(), WarmStartState.load(self._end_of_validation)
        if progress is None or end is None:
            validated = self._fit_with_validation()
            progress, end = validated.fit.progress, validated.warm_start_state()
            self._options.group.broadcast_from_first(partial(end.save, self._end_of_validation))
            self._options.group.broadcast_from_first(partial(self._best_epoch.write, progress))
        recipe = self._recipe.after_validation(progress.best_epoch)
        start = end if recipe.starts_warm else None
        model = self._fit(self.train, recipe, "final", start=start)
        return model.with_validation_of(progress)

    def forget(self) -> None:
        """Remove the checkpoints; keep the log."""
        for phase in ("validation", "final"):
            self._checkpoint(phase).unlink(missing_ok=True)
        self._best_epoch.forget()
        self._end_of_validation.unlink(missing_ok=True)

    def _fit_with_validation(self) -> TrainedModel:
        part, held_out, latest = validation_cut(
            self.train,
            self._rows,
            self._recipe.validation.share,
            self._recipe.seed,
            self._recipe.validation.cut,
        )
        if not len(held_out):
            raise TrainingError(
                "no user has enough interactions to hold one out: set validation.share=0"
            )
        fit = self._recipe.fit.model_copy(update={"stop_after": None})
        recipe = self._recipe.model_copy(update={"fit": fit})
        model = self._fit(part, recipe, "validation", held_out)
        chosen = self._options.group.broadcast_from_first(
            lambda: validated_recency(model, self._recipe)
        )
        model.fit.progress.recency = chosen
        self._log.write("recency", chosen=chosen)
        repeats = self._options.group.broadcast_from_first(
            lambda: validated_repeats(model, self._recipe, chosen, self.train, self._rows, latest)
        )
        model.fit.progress.repeats = repeats
        self._log.write("repeats", chosen=repeats)
        if model.validator is not None and self._options.group.is_first and self._test is None:
            recency = None if chosen is None else Recency(**chosen)
            embeddings = leaning_embeddings(model, self._recipe, recency)
            self._validation_lists = model.validator.lists(embeddings)
        return model

    def _fit(
        self,
        pairs: Interactions,
        recipe: Recipe,
        phase: str,
        held_out: Interactions | None = None,
        start: WarmStartState | None = None,
    ) -> TrainedModel:
        options = FitOptions(
            device=self._options.device,
            checkpoint=self._checkpoint(phase),
            log=self._log,
            progress_bar=self._options.progress_bar if self._options.group.is_first else False,
            phase=phase,
            seconds=self._seconds(phase),
            group=self._options.group,
        )
        return fit_interactions(pairs, recipe, options, held_out=held_out, start=start)

    def _seconds(self, phase: str) -> float | None:
        """Return how long a fit may take; a part of the time is left for evaluation."""
        if self._recipe.minutes is None:
            return None
        refit = self._recipe.validation.share > 0 and self._recipe.validation.refit
        end = 0.6 if phase == "validation" and refit else 0.8
        return 60 * self._recipe.minutes * end - (monotonic() - self._started)

    def _publish_model(self, store: ReleaseStore, model: TrainedModel) -> TrainingResult:
        progress, epochs = model.fit.progress, model.epochs
        contents = release_contents(
            model.embeddings,
            model.train,
            self._recipe,
            items=self._items,
            position=self._position,
            recorded={"epochs_trained": epochs},
            recency=None if progress.recency is None else Recency(**progress.recency),
            repeats=seen_repeats(progress.repeats, self.train, self._rows, model.item_order),
        )
        release = store.publish(
            contents,
            measure=lambda opened: self._measure(opened, progress.best_metrics),
            activate=self._options.activate,
        )
        peak = peak_rss_mib()
        self._log.write(
            "published",
            release=release.id,
            epochs=epochs,
            seconds=round(progress.seconds, 2),
            peak_rss_mib=peak,
            metrics=dict(release.manifest.metrics),
        )
        self.forget()
        return TrainingResult(
            release,
            epochs,
            progress.seconds,
            progress.best_metrics,
            self._validation_lists,
            tuple(ScorerReport(**scorer) for scorer in progress.scorers),
            peak,
        )

    def _measure(
        self, release: Release, validation: dict[str, float]
    ) -> Mapping[str, float | int | str]:
        if self._test is not None:
            report = evaluate(release, self._test, progress=self._options.progress_bar)
            return {"split": "test", "users": report.users, **report.metrics}
        return {"split": "validation", **validation} if validation else {"split": "none"}

    def _checkpoint(self, phase: str) -> Path:
        return self._options.folder / f"{phase}.npz"
