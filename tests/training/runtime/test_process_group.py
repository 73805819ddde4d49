"""Two processes train what one does: real processes, connected by gloo."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.multiprocessing.spawn import ProcessRaisedException

from bitrecall.index.releases.release import Release
from bitrecall.index.releases.store import ReleaseStore
from bitrecall.training.data.collapse import collapse
from bitrecall.training.data.dataset import Dataset, ReadReport
from bitrecall.training.data.split import random_per_user
from bitrecall.training.hashing.hashing_method import HashingMethod
from bitrecall.training.model.graph import EdgeList
from bitrecall.training.pipeline import TrainingPipeline
from bitrecall.training.recipe.recipe_file import load_recipe
from bitrecall.training.runtime.process_group import SINGLE_PROCESS, ProcessGroup
from bitrecall.training.training_options import TrainingOptions
from tests.training.runtime.ranks import run_in_processes

# One process trains once for all of them.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("process_group")]

RECIPES = {
    "bitrecall": ["fit.epochs=2"],
    "item sums, with their own pairs, sampled": [
        *("fit.epochs=2", "teacher.pairs=0.3", "encoder.name=item_sums"),
        *("loss.sample=100", "loss.head=20"),
    ],
    "hidden pairs, by users, few in a batch": [
        *("method=proposed", "fit.epochs=2", "fit.hidden=0.5", "loss.weighting=users"),
        *("fit.batch_users=37",),
    ],
    "validated": ["fit.epochs=2", "validation.share=0.2", "validation.patience=1"],
}

# Adam divides a gradient by its size. With the recipes' tiny epsilon a gradient that is 0 but for
# rounding moves a parameter by a full step, in a direction that depends on the order of summing.
# This epsilon is above float32's rounding of any gradient here.
ADAM_EPSILON = "fit.epsilon=1e-5"


def dataset() -> Dataset:
    """400 users in four groups, who mostly choose among their group's 75 items."""
    rng = np.random.default_rng(0)
    same_group = np.arange(400)[:, None] % 4 == np.arange(300)[None] % 4
    users, items = np.nonzero(rng.random((400, 300)) < np.where(same_group, 0.15, 0.02))
    pairs = collapse(
        [f"user-{row}" for row in range(400)],
        [f"item-{row}" for row in range(300)],
        users.astype(np.int32),
        items.astype(np.int32),
    )
    train, test = random_per_user(pairs, 0.2, seed=0)
    return Dataset(train, test, "groups", ReadReport())


def train(group: ProcessGroup, folder: Path, overrides: list[str]) -> None:
    """Train and publish into a folder."""
    options = TrainingOptions(folder / "run", progress_bar=False, group=group)
    recipe = load_recipe("sample", [*overrides, ADAM_EPSILON])
    pipeline = TrainingPipeline(dataset(), recipe, options)
    if group.is_first:
        pipeline.publish(ReleaseStore(folder / "releases"))
    else:
        pipeline.fit()


def train_each(group: ProcessGroup, root: Path) -> None:
    for name, overrides in RECIPES.items():
        train(group, root / name, overrides)


def save_gradients(group: ProcessGroup, folder: Path, encoders: Sequence[str]) -> None:
    """Save the gradients of the first step, for all users, from the first process."""
    rng = np.random.default_rng(0)
    users, items = np.nonzero(rng.random((61, 40)) < 0.2)
    for encoder in encoders:
        overrides = ["bits=16", "fit.batch_users=50", f"encoder.name={encoder}"]
        recipe = load_recipe("proposed-gowalla", overrides)
        trainer = HashingMethod(EdgeList(users, items, 61, 40), recipe, group=group)
        trainer.advance()
        gradients = {
            name: trainer._gather_users(name, parameter.grad).numpy()
            for name, parameter in trainer.model.named_parameters()
        }
        if group.is_first:
            np.savez(folder / f"{encoder}.npz", **gradients)


def logged(folder: Path, event: str) -> list[dict[str, Any]]:
    lines = (folder / "run" / "log.jsonl").read_text().splitlines()
    return [record for line in lines if (record := json.loads(line))["event"] == event]


