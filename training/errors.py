"""Errors of training, from reading interactions to publishing a release.

BitrecallError
 ├─ DataError       a file of interactions is invalid; names the file, the line and the reason
 ├─ EvaluationError there are no held-out interactions to evaluate on
 ├─ RecipeError     a recipe cannot be read, or has an invalid key or value
 ├─ StudyError      a study's plan, parts or results are invalid
 └─ TrainingError   a training cannot start or continue
     ├─ DivergedError       the loss is no longer a finite number
     ├─ CheckpointError     a checkpoint cannot be read, or belongs to another training
     ├─ InterruptedTraining a signal stopped it, after its checkpoint was written
     └─ RetrainingInProgressError  another run is retraining into the same folder
"""

from __future__ import annotations

from os import PathLike

from bitrecall.errors import BitrecallError

__all__ = [
    "CheckpointError",
    "DataError",
    "DivergedError",
    "EvaluationError",
    "InterruptedTraining",
    "RecipeError",
    "RetrainingInProgressError",
    "StudyError",
    "TrainingError",
]


class DataError(BitrecallError):
    """The interactions or the arguments of a reader are invalid.

    Raised by the readers for a file or a row of it, and elsewhere in ``bitrecall.training.data``
    for invalid arguments, such as a split by time of interactions without times.

    Attributes:
        reason: what is wrong, and the remedy if known.
        file: the file; None if the error is not in a file.
        line: the line on which the invalid record starts, counted from 1, including the header;
            for Parquet the row, counted from 1; None if the error is in the whole file.
    """

    def __init__(
        self,
        reason: str,
        *,
        file: str | PathLike[str] | None = None,
        line: int | None = None,
        unit: str = "line",
    ) -> None:
        self.reason = reason
        self.file = None if file is None else str(file)
        self.line = line
        self._unit = unit
        place = [] if self.file is None else [self.file]
        if line is not None:
            place.append(f"{unit} {line}")
        super().__init__(f"{', '.join(place)}: {reason}" if place else reason)

    def with_remedy(self, remedy: str) -> DataError:
        """Return the same error with a remedy at the end of the reason."""
        reason = f"{self.reason}; {remedy}"
        return DataError(reason, file=self.file, line=self.line, unit=self._unit)


class EvaluationError(BitrecallError):
    """There are no held-out interactions to evaluate on."""


class RecipeError(BitrecallError):
    """A recipe is invalid; the message names the file and each wrong key."""


class StudyError(BitrecallError):
    """A plan cannot be read, a part does not exist, or results are damaged."""


class TrainingError(BitrecallError):
    """A training cannot start or continue, for example on too few interactions."""


class DivergedError(TrainingError):
    """The loss became infinite or not a number; the message names epoch and step."""


class CheckpointError(TrainingError):
    """A checkpoint cannot be read, or belongs to another recipe or data set."""


class InterruptedTraining(TrainingError):  # noqa: N818 - a requested stop, not an error
    """A signal stopped the training; its checkpoint is on disk."""


class RetrainingInProgressError(TrainingError):
    """Another run is retraining into the same folder of releases."""
