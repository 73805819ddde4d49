"""A folder for what the workers of one service share, gone when the service is."""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

METRICS_VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"
"""Variable of the Prometheus client that names the folder through which workers count together."""

_NAME: Final = "bitrecall-service-"
_NEW: Final = "bitrecall-new-"


@contextlib.contextmanager
def shared_folder() -> Iterator[Path]:
    """A folder of our own among the temporary files.

    It is locked while this process lives. Those of this user whose process is gone, as after
    ``kill -9``, are removed first.
    """
    _remove_leftovers()
    made = Path(tempfile.mkdtemp(prefix=_NEW))
    descriptor = os.open(made, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    folder = made
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        # Only by this name is a folder taken for a leftover, and by now it is locked.
        folder = made.rename(made.with_name(made.name.replace(_NEW, _NAME, 1)))
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(descriptor)


def _remove_leftovers() -> None:
    for path in Path(tempfile.gettempdir()).glob(f"{_NAME}*"):
        with contextlib.suppress(OSError):
            descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                if os.fstat(descriptor).st_uid != os.geteuid():
                    continue
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(path, ignore_errors=True)
            finally:
                os.close(descriptor)
