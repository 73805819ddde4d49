import pytest

from bitrecall.training.errors import CheckpointError
from bitrecall.training.fitting.best_epoch import BestEpoch
from bitrecall.training.fitting.fit_result import Progress


@pytest.fixture
def choice(tmp_path) -> BestEpoch:
    return BestEpoch(tmp_path / "validation.json", "this")


def test_reads_what_was_written_until_it_is_removed(choice):
    assert choice.read() is None
    progress = Progress(seconds=1.5, loss=-0.2, best_epoch=3, best_metrics={"recall@20": 0.4})
    choice.write(progress)
    assert choice.read() == progress
    choice.forget()
    choice.forget()
    assert choice.read() is None


def test_rejects_another_training(choice):
    BestEpoch(choice.path, "other").write(Progress())
    with pytest.raises(CheckpointError, match=r"validation\.json belongs to another.*--fresh"):
        choice.read()


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"fingerprint": "this", "progress": {"x": 1}}']
)
def test_rejects_a_damaged_file(choice, text):
    choice.path.write_text(text)
    with pytest.raises(CheckpointError, match="cannot be read"):
        choice.read()
