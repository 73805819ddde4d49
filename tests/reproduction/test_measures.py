import pytest

from bitrecall.reproduction.measures import measure
from bitrecall.reproduction.trial import Trial
from bitrecall.training.data.dataset import Dataset, ReadReport
from bitrecall.training.data.load import load_dataset
from bitrecall.training.errors import StudyError


@pytest.fixture
def trial(plan, data, tmp_path):
    dataset = load_dataset(data)
    alone = Dataset(dataset.train, None, "alone", ReadReport())
    return Trial(alone, plan.parts[0].recipe(0), tmp_path, progress_bar=False)


def test_rejects_data_without_a_test_split(trial):
    with pytest.raises(StudyError, match="alone has no test split"):
        measure("test", trial)
    assert not list(trial.folder.iterdir())


def test_rejects_an_unknown_measure(trial):
    with pytest.raises(StudyError, match=r"'sideways'.*validation"):
        measure("sideways", trial)
