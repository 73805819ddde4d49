"""The fit loop: epochs, validation, early stopping, checkpoints and the log."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from torch import Tensor
from tqdm import tqdm

from bitrecall.training.data.interactions import Interactions
from bitrecall.training.errors import InterruptedTraining, TrainingError
from bitrecall.training.fitting.checkpoint import Checkpoint
from bitrecall.training.fitting.fit_options import FitOptions
from bitrecall.training.fitting.fit_result import FitResult, Progress
from bitrecall.training.fitting.method_registry import build
from bitrecall.training.fitting.warm_start import WarmStart
from bitrecall.training.model.graph import EdgeList
from bitrecall.training.model.method import Embeddings, Method
from bitrecall.training.recipe.recipe import Recipe
from bitrecall.training.runtime.device import named_device
from bitrecall.training.runtime.epoch_budget import EpochBudget
from bitrecall.training.runtime.interrupt import StopRequest
from bitrecall.training.runtime.progress_bar import progress_bar

# A crash loses at most this much work. Writing a checkpoint of Gowalla takes nearly a second,
# 10% of an epoch.
_CHECKPOINT_SECONDS = 120.0

# Of the time of a fit, for the scorers of a learned teacher.
_TEACHER_SHARE = 0.4


class FitLoop:
    """One fit, from the start or its checkpoint to the end.

    Args:
        pairs: the pairs to train on, items in descending popularity.
        recipe: every hyper-parameter.
        epochs: number of epochs of the recipe's schedule to run.
        validate: evaluates embeddings after each epoch. The best epoch is the result, and
            ``recipe.validation.patience`` epochs without an improvement end the fit.
        validate_every: validate after each epoch divisible by this, at least 1, and after the last.
        options: device, files, bar.
        warm: an earlier training to start from, in the rows of ``pairs``.
        held_out: pairs to fit a learned teacher's ranker on, in the rows of ``pairs``, unless
            ``warm`` has one.

    Raises:
        TrainingError: there are no pairs.
        CheckpointError: the checkpoint is damaged or belongs to another training.
    """

    def __init__(
        self,
        pairs: Interactions,
        recipe: Recipe,
        *,
        epochs: int,
        validate: Callable[[Embeddings], dict[str, float]] | None = None,
        validate_every: int = 1,
        options: FitOptions | None = None,
        warm: WarmStart | None = None,
        held_out: Interactions | None = None,
    ) -> None:
        if not len(pairs):
            raise TrainingError("there are no interactions to train on")
        self._recipe = recipe
        self._epochs = epochs
        self._validate = validate
        self._validate_every = validate_every
        self._options = options or FitOptions()
        self._fingerprint = (
            f"{recipe.sha256()}/{pairs.sha256()}/{epochs}/"
            f"{f'validated every {validate_every}' if validate else 'plain'}"
            f"{f'/from {warm.origin}' if warm else ''}"
        )
        started = time.monotonic()
        device = named_device(self._options.device)
        edges = EdgeList.of(pairs, device)
        saved = None
        if self._options.checkpoint is not None:
            saved = Checkpoint.load(self._options.checkpoint, self._fingerprint)
        self._method: Method = build(
            edges,
            recipe,
            start=saved is None,
            progress=self._options.progress_bar,
            warm=None if warm is None else warm.free,
            held_out=None if held_out is None else EdgeList.of(held_out, device),
            ranker_models=() if warm is None else warm.ranker_models,
            teacher_seconds=_teacher_seconds(self._options.seconds),
            group=self._options.group,
        )
        self._best: dict[str, Tensor] = {}
        self._saved_at = time.monotonic()
        self.progress = Progress(
            ranker_models=list(self._method.ranker_models),
            scorers=[dict(report) for report in self._method.scorers],
        )
        self.resumed = saved is not None
        if saved is not None:
            self._method.load(saved.state, epoch=saved.epoch, step=saved.step)
            self._best = saved.best
            self.progress = Progress(**saved.progress)
        self._budget: EpochBudget | None = None
        if self.progress.epochs:
            self._set_epochs(self.progress.epochs)
        elif self._options.seconds is not None:
            left = self._options.seconds - (time.monotonic() - started)
            self._budget = EpochBudget(left, epochs, self._method.steps)

    def run(self, stop: StopRequest | None = None) -> FitResult:
        """Train to the end.

        Raises:
            InterruptedTraining: ``stop`` was requested; the checkpoint is on disk.
            DivergedError: the loss is no longer a finite number.
        """
        method = self._method
        if not self.resumed:
            # The initialisation may have taken minutes.
            self._save()
            if self.progress.scorers:
                scorers = self.progress.scorers
                self._options.log.write("teacher", phase=self._options.phase, scorers=scorers)
        with progress_bar(
            total=self._epochs * method.steps,
            initial=method.epoch * method.steps + method.step,
            desc=self._options.phase,
            unit=" steps",
            progress=self._options.progress_bar,
        ) as bar:
            while method.epoch < self._epochs and not self._out_of_patience():
                if method.epoch and self._broadcast(time.monotonic() > self._options.deadline):
                    self._options.log.write("out of time", phase=self._options.phase)
                    break
                self._epoch(bar, stop)
            self._save()
        return FitResult(self._result(), self.progress, method.embedding_tables())

    def _epoch(self, bar: tqdm[Any], stop: StopRequest | None) -> None:
        method, progress = self._method, self.progress
        epoch = method.epoch
        total = progress.loss * method.step
        while method.epoch == epoch:
            started = time.monotonic()
            total += method.advance()
            done = method.step or method.steps
            seconds = time.monotonic() - started
            progress.seconds += seconds
            self._choose_epochs(seconds, bar)
            progress.loss = total / done
            bar.update()
            bar.set_postfix_str(self._postfix(), refresh=False)
            if method.epoch == epoch:
                self._save_when_due()
            if self._options.group.any(bool(stop)):
                if method.epoch != epoch:
                    self._end_of_epoch()
                self._save()
                self._raise_interrupted(stop)
        self._end_of_epoch()
        bar.set_postfix_str(self._postfix())
        self._save_when_due()

    def _choose_epochs(self, seconds: float, bar: tqdm[Any]) -> None:
        """Set the number of epochs by the time of the first steps."""
        if self._budget is None:
            return
        # Times differ between the processes.
        budget = self._budget
        chosen = self._options.group.broadcast_from_first(lambda: budget.record(seconds))
        if chosen is not None:
            self._budget = None
            self._set_epochs(chosen)
            bar.total = chosen * self._method.steps
            self._options.log.write("schedule", phase=self._options.phase, epochs=chosen)

    def _set_epochs(self, epochs: int) -> None:
        self._epochs = self.progress.epochs = epochs
        self._method.set_epochs(epochs)

    def _end_of_epoch(self) -> None:
        progress, epoch = self.progress, self._method.epoch
        metrics: dict[str, float] = {}
        due = epoch % self._validate_every == 0 or epoch == self._epochs
        if self._validate is not None and due:
            validate, embeddings = self._validate, self._method.embeddings()
            metrics = self._options.group.broadcast_from_first(lambda: validate(embeddings))
            name = self._recipe.validation.metric
            if not progress.best_metrics or metrics[name] > progress.best_metrics[name]:
                progress.best_epoch, progress.best_metrics = epoch, metrics
                self._best = self._method.parameters()
        record = {
            "epoch": epoch,
            "loss": progress.loss,
            "seconds": round(progress.seconds, 2),
            "metrics": metrics,
        }
        progress.history.append(record)
        self._options.log.write("epoch", phase=self._options.phase, **record)

    def _out_of_patience(self) -> bool:
        patience = self._recipe.validation.patience
        if self._validate is None or patience is None or not self.progress.best_epoch:
            return False
        return self._method.epoch - self.progress.best_epoch >= patience

    def _result(self) -> Embeddings:
        if self._best:
            self._method.restore(self._best)
        return self._method.embeddings()

    def _save_when_due(self) -> None:
        if self._broadcast(time.monotonic() - self._saved_at > _CHECKPOINT_SECONDS):
            self._save()

    def _save(self) -> None:
        path = self._options.checkpoint
        if path is None:
            return
        method = self._method
        checkpoint = Checkpoint(
            self._fingerprint,
            method.epoch,
            method.step,
            state=method.state(),
            progress=asdict(self.progress),
            best=self._best,
        )
        self._options.group.broadcast_from_first(lambda: checkpoint.save(path))
        self._saved_at = time.monotonic()

    def _broadcast(self, flag: bool) -> bool:
        """Return the flag of the first process."""
        return self._options.group.broadcast_from_first(lambda: flag)

    def _raise_interrupted(self, stop: StopRequest | None) -> None:
        method = self._method
        signal = (stop and stop.signal) or "a signal to another process"
        where = f"after epoch {method.epoch}, step {method.step} of {method.steps}"
        self._options.log.write("interrupted", phase=self._options.phase, signal=signal)
        path = self._options.checkpoint
        raise InterruptedTraining(
            f"stopped by {signal} {where}; "
            + (f"the same command resumes from {path}" if path else "no checkpoint was configured")
        )

    def _postfix(self) -> str:
        parts = [f"loss {self.progress.loss:.4f}"]
        if self.progress.history and self.progress.history[-1]["metrics"]:
            name = self._recipe.validation.metric
            last = self.progress.history[-1]["metrics"][name]
            best = self.progress.best_metrics[name]
            parts.append(f"{name} {last:.4f} (best {best:.4f}, epoch {self.progress.best_epoch})")
        return ", ".join(parts)


def _teacher_seconds(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * _TEACHER_SHARE
