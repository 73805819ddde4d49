"""The packages of each extra, and errors that name the extra to install."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from bitrecall.errors import MissingExtraError

__all__ = ["extra_needed", "how_to_install", "missing_extra"]

# Modules that only extras install, and the extra to name if one is missing.
_EXTRAS: Final = {
    "alembic": "events",
    "anyio": "serve",
    "apscheduler": "schedule",
    "backports": "train",
    "fastapi": "serve",
    "httptools": "serve",
    "httpx": "client",
    "implicit": "train",
    "lightgbm": "train",
    "matplotlib": "loadtest",
    "polars": "train",
    "prometheus_client": "serve",
    "scipy": "train",
    "sqlalchemy": "events",
    "starlette": "serve",
    "threadpoolctl": "train",
    "torch": "train",
    "tqdm": "train",
    "uvicorn": "serve",
    "uvloop": "serve",
}
# Commands with an extra that installs all that they need.
_COMMAND_EXTRAS: Final = {
    "benchmark": "benchmark",
    "loadtest": "loadtest",
    "reproduce": "reproduce",
    "scheduler": "schedule",
    "serve": "serve",
}

# Change to "{pip} install 'bitrecall[{extra}]'" with the first release on a package index.
_INSTALL_COMMAND: Final = (
    "from a checkout, {pip} install -c constraints.txt -e '.[{extra}]'; from a wheel, {pip} "
    "install 'bitrecall-VERSION.whl[{extra}]'"
)


def how_to_install(extra: str) -> str:
    """Return the command that installs an extra, such as ``serve``."""
    # The pip of another Python would install it where this one does not look.
    pip = f"{shlex.quote(sys.executable)} -m pip" if sys.executable else "pip"
    return _INSTALL_COMMAND.format(pip=pip, extra=extra)


def missing_extra(
    error: ModuleNotFoundError, caller: str = "this", command: str | None = None
) -> MissingExtraError | None:
    """Return the error to raise instead if the missing module belongs to an extra, else None.

    Args:
        error: the error of the import.
        caller: what needs the module, such as ``bitrecall.fit``.
        command: the sub-command of ``bitrecall`` that needs it.
    """
    package = (error.name or "").partition(".")[0]
    if package not in _EXTRAS:
        return None
    return _missing(caller, package, _COMMAND_EXTRAS.get(command or "", _EXTRAS[package]))


@contextmanager
def extra_needed(caller: str, extra: str) -> Iterator[None]:
    """Turn a failed import of an extra's package into a MissingExtraError.

    Args:
        caller: what needs the package, such as ``bitrecall.fit``.
        extra: the extra to name.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in _EXTRAS:
            raise
        raise _missing(caller, package, extra) from error


def _missing(caller: str, package: str, extra: str) -> MissingExtraError:
    return MissingExtraError(
        f"{caller} needs {package}, which is not installed: {how_to_install(extra)}", package, extra
    )
