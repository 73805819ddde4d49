"""The processes of a training, forked from one process that has imported torch.

``torchrun`` starts interpreters, and each imports torch for two seconds. These processes get the
same environment, connect by gloo in the same way, and start at once.
"""

import multiprocessing
import os
from collections.abc import Callable

import torch
from torch.distributed import TCPStore  # type: ignore[attr-defined]
from torch.multiprocessing.spawn import start_processes

from bitrecall.training.runtime.process_group import ProcessGroup, init_process_group

# DistributedDataParallel imports the last one when it wraps a model.
_IMPORTS = [
    *(__name__, "bitrecall.training.pipeline", "bitrecall.training.hashing.hashing_method"),
    "torch._dynamo",
]

# The function of a process: it gets the group and the arguments.
Work = Callable[..., None]


def run_in_processes(size: int, work: Work, *arguments: object) -> None:
    """Call a function of a module in ``size`` processes that train together.

    Raises:
        ProcessRaisedException: the function raised in a process; the others are ended.
    """
    multiprocessing.get_context("forkserver").set_forkserver_preload(_IMPORTS)
    # As torchrun does it: the store is in the parent, on a port that no other process can take.
    store = TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    start_processes(
        _run,
        args=(size, store.port, work, arguments),
        nprocs=size,
        start_method="forkserver",
    )


def _run(rank: int, size: int, port: int, work: Work, arguments: tuple[object, ...]) -> None:
    os.environ |= {
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(size),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "TORCHELASTIC_USE_AGENT_STORE": "True",
        "TORCHELASTIC_RESTART_COUNT": "0",
    }
    torch.set_num_threads(1)
    with init_process_group() as group:
        assert isinstance(group, ProcessGroup)
        work(group, *arguments)
