import pytest

from bitrecall.index.releases.store import ReleaseStore
from bitrecall.training.comparison.codes import Codes
from bitrecall.training.comparison.measures import choose_groups
from bitrecall.training.comparison.problem import Problem
from bitrecall.training.data.dataset import Dataset, ReadReport
from bitrecall.training.evaluation.evaluate import evaluate
from bitrecall.training.pipeline import TrainingPipeline
from bitrecall.training.training_options import TrainingOptions

pytestmark = pytest.mark.slow


def groups_of(problem):
    return choose_groups(problem.user_degrees(), problem.train.item_degrees)


def test_a_release_has_the_measures_of_its_evaluation(
    clustered_dataset, small_recipe, final, tmp_path
):
    options = TrainingOptions(tmp_path / "run")
    pipeline = TrainingPipeline(clustered_dataset, small_recipe, options)
    result = pipeline.publish(ReleaseStore(tmp_path / "releases"))
    assert result.validation_lists is None
    codes = Codes.of_training(result, clustered_dataset.test, 3.0)
    assert (codes.method, codes.bits, codes.seconds) == ("proposed", 16, 3.0)
    measures = codes.measure(final, groups_of(final))
    expected = evaluate(result.release, clustered_dataset.test).metrics
    for name in ("recall@20", "recall@50", "ndcg@20", "coverage@20"):
        assert measures[name] == expected[name]
    assert measures["recall@20 cold"] is not None


def test_without_a_test_split_codes_have_the_metrics_of_the_best_epoch(
    clustered, small_recipe, tmp_path
):
    dataset = Dataset(clustered, None, "clustered", ReadReport())
    pipeline = TrainingPipeline(dataset, small_recipe, TrainingOptions(tmp_path / "run"))
    result = pipeline.publish(ReleaseStore(tmp_path / "releases"))
    problem = Problem.validation(pipeline.train, small_recipe)
    measures = Codes.of_training(result, None, None).measure(problem, groups_of(problem))
    for name in ("recall@20", "recall@50", "ndcg@20", "coverage@20"):
        assert measures[name] == pytest.approx(result.validation[name])
    assert measures["recall@20 tail"] is not None


def test_the_groups_are_unknown_if_an_earlier_process_validated(
    clustered, small_recipe, tmp_path, monkeypatch
):
    dataset = Dataset(clustered, None, "clustered", ReadReport())
    options = TrainingOptions(tmp_path / "run")
    TrainingPipeline(dataset, small_recipe, options).fit()
    pipeline = TrainingPipeline(dataset, small_recipe, options)
    result = pipeline.publish(ReleaseStore(tmp_path / "releases"))
    problem = Problem.validation(pipeline.train, small_recipe)
    measures = Codes.of_training(result, None, None).measure(problem, groups_of(problem))
    assert measures["recall@20"] == result.validation["recall@20"]
    assert measures["recall@20 cold"] is None
