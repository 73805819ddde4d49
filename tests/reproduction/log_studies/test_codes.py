from bitrecall.index.releases.recency import Recency
from bitrecall.index.releases.store import ReleaseStore
from bitrecall.reproduction.log_studies.codes import cells, without_recency
from bitrecall.training.pipeline import TrainingPipeline
from bitrecall.training.training_options import TrainingOptions


def test_measures_the_release_on_the_test_split(cell_run):
    run = cell_run()
    measured = cells("chains")[0].run(run)
    assert [result.variant for result in measured] == ["with recency", "recency off"]
    release = ReleaseStore(run.folder / "releases").open_current()
    assert measured[0].metrics["recall@20"] == release.manifest.metrics["recall@20"]
    assert measured[0].details["bits"] == 16


def test_codes_without_recency_are_the_trained_ones(cell_run):
    run = cell_run()
    pipeline = TrainingPipeline(run.dataset, run.recipe, TrainingOptions(run.folder))
    model = pipeline.fit()
    model.fit.progress.recency = vars(Recency(2.0, 4.0, 4.0, 2.0))
    release = pipeline._publish_model(ReleaseStore(run.folder / "releases"), model).release
    assert release.recency is not None
    plain = without_recency(release)
    assert plain.recency is None
    assert plain.leaning_codes is None
