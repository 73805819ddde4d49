import pytest
import torch

from bitrecall.training.errors import TrainingError
from bitrecall.training.fitting.fit_loop import FitLoop
from bitrecall.training.fitting.fit_options import FitOptions
from bitrecall.training.runtime.device import named_device


def test_returns_an_existing_device():
    assert named_device("cpu") == torch.device("cpu")


def test_rejects_devices_that_do_not_exist(monkeypatch):
    with pytest.raises(TrainingError, match="not a device"):
        named_device("toaster")
    with pytest.raises(TrainingError, match="to train on: use --device cpu or --device cuda"):
        named_device("meta")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(TrainingError, match="--device cpu"):
        named_device("cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(TrainingError, match="number of CUDA devices is 2"):
        named_device("cuda:2")
    assert named_device("cuda:1") == torch.device("cuda:1")


def test_a_fit_rejects_a_device_that_does_not_exist(clustered, small_recipe):
    with pytest.raises(TrainingError, match="not a device"):
        FitLoop(clustered, small_recipe, epochs=1, options=FitOptions(device="toaster"))
