"""A whole training run: from a data set and a recipe to a published release."""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from index.release import Release
from index.store import ReleaseStore
from training.catalogue import popularity_order, reorder_items
from training.data.dataset import Dataset
from training.data.interactions import Interactions
from training.data.split import cut_validation
from training.errors import CheckpointError, TrainingError
from training.evaluate import evaluate
from training.export import release_contents
from training.fit import Fit, FitOptions, Fitted, Progress
from training.interrupt import stop_on_signals
from training.log import TrainingLog
from training.recipe import Recipe
from training.validation import Validator

_CHOICE = "validation.json"


@dataclass(frozen=True)
class RunOptions:
    """How a run is carried out, none of which changes its result.

    Attributes:
        folder: where its log and checkpoints go.
        device: a torch device.
        fresh: forget the checkpoints of an earlier run in the folder.
        progress_bar: show bars on stderr; None shows them only where stderr is a terminal.
        activate: make the new release the current one.
    """

    folder: Path
    device: str = "cpu"
    fresh: bool = False
    progress_bar: bool | None = None
    activate: bool = True


@dataclass(frozen=True)
class RunResult:
    """A finished run.

    Attributes:
        release: the release published.
        epochs: how many epochs its codes were trained for.
        seconds: time in steps of the fit that is published, over all sittings.
        validation: metrics of the best epoch on the validation split; empty without one.
        peak_rss_mib: the most memory that the process has held, in MiB.
    """

    release: Release
    epochs: int
    seconds: float
    validation: dict[str, float]
    peak_rss_mib: int


