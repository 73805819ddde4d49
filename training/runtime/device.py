"""The device of a training."""

from __future__ import annotations

from typing import Final

import torch

from bitrecall.training.errors import TrainingError

_HINT: Final = "use --device cpu or --device cuda"


def named_device(name: str) -> torch.device:
    """Return the torch device of a name such as ``cpu`` or ``cuda:1``.

    Raises:
        TrainingError: the device does not exist.
    """
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise TrainingError(f"{name!r} is not a device: {_HINT}") from error
    if device.type == "meta":
        raise TrainingError(f"{name!r} is not a device to train on: {_HINT}")
    if device.type == "cuda" and not torch.cuda.is_available():
        raise TrainingError("no CUDA device is available: use --device cpu")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        count = torch.cuda.device_count()
        raise TrainingError(f"{device} does not exist: the number of CUDA devices is {count}")
    return device
