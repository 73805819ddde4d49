"""Where a training runs."""

from __future__ import annotations

import torch

from bitrecall.training.errors import TrainingError


def named_device(name: str) -> torch.device:
    """The torch device of a name such as ``cpu`` or ``cuda:1``; TrainingError where it is not."""
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise TrainingError(f"{name!r} is not a device: try cpu or cuda") from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise TrainingError("there is no CUDA device here: use --device cpu")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise TrainingError(f"there is no {device}: CUDA has {torch.cuda.device_count()} devices")
    return device
