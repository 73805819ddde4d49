import numpy as np
import pytest
import torch

from bitrecall.training.errors import CheckpointError
from bitrecall.training.fitting.checkpoint import Checkpoint


def checkpoint() -> Checkpoint:
    return Checkpoint(
        "recipe/data",
        epoch=3,
        step=7,
        state={"users": torch.randn(4, 8), "users.exp_avg": torch.zeros(4, 8)},
        progress={"loss": -0.25, "history": [{"epoch": 1}]},
        best={"items": torch.ones(2, 8)},
    )


def test_saves_and_loads_a_checkpoint(tmp_path):
    path, saved = tmp_path / "fit.npz", checkpoint()
    saved.save(path)
    loaded = Checkpoint.load(path, "recipe/data")
    assert loaded is not None
    assert (loaded.epoch, loaded.step, loaded.progress) == (3, 7, saved.progress)
    for name, value in saved.state.items():
        assert torch.equal(loaded.state[name], value)
    assert torch.equal(loaded.best["items"], saved.best["items"])


def test_loads_none_if_the_file_does_not_exist(tmp_path):
    assert Checkpoint.load(tmp_path / "fit.npz", "any") is None


def test_rejects_another_training(tmp_path):
    checkpoint().save(tmp_path / "fit.npz")
    with pytest.raises(CheckpointError, match="another recipe or data set"):
        Checkpoint.load(tmp_path / "fit.npz", "other/data")


@pytest.mark.parametrize("damage", ["truncated", "garbage", "empty", "no header"])
def test_rejects_a_damaged_file_and_names_it(tmp_path, damage):
    path = tmp_path / "fit.npz"
    checkpoint().save(path)
    whole = path.read_bytes()
    if damage == "no header":
        with path.open("wb") as file:
            np.savez(file, users=np.zeros(3))
    else:
        path.write_bytes({"truncated": whole[:200], "garbage": b"x" * 99, "empty": b""}[damage])
    with pytest.raises(CheckpointError, match=r"fit\.npz"):
        Checkpoint.load(path, "recipe/data")


def test_does_not_load_pickles(tmp_path):
    path = tmp_path / "fit.npz"
    with path.open("wb") as file:
        np.savez(file, header=np.array([{"an": "object"}], dtype=object))
    with pytest.raises(CheckpointError, match="allow_pickle=False"):
        Checkpoint.load(path, "recipe/data")


def test_a_failed_write_keeps_the_old_checkpoint(tmp_path, monkeypatch):
    path = tmp_path / "fit.npz"
    checkpoint().save(path)
    before = path.read_bytes()

    def no_space(*_: object, **__: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(np, "savez", no_space)
    with pytest.raises(CheckpointError, match="no space left"):
        checkpoint().save(path)
    assert path.read_bytes() == before