def share_of_equal_bits(one: Release, other: Release) -> float:
    differing = np.bitwise_count(one.item_codes ^ other.item_codes).sum()
    rows = np.arange(one.n_users)
    differing += np.bitwise_count(one.user_codes(rows) ^ other.user_codes(rows)).sum()
    return 1 - float(differing) / (one.bits * (one.n_items + one.n_users))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with PROCESSES/RECIPE/{releases,run} for one process and for two."""
    root = tmp_path_factory.mktemp("trained")
    train_each(SINGLE_PROCESS, root / "1")
    run_in_processes(2, train_each, root / "2")
    return root


@pytest.mark.parametrize("name", RECIPES)
def test_two_processes_train_the_codes_of_one(trained: Path, name: str) -> None:
    single, double = trained / "1" / name, trained / "2" / name
    stores = [ReleaseStore(folder / "releases") for folder in (single, double)]
    assert [len(store.list()) for store in stores] == [1, 1]
    # Only the order of summing differs: losses agree to float32's rounding, and an embedding that
    # is 0 within that rounding may get another sign.
    losses = [[epoch["loss"] for epoch in logged(folder, "epoch")] for folder in (single, double)]
    assert losses[1] == pytest.approx(losses[0], rel=1e-5)
    assert share_of_equal_bits(*(store.open_current() for store in stores)) > 0.9999
    assert logged(double, "start")[0]["processes"] == 2


def test_the_command_trains_in_two_processes_and_publishes_once(tmp_path: Path) -> None:
    train = dataset().train
    rows = [
        f"{train.user_ids[u]},{train.item_ids[i]}"
        for u, i in zip(train.users, train.items, strict=True)
    ]
    (tmp_path / "clicks.csv").write_text("\n".join(["user_id,item_id", *rows]))
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    # Without the separator torchrun would take options that it knows for its own.
    command += ["--nproc-per-node", "2", "-m", "--", "bitrecall", "train"]
    command += [str(tmp_path / "clicks.csv"), "--recipe", "sample", "--no-comparison"]
    command += ["--set", "fit.epochs=1"]
    command += ["--run", str(tmp_path / "run"), "--releases", str(tmp_path / "releases")]
    completed = subprocess.run(
        command,
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"},
        check=False,
    )
    assert completed.returncode == 0, completed.stderr[-2000:]
    assert len(ReleaseStore(tmp_path / "releases").list()) == 1
    assert logged(tmp_path, "start")[0]["processes"] == 2


def test_three_processes_have_the_gradients_of_one(tmp_path: Path) -> None:
    # Trained embeddings would not show a gradient of the wrong length: Adam divides by it.
    encoders = ("lightgcn", "item_sums")
    for processes in ("1", "3"):
        (tmp_path / processes).mkdir()
    save_gradients(SINGLE_PROCESS, tmp_path / "1", encoders)
    run_in_processes(3, save_gradients, tmp_path / "3", encoders)
    for encoder in encoders:
        one, three = (np.load(tmp_path / count / f"{encoder}.npz") for count in ("1", "3"))
        for name in ("users", "items"):
            assert np.abs(one[name]).max() > 1e-6
            assert np.allclose(one[name], three[name], rtol=1e-3, atol=1e-7)


def test_rejects_a_method_for_one_process(tmp_path: Path) -> None:
    with pytest.raises(
        ProcessRaisedException, match="TrainingError: method bgch trains in one process, not in 2"
    ):
        run_in_processes(2, train, tmp_path, ["method=bgch"])


def test_a_single_process_does_not_communicate() -> None:
    values = torch.tensor([1.0, 2.0])
    assert SINGLE_PROCESS.sum(values) is values
    assert SINGLE_PROCESS.differentiable_sum(values) is values
    assert SINGLE_PROCESS.gather(values, 2) is values
    assert SINGLE_PROCESS.broadcast_from_first(lambda: 3) == 3
    assert SINGLE_PROCESS.any(True)
    assert not SINGLE_PROCESS.any(False)


def test_each_user_belongs_to_one_process() -> None:
    rows = [ProcessGroup(rank, 3).rows(10).tolist() for rank in range(3)]
    assert rows == [[0, 3, 6, 9], [1, 4, 7], [2, 5, 8]]
