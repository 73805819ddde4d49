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
from bitrecall.training.retraining.run_options import RetrainingOptions
from bitrecall.training.retraining.settings import RetrainingSettings
from bitrecall.training.retraining.steps import RetrainingRun
from bitrecall.training.retraining.workspace import Workspace

_log = logging.getLogger(__name__)


def run_retraining(
    store: ReleaseStore,
    recipe: Recipe,
    settings: RetrainingSettings,
    sources: RetrainingInputs,
    options: RetrainingOptions,
) -> tuple[Report, Path]:
    """Do one retraining run, and write its report even if it fails.

    Returns:
        The report, and the file of its page.

    Raises:
        RetrainingInProgressError: another run is in progress.
        InterruptedTraining: by a signal; the next run resumes from its checkpoint.
        Exception: the failure, which the report records too if it can be written. The current
            release stays in place.
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
                _write_report(report, store, workspace, settings)
            except (BitrecallError, OSError) as report_error:
                # Raise the first error: it may be the cause of this one too.
                _log.warning("the report of this run could not be written: %s", report_error)
            raise
        return report, _write_report(report, store, workspace, settings)


def reason_of(error: Exception) -> str:
    """Describe the error that ended a run."""
    if _is_expected(error):
        return str(error)
    if isinstance(error, MemoryError) or "can't allocate memory" in str(error):
        return (
            "out of memory: stop other programs, or set "
            "BITRECALL_RETRAIN_MEMORY_MIB so that such a run is refused before it trains"
        )
    return (
        f"a bug in Bitrecall, {type(error).__name__}: {error} (the report has the traceback; "
        "please send both to the maintainers)"
    )


def _is_expected(error: Exception) -> bool:
    return isinstance(error, BitrecallError | OSError) and bool(str(error))


def _write_report(
    report: Report, store: ReleaseStore, workspace: Workspace, settings: RetrainingSettings
) -> Path:
    """Write the report, its page, and the status for the service; return the page's file."""
    report.finished = now()
    page = workspace.reports.write(
        report, page_of(report, workspace.reports.all()), settings.keep_reports
    )
    RetrainingStatus(
        report.started, report.finished, report.outcome, report.reason, report.release
    ).write(store.root)
    return page