def peak_rss_mib() -> int:
    """The most memory that this process has held so far, in MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // (2**20 if sys.platform == "darwin" else 2**10)


def default_run_folder(dataset: Dataset, recipe: Recipe) -> Path:
    """``runs/RECIPE-FINGERPRINT``: the same data and recipe meet their checkpoint again."""
    return Path("runs") / f"{recipe.name}-{recipe.sha256()[:8]}{dataset.train.sha256()[:8]}"


class Run:
    """Validation, where the recipe has it, then the fit to publish, then the release.

    Args:
        dataset: what to train on, and test on once at the end where it has a test split.
        recipe: every hyper-parameter.
        options: folder, device, bars.
    """

    def __init__(self, dataset: Dataset, recipe: Recipe, options: RunOptions) -> None:
        # Codes of ids without a single pair would be noise: they are left out, as unknown.
        self._train = dataset.train.compact()
        if len(self._train) < 2:
            raise TrainingError(f"cannot train on {len(self._train)} interactions")
        self._test = dataset.test
        self._name = dataset.name
        self._recipe = recipe
        self._options = options
        try:
            options.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise TrainingError(f"cannot make the run folder {options.folder}: {error}") from error
        if options.fresh:
            self._forget()
        self._log = TrainingLog(options.folder / "log.jsonl")

    def publish(self, store: ReleaseStore) -> RunResult:
        """Train and publish.

        Raises:
            InterruptedTraining: by a signal; run it again to go on.
            DivergedError: the loss is no longer a number.
            CheckpointError: a checkpoint in the folder is damaged or of another training.
        """
        self._log.write(
            "start",
            data=self._name,
            interactions=len(self._train),
            users=self._train.n_users,
            items=self._train.n_items,
            recipe=self._recipe.model_dump(mode="json"),
        )
        share = self._recipe.validation.share
        if share == 0:
            epochs = self._recipe.fit.stop_after or self._recipe.fit.epochs
            fitted = self._fit(self._train, epochs, "final")
            return self._release(store, fitted, len(fitted.progress.history), {})
        chosen, fitted_part = self._choose_epochs(share)
        if not self._recipe.validation.refit and fitted_part is not None:
            return self._release(store, fitted_part, chosen.best_epoch, chosen.best_metrics)
        fitted = self._fit(self._train, chosen.best_epoch, "final")
        return self._release(store, fitted, chosen.best_epoch, chosen.best_metrics)

    def _choose_epochs(self, share: float) -> tuple[Progress, Fitted | None]:
        """The best epoch on pairs held out from train, found once and then read from its file."""
        refit = self._recipe.validation.refit
        if refit and self._choice.exists():
            return self._read_choice(), None
        part, held_out = cut_validation(self._train, share, self._recipe.seed)
        if not len(held_out):
            raise TrainingError(
                "no user has enough interactions to hold one out: set validation.share=0"
            )
        fitted = self._fit(part, self._recipe.fit.epochs, "validation", held_out)
        if refit:
            temporary = self._choice.with_suffix(".new")
            kept = {"fingerprint": self._fingerprint(), "progress": asdict(fitted.progress)}
            temporary.write_text(json.dumps(kept), "utf-8")
            temporary.replace(self._choice)
        return fitted.progress, fitted

    def _read_choice(self) -> Progress:
        try:
            kept = json.loads(self._choice.read_text("utf-8"))
            found, progress = kept["fingerprint"], Progress(**kept["progress"])
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise CheckpointError(
                f"{self._choice} cannot be read ({error}); start afresh with --fresh"
            ) from error
        if found != self._fingerprint():
            raise CheckpointError(
                f"{self._choice} belongs to another recipe or data set; "
                "name another --run folder, or start afresh with --fresh"
            )
        return progress

    def _fingerprint(self) -> str:
        return f"{self._recipe.sha256()}/{self._train.sha256()}"

    def _forget(self) -> None:
        for path in (self._checkpoint("validation"), self._checkpoint("final"), self._choice):
            path.unlink(missing_ok=True)

    def _fit(
        self, pairs: Interactions, epochs: int, phase: str, held_out: Interactions | None = None
    ) -> Fitted:
        order = popularity_order(pairs)
        ordered = reorder_items(pairs, order)
        validate = None
        if held_out is not None:
            validate = Validator(ordered, reorder_items(held_out, order), self._recipe)
        fit = Fit(
            ordered,
            self._recipe,
            epochs=epochs,
            validate=validate,
            options=FitOptions(
                device=self._options.device,
                checkpoint=self._checkpoint(phase),
                log=self._log,
                progress_bar=self._options.progress_bar,
                phase=phase,
            ),
        )
        if fit.resumed:
            self._log.write("resumed", phase=phase, epochs_done=len(fit.progress.history))
        with stop_on_signals() as stop:
            fitted = fit.run(stop)
        return fitted.in_rows_of(order)

    def _release(
        self, store: ReleaseStore, fitted: Fitted, epochs: int, validation: dict[str, float]
    ) -> RunResult:
        contents = release_contents(
            fitted.embeddings, self._train, self._recipe, recorded={"epochs_trained": epochs}
        )
        release = store.publish(
            contents,
            measure=lambda opened: self._measure(opened, validation),
            activate=self._options.activate,
        )
        seconds = fitted.progress.seconds
        peak = peak_rss_mib()
        self._log.write(
            "published",
            release=release.id,
            epochs=epochs,
            seconds=round(seconds, 2),
            peak_rss_mib=peak,
            metrics=dict(release.manifest.metrics),
        )
        self._forget()
        return RunResult(release, epochs, seconds, validation, peak)

    def _measure(
        self, release: Release, validation: dict[str, float]
    ) -> Mapping[str, float | int | str]:
        if self._test is not None and len(self._test):
            report = evaluate(release, self._test, progress=self._options.progress_bar)
            return {"split": "test", "users": report.users, **report.metrics}
        return {"split": "validation", **validation} if validation else {"split": "none"}

    @property
    def _choice(self) -> Path:
        return self._options.folder / _CHOICE

    def _checkpoint(self, phase: str) -> Path:
        return self._options.folder / f"{phase}.npz"
