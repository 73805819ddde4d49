import json

import pytest

from bitrecall.reproduction.part_selection import select_runs
from bitrecall.reproduction.plan import parse_plan
from bitrecall.reproduction.study import Study, StudyOptions
from bitrecall.reproduction.worker import run_job
from tests.training.conftest import clustered, clustered_dataset, one_thread, small_recipe

__all__ = ["clustered", "clustered_dataset", "one_thread", "small_recipe"]

PLAN = """
[[row]]
part = "gowalla/proposed/16"
recipe = "sample"
set = ["method=proposed", "bits=16", "fit.epochs=2", "fit.batch_users=16", "sign.beta=1"]
seeds = [0, 1]
minutes = 0.1

[[row]]
part = "gowalla/lightgcn/256"
recipe = "sample"
set = ["method=lightgcn", "lightgcn.dimensions=8", "fit.epochs=2"]
minutes = 0.1

[[study]]
part = "gowalla/study/sign"
title = "The sign"
note = "Sixteen bits."
recipe = "sample"
set = ["method=proposed", "bits=16", "fit.epochs=2", "fit.batch_users=16", "sign.beta=1"]
minutes = 0.1
[study.variant]
aage = { label = "AAGE" }
steeper = { set = ["sign.beta=2"] }

[[study]]
part = "gowalla/study/beta"
title = "AAGE's slope"
recipe = "sample"
set = ["method=proposed", "bits=16", "fit.epochs=2", "fit.batch_users=16", "sign.beta=1"]
minutes = 0.1
[study.variant]
b-1 = { set = ["sign.beta=1"] }

[[study]]
part = "gowalla/study/ties"
title = "Ties"
recipe = "sample"
set = ["method=proposed", "bits=16", "fit.epochs=2", "fit.batch_users=16", "sign.beta=1"]
measure = "ties"
minutes = 0.1
[study.variant]
trained = {}

[[study]]
part = "gowalla/study/teachers"
title = "Teachers and students"
recipe = "sample"
set = ["method=bitrecall", "bits=16", "teacher.rank=4", "teacher.length=10", "fit.epochs=1"]
measure = "teacher"
minutes = 0.1
[study.variant]
filter = {}
student = { measure = "validation" }
"""


@pytest.fixture
def plan():
    return parse_plan(PLAN, "the plan of the tests")


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    """Thirty users of two tastes, in the LightGCN format with its two files."""
    folder = tmp_path_factory.mktemp("tiny")
    baskets = [
        (user, [user % 2 * 20 + (user + step) % 20 for step in range(13)]) for user in range(30)
    ]
    for name, part in (("train", slice(None, 11)), ("test", slice(11, None))):
        text = "\n".join(f"{user} " + " ".join(map(str, items[part])) for user, items in baskets)
        (folder / f"{name}.txt").write_text(text)
    return folder


@pytest.fixture
def lines():
    return []


@pytest.fixture
def study(plan, data, tmp_path, lines):
    """Run parts of the plan in this process and return the report."""

    def study(*patterns, plan=plan, data=data, launch=None, **choices):
        options = StudyOptions(
            data={"gowalla": data},
            runs=tmp_path / "runs",
            out=tmp_path / "out",
            progress_bar=False,
            launch=launch or (lambda job, threads: run_job(job)),
            **choices,
        )
        return Study(plan, options, lines.append).run(select_runs(plan, patterns))

    return study


@pytest.fixture
def results(tmp_path):
    def results():
        return json.loads((tmp_path / "out" / "results.json").read_text())

    return results


@pytest.fixture
def row():
    """Make a result row; keyword arguments override its fields."""

    def row(part, seed=0, recall=0.2, **others):
        dataset, method, *suffix = part.split("/")
        in_study = method == "study"
        fields = {
            "part": part,
            "dataset": dataset,
            "method": "bitrecall" if in_study else method,
            "bits": 128 if in_study else int(suffix[0]),
            "seed": seed,
            "study": suffix[0] if in_study else "table",
            "split": "validation" if in_study else "test",
            "similarity": "hamming",
            "metrics": {
                f"{name}@{k}": round(recall * factor * share, 6)
                for name, factor in (("recall", 1), ("ndcg", 0.5), ("bgch_ndcg", 0.75))
                for k, share in ((20, 0.5), (50, 1), (100, 1.5))
            },
            "epochs": 2,
            "recipe_sha256": "ab" * 32,
            "code_version": "0.1.0",
            "wall_seconds": 90.0,
            "peak_rss_mib": 1536,
            "machine": {"cpu": "A Processor", "cores": 2, "threads": 2},
            "curve": [
                {"phase": "final", "epoch": 1, "seconds": 30.0, "loss": -0.25, "metrics": {}},
                {"phase": "final", "epoch": 2, "seconds": 60.0, "loss": -0.5, "metrics": {}},
            ],
        }
        if in_study:
            fields["variant"] = suffix[1]
        return fields | others

    return row
