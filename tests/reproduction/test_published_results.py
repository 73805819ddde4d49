from bitrecall.reproduction.published_results import load_published
from bitrecall.reproduction.summary import DATASETS, METHODS, METRICS


def test_every_figure_has_a_known_data_set_method_and_source():
    published = load_published()
    for figure in published.figure:
        assert figure.dataset in DATASETS
        assert figure.method in METHODS
        assert figure.source in published.source
        assert set(figure.metrics) <= set(METRICS)
        assert all(0 < value < 1 for value in figure.metrics.values())


def test_includes_every_figure_of_the_papers_table():
    published = load_published()
    for dataset in ("gowalla", "yelp2018"):
        for method in ("proposed", "bgch", "hashgnn", "hashrec"):
            figure = published.by("poster", dataset, method)
            assert list(figure.metrics) == ["recall@50", "recall@100", "ndcg@50", "ndcg@100"]
    assert published.by("poster", "gowalla", "proposed").metrics["recall@50"] == 0.23082
    assert published.by("poster", "yelp2018", "hashrec").metrics["ndcg@100"] == 0.05134
    assert published.by("poster", "gowalla", "lightgcn") is None
