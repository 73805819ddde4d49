import pytest

from bitrecall.training.errors import CheckpointError
from bitrecall.training.fitting.best_epoch import BestEpoch
from bitrecall.training.fitting.fit_result import Progress


@pytest.fixture
def best_epoch(tmp_path) -> BestEpoch:
    return BestEpoch(tmp_path / "validation.json", "this")


def test_reads_the_written_progress_until_it_is_removed(best_epoch):
    assert best_epoch.read() is None
    progress = Progress(seconds=1.5, loss=-0.2, best_epoch=3, best_metrics={"recall@20": 0.4})
    best_epoch.write(progress)
    assert best_epoch.read() == progress
    best_epoch.forget()
    best_epoch.forget()
    assert best_epoch.read() is None


def test_rejects_another_training(best_epoch):
    BestEpoch(best_epoch.path, "other").write(Progress())
    with pytest.raises(CheckpointError, match=r"validation\.json belongs to another.*--fresh"):
        best_epoch.read()


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"fingerprint": "this", "progress": {"x": 1}}']
)
def test_rejects_a_damaged_file(best_epoch, text):
    best_epoch.path.write_text(text)
    with pytest.raises(CheckpointError, match="cannot be read"):
        best_epoch.read()
