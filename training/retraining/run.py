"""A retraining run, from its lock to its report."""

from __future__ import annotations

import logging
import traceback
from pathlib import Path

from bitrecall.errors import BitrecallError
from bitrecall.index.releases.retraining_status import RetrainingStatus
from bitrecall.index.releases.store import ReleaseStore
from bitrecall.training.errors import InterruptedTraining
from bitrecall.training.recipe.recipe import Recipe
from bitrecall.training.retraining.inputs import RetrainingInputs
from bitrecall.training.retraining.report import Report, now
from bitrecall.training.retraining.report_page import page_of
from bitrecall.training.retraining.run_lock import exclusive_run
from bitrecall.training.retraining.settings import RetrainingSettings
from bitrecall.training.retraining.steps import RetrainingOptions, RetrainingRun
from bitrecall.training.retraining.workspace import Workspace

_log = logging.getLogger(__name__)


def run_retraining(
    store: ReleaseStore,
    recipe: Recipe,
    settings: RetrainingSettings,
    sources: RetrainingInputs,
    options: RetrainingOptions,
) -> tuple[Report, Path]:
    """Run one night, whatever comes of it, and leave its report.

    Returns:
        The report, and the file of its page.

    Raises:
        RetrainingInProgressError: another one is under way.
        InterruptedTraining: by a signal; the next run goes on from its checkpoint.
        Exception: what failed; the report says so too, where it could be written. The release that
            was served goes on being served.
    """
    report = Report(now(), settings=settings.model_dump(mode="json"))
    with exclusive_run(store.root):
        workspace = Workspace(options.work)
        try:
            RetrainingRun(store, recipe, settings, sources, options, workspace, report).run()
        except InterruptedTraining:
            raise
        except Exception as error:
            report.reason = reason_of(error)
            if not _is_expected(error):
                report.trace = traceback.format_exc()
            try:
                _leave(report, store, workspace, settings)
            except (BitrecallError, OSError) as untold:
                # What failed first is what is to be told, and may be why this did too.
                _log.warning("how the night ended could not be written: %s", untold)
            raise
        return report, _leave(report, store, workspace, settings)


def reason_of(error: Exception) -> str:
    """What to tell of an error that ended a night."""
    if _is_expected(error):
        return str(error)
    if isinstance(error, MemoryError) or "can't allocate memory" in str(error):
        return (
            "there was not enough memory: end other programs, or set "
            "BITRECALL_RETRAIN_MEMORY_MIB so that such a night is refused before it trains"
        )
    return (
        f"a fault of Bitrecall, {type(error).__name__}: {error} (the report has the trace; please "
        "send both to its makers)"
    )


def _is_expected(error: Exception) -> bool:
    return isinstance(error, BitrecallError | OSError) and bool(str(error))


def _leave(
    report: Report, store: ReleaseStore, workspace: Workspace, settings: RetrainingSettings
) -> Path:
    report.finished = now()
    page = workspace.reports.write(
        report, page_of(report, workspace.reports.all()), settings.keep_reports
    )
    RetrainingStatus(
        report.started, report.finished, report.outcome, report.reason, report.release
    ).write(store.root)
    return page
