"""A temporary folder that the workers of one service share."""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

METRICS_VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"
"""Variable of the Prometheus client: the folder through which workers share their metrics."""

_NAME: Final = "bitrecall-service-"
_NEW: Final = "bitrecall-new-"


@contextlib.contextmanager
def shared_folder() -> Iterator[Path]:
    """Create a temporary folder, and remove it at the end.

    The folder is locked while this process runs. Folders of this user whose process has died, as
    after ``kill -9``, are removed first.
    """
    _remove_leftovers()
    folder = Path(tempfile.mkdtemp(prefix=_NEW))
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        # Leftovers are recognised by this name, and by now the folder is locked.
        folder = folder.rename(folder.with_name(folder.name.replace(_NEW, _NAME, 1)))
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
