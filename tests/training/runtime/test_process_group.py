"""Two processes train what one does; real processes, which talk by gloo."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bitrecall.index.releases.release import Release
from bitrecall.index.releases.store import ReleaseStore
from bitrecall.training.runtime.process_group import SINGLE_PROCESS, ProcessGroup

pytestmark = pytest.mark.slow

RECIPES = {
    "bitrecall": ["fit.epochs=3"],
    "item sums, with their own pairs, sampled": [
        *("fit.epochs=3", "teacher.pairs=0.3", "encoder.name=item_sums"),
        *("loss.sample=100", "loss.head=20"),
    ],
    "hidden pairs, by users, few in a batch": [
        *("method=proposed", "fit.epochs=2", "fit.hidden=0.5", "loss.weighting=users"),
        *("fit.batch_users=37",),
    ],
    "validated": ["fit.epochs=3", "validation.share=0.2", "validation.patience=1"],
}

# Adam divides a gradient by its size: with the recipes' tiny epsilon, a gradient that is 0 but for
# rounding moves a parameter by a whole step, in a direction that depends on the order of summing.
# With this one, above float32's rounding of any gradient here, rounding stays rounding.
SETTLED = "fit.epsilon=1e-5"

# Saves the gradients of a first step, of all users, from the first process.
STEP = """
import sys
import numpy as np
import torch
from bitrecall.training.model.graph import EdgeList
from bitrecall.training.runtime.process_group import init_process_group
from bitrecall.training.recipe.recipe_file import load_recipe
from bitrecall.training.hashing.hashing_method import HashingMethod

rng = np.random.default_rng(0)
users, items = np.nonzero(rng.random((61, 40)) < 0.2)
recipe = load_recipe("proposed-gowalla", ["bits=16", "fit.batch_users=50", *sys.argv[2:]])
with init_process_group() as group:
    trainer = HashingMethod(EdgeList(users, items, 61, 40), recipe, group=group)
    trainer.advance()
    gradients = {
        name: trainer._whole(name, parameter.grad).numpy()
        for name, parameter in trainer.model.named_parameters()
    }
    if group.is_first:
        np.savez(sys.argv[1], **gradients)
"""


def run(processes: int, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable]
    if processes > 1:
        command += ["-m", "torch.distributed.run", "--standalone"]
        command += ["--nproc-per-node", str(processes)]
    return subprocess.run(
        [*command, *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"},
        check=False,
    )


def train(folder: Path, processes: int, *arguments: str) -> subprocess.CompletedProcess[str]:
    given = ["--recipe", "sample", "--run", str(folder / "run")]
    given += ["--releases", str(folder / "releases"), *arguments]
    # torchrun takes what looks like an option of its own before it comes to ours.
    apart = ["--"] if processes > 1 else []
    return run(processes, "-m", *apart, "bitrecall", "train", "sample", *given)


def told(folder: Path, event: str) -> list[dict[str, Any]]:
    lines = (folder / "run" / "log.jsonl").read_text().splitlines()
    return [found for line in lines if (found := json.loads(line))["event"] == event]


def same_bits(one: Release, other: Release) -> float:
    differing = np.bitwise_count(one.item_codes ^ other.item_codes).sum()
    rows = np.arange(one.n_users)
    differing += np.bitwise_count(one.user_codes(rows) ^ other.user_codes(rows)).sum()
    return 1 - float(differing) / (one.bits * (one.n_items + one.n_users))


@pytest.mark.parametrize("name", RECIPES)
def test_two_processes_train_what_one_does(tmp_path: Path, name: str) -> None:
    overrides = [part for value in (*RECIPES[name], SETTLED) for part in ("--set", value)]
    releases = []
    for processes in (1, 2):
        folder = tmp_path / str(processes)
        done = train(folder, processes, *overrides)
        assert done.returncode == 0, done.stderr[-2000:]
        releases.append(ReleaseStore(folder / "releases").open_current())
        assert len(ReleaseStore(folder / "releases").list()) == 1
    alone, together = (
        [one["loss"] for one in told(tmp_path / str(number), "epoch")] for number in (1, 2)
    )
    # What is left of the order of summing: a loss is right to float32's rounding, and an embedding
    # within that rounding of 0 may get another sign.
    assert together == pytest.approx(alone, rel=1e-5)
    assert same_bits(*releases) > 0.9999
    assert told(tmp_path / "2", "start")[0]["processes"] == 2


@pytest.mark.parametrize("encoder", ["lightgcn", "item_sums"])
def test_gradients_are_those_of_one_process(tmp_path: Path, encoder: str) -> None:
    # Adam hides how long a gradient is: what is trained would be the same with a wrong length.
    script = tmp_path / "step.py"
    script.write_text(STEP)
    for processes in (1, 3):
        where = str(tmp_path / f"{processes}.npz")
        done = run(processes, str(script), where, f"encoder.name={encoder}")
        assert done.returncode == 0, done.stderr[-2000:]
    alone, together = (np.load(tmp_path / f"{number}.npz") for number in (1, 3))
    for name in ("users", "items"):
        assert np.abs(alone[name]).max() > 1e-6
        assert np.allclose(alone[name], together[name], rtol=1e-3, atol=1e-7)


def test_a_method_for_one_process_says_so(tmp_path: Path) -> None:
    done = train(tmp_path, 2, "--set", "method=bgch")
    assert done.returncode != 0
    assert "method bgch trains in one process, not in 2" in done.stderr


def test_alone_there_is_nobody_to_ask() -> None:
    some = torch.tensor([1.0, 2.0])
    assert SINGLE_PROCESS.sum(some) is some
    assert SINGLE_PROCESS.differentiable_sum(some) is some
    assert SINGLE_PROCESS.gather(some, 2) is some
    assert SINGLE_PROCESS.broadcast_from_first(lambda: 3) == 3
    assert SINGLE_PROCESS.any(True)
    assert not SINGLE_PROCESS.any(False)


def test_every_user_has_one_process() -> None:
    rows = [ProcessGroup(rank, 3).rows(10).tolist() for rank in range(3)]
    assert rows == [[0, 3, 6, 9], [1, 4, 7], [2, 5, 8]]
