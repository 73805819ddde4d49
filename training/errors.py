"""What can go wrong between a file of interactions and a release.

BitrecallError
 ├─ DataError       a file of interactions cannot be used: which file, which line, and why
 ├─ EvaluationError there is nothing to measure a release on
 ├─ RecipeError     a recipe cannot be read, or says something that makes no sense
 ├─ StudyError      a study's plan, parts or results cannot be used
 └─ TrainingError   a training cannot go on
     ├─ DivergedError       the loss is no longer a number
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
    """Interactions that cannot be used.

    Raised by the readers for a file or a row of it, and by the rest of `bitrecall.training.data`
    for arguments that make no sense, such as a split by time of interactions without times.

    Attributes:
        reason: what is wrong, and what to do where that is known.
        file: the file, or None where no file is to blame.
        line: the line on which the bad record starts, counted from 1, the header included; for
            Parquet the row, counted from 1; None where the whole file is to blame.
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
        place = [] if self.file is None else [self.file]
        if line is not None:
            place.append(f"{unit} {line}")
        super().__init__(f"{', '.join(place)}: {reason}" if place else reason)


class EvaluationError(BitrecallError):
    """Nothing to measure: no user of the held-out interactions has an item."""


class RecipeError(BitrecallError):
    """A recipe that cannot be used: the message names the file and each wrong key."""


class StudyError(BitrecallError):
    """A plan that cannot be read, a part that it does not have, or results that are damaged."""


class TrainingError(BitrecallError):
    """A training that cannot begin or go on, such as one on too few interactions."""


class DivergedError(TrainingError):
    """The loss became infinite or not a number; the message names epoch and step."""


class CheckpointError(TrainingError):
    """A checkpoint that cannot be read, or that another recipe or data set wrote."""


class InterruptedTraining(TrainingError):  # noqa: N818 - an end that was asked for, no error
    """A signal asked the training to stop; its checkpoint is on disk."""


class RetrainingInProgressError(TrainingError):
    """Another run is retraining into the same folder of releases."""
