"""Users who take items in a fixed cyclic order, from different starts."""

import numpy as np
import pytest

from bitrecall.reproduction.log_studies.cell import CellRun
from bitrecall.training.data.collapse import collapse
from bitrecall.training.data.load import load_dataset
from bitrecall.training.recipe.recipe_file import load_recipe
from bitrecall.training.runtime.training_log import TrainingLog
from tests.training.conftest import clustered, one_thread
from tests.training.recency.conftest import drifting

__all__ = ["clustered", "drifting", "one_thread"]

USERS, ITEMS, TAKEN = 60, 30, 9
SMALL = (
    *("bits=16", "fit.epochs=1", "teacher.kind=filter", "teacher.rank=4", "teacher.length=10"),
    *("validation.share=0.2", "validation.metric=recall@5"),
)


def taken_by(user):
    return [(7 * user + step) % ITEMS for step in range(TAKEN)]


@pytest.fixture(scope="session")
def chains():
    """Each user's next item is the one after the last: popularity says nothing."""
    users = np.repeat(np.arange(USERS), TAKEN)
    items = np.concatenate([taken_by(user) for user in range(USERS)])
    return collapse(
        [f"user-{row}" for row in range(USERS)],
        [f"item-{row}" for row in range(ITEMS)],
        users.astype(np.int32),
        items.astype(np.int32),
        np.tile(np.arange(TAKEN) * 60.0, USERS),
    )


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    """The same in two files: each user's last item is the test."""
    folder = tmp_path_factory.mktemp("chains")
    for name, part in (("train", slice(None, -1)), ("test", slice(-1, None))):
        lines = ["user_id,item_id,timestamp"]
        for user in range(USERS):
            steps = list(enumerate(taken_by(user)))[part]
            lines += [f"u{user},i{item},{1_700_000_000 + 60 * step}" for step, item in steps]
        (folder / f"{name}.csv").write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture
def recipe():
    return load_recipe("default", SMALL)


@pytest.fixture
def cell_run(data, recipe, tmp_path):
    """Make what a cell works with."""

    def cell_run(rows=(), dataset=None, recipe=recipe):
        dataset = dataset or load_dataset(data)
        folder = tmp_path / f"run-{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        log = TrainingLog(folder / "log.jsonl")
        return CellRun(dataset, recipe, folder, rows, log, lambda line: None, False)

    return cell_run


@pytest.fixture
def row():
    """Make a result row; keyword arguments override its fields."""

    def row(part, seed=0, recall=0.2, **others):
        study, dataset, *variant = part.split("/")
        return {
            "part": part,
            "dataset": dataset,
            "method": "/".join(variant) or study,
            "bits": 256,
            "seed": seed,
            "study": study,
            "split": "test",
            "variant": "",
            "metrics": {"recall@20": recall, "recall@50": 2 * recall, "ndcg@20": recall / 2},
            "details": {},
            "wall_seconds": 90.0,
        } | others

    return row
