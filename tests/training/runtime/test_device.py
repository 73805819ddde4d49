import pytest
import torch

from bitrecall.training.errors import TrainingError
from bitrecall.training.fitting.fit_loop import FitLoop, FitOptions
from bitrecall.training.runtime.device import named_device


def test_a_device_that_is_there():
    assert named_device("cpu") == torch.device("cpu")


def test_devices_that_are_not_there(monkeypatch):
    with pytest.raises(TrainingError, match="not a device"):
        named_device("toaster")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(TrainingError, match="--device cpu"):
        named_device("cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(TrainingError, match="CUDA has 2 devices"):
        named_device("cuda:2")
    assert named_device("cuda:1") == torch.device("cuda:1")


def test_a_fit_refuses_a_device_that_is_not_there(clustered, small_recipe):
    with pytest.raises(TrainingError, match="not a device"):
        FitLoop(clustered, small_recipe, epochs=1, options=FitOptions(device="toaster"))
