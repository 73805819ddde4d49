import json
import shutil

import pytest

from bitrecall.events.event import Event
from bitrecall.index.releases.retraining_status import Outcome, RetrainingStatus
from bitrecall.training.errors import RetrainingInProgressError, TrainingError
from bitrecall.training.retraining import release_training
from bitrecall.training.retraining import run as run_module
from bitrecall.training.retraining.run_lock import exclusive_run
from bitrecall.training.retraining.workspace import Workspace
from tests.training.retraining.retraining_system import SETTINGS, RetrainingSystem

pytestmark = pytest.mark.slow


def test_a_dry_run_publishes_nothing_and_the_next_run_resumes_it(
    published: RetrainingSystem,
) -> None:
    first = published.store.current_id()
    assert published.retrain(dry_run=True).outcome is Outcome.WOULD_PUBLISH
    assert [summary.id for summary in published.store.list()] == [first]
    (folder,) = (published.work / "runs").iterdir()
    assert published.retrain().training["candidate"]["seconds"] < 60
    assert not folder.exists()
    assert published.store.current_id() != first


def test_an_interrupted_run_resumes_with_the_same_events(
    published: RetrainingSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise TrainingError("power failure")

    first = published.store.current_id()
    until = published.events.last_sequence()
    with monkeypatch.context() as broken:
        broken.setattr(release_training, "judge", fails)
        with pytest.raises(TrainingError, match="power"):
            published.retrain()
    assert published.store.current_id() == first
    assert RetrainingStatus.read(published.store.root).outcome == "failed"
    (folder,) = (published.work / "runs").iterdir()
    published.events.append([Event("user-0", "item-0", "view", 1.7e9)])
    logged: list[str] = []
    clear_run = Workspace.clear_run

    def read_log_and_clear(self: Workspace) -> None:
        logged.append((folder / "log.jsonl").read_text())
        clear_run(self)

    monkeypatch.setattr(Workspace, "clear_run", read_log_and_clear)
    assert published.retrain().outcome is Outcome.PUBLISHED
    assert '"resumed"' in logged[0]
    assert published.store.open_current().manifest.data.last_event == until


def test_only_one_run_at_a_time(published: RetrainingSystem) -> None:
    with (
        exclusive_run(published.store.root),
        pytest.raises(RetrainingInProgressError, match="another run is retraining"),
    ):
        published.retrain()
    assert published.retrain().outcome is Outcome.PUBLISHED


def test_reports_a_failure_and_keeps_the_current_release(published: RetrainingSystem) -> None:
    first = published.store.current_id()
    with pytest.raises(TrainingError, match=r"needs about .* MiB, and 64 MiB are allowed"):
        published.retrain(SETTINGS.model_copy(update={"memory_mib": 64}))
    status = RetrainingStatus.read(published.store.root)
    assert (status.outcome, "64 MiB are allowed" in status.reason) == ("failed", True)
    assert published.store.current_id() == first


def test_raises_the_first_error_if_the_report_cannot_be_written(
    published: RetrainingSystem, caplog
) -> None:
    shutil.rmtree(published.work / "reports")
    (published.work / "reports").write_text("no folder")
    with pytest.raises(TrainingError, match="1 MiB are allowed"):
        published.retrain(SETTINGS.model_copy(update={"memory_mib": 1}))
    assert "the report of this run could not be written" in caplog.text


def test_reports_an_unexpected_error_with_its_traceback(
    published: RetrainingSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise ZeroDivisionError("nothing to divide by")

    monkeypatch.setattr(release_training, "judge", fails)
    with pytest.raises(ZeroDivisionError):
        published.retrain()
    status = RetrainingStatus.read(published.store.root)
    assert status.reason.startswith("a bug in Bitrecall, ZeroDivisionError: nothing to divide by")
    (path,) = [p for p in (published.work / "reports").glob("*.json") if "ZeroDiv" in p.read_text()]
    assert "in fails" in json.loads(path.read_text())["trace"]
    assert "in fails" in path.with_suffix(".html").read_text()


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("can't allocate memory: 8 bytes")])
def test_explains_what_to_do_without_memory(error: Exception) -> None:
    assert "BITRECALL_RETRAIN_MEMORY_MIB" in run_module.reason_of(error)
