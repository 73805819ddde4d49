"""The packages that only some uses need, and how they are installed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from bitrecall.errors import MissingExtraError

__all__ = ["extra_needed", "how_to_install", "missing_extra"]

# The modules that extras bring, and which extra to name when one is missing.
_EXTRAS: Final = {
    "alembic": "events",
    "anyio": "serve",
    "apscheduler": "schedule",
    "backports": "train",
    "fastapi": "serve",
    "httptools": "serve",
    "httpx": "client",
    "matplotlib": "loadtest",
    "polars": "train",
    "prometheus_client": "serve",
    "scipy": "train",
    "sqlalchemy": "events",
    "starlette": "serve",
    "torch": "train",
    "tqdm": "train",
    "uvicorn": "serve",
    "uvloop": "serve",
}
# Commands with an extra of their own, which brings what they miss.
_OF_COMMANDS: Final = {
    "loadtest": "loadtest",
    "reproduce": "reproduce",
    "scheduler": "schedule",
    "serve": "serve",
}

# To be changed to "pip install 'bitrecall[{extra}]'" by the first release on a package index.
_COMMAND: Final = (
    "from a checkout, pip install -c constraints.txt '.[{extra}]'; from a wheel, pip install "
    "'bitrecall-VERSION.whl[{extra}]'"
)


def how_to_install(extra: str) -> str:
    """What to type to have the packages of an extra, such as ``serve``."""
    return _COMMAND.format(extra=extra)


def missing_extra(
    error: ModuleNotFoundError, what: str = "this", command: str | None = None
) -> MissingExtraError | None:
    """The error to raise instead, if the module that was not found is of an extra.

    Args:
        error: what the import raised.
        what: needs the module, such as ``bitrecall.fit``.
        command: the sub-command of ``bitrecall`` that needs it.
    """
    package = (error.name or "").partition(".")[0]
    if package not in _EXTRAS:
        return None
    return _missing(what, package, _OF_COMMANDS.get(command or "", _EXTRAS[package]))


@contextmanager
def extra_needed(what: str, extra: str) -> Iterator[None]:
    """Turn the failed import of a package of an extra into a MissingExtraError that names it."""
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in _EXTRAS:
            raise
        raise _missing(what, package, extra) from error


def _missing(what: str, package: str, extra: str) -> MissingExtraError:
    return MissingExtraError(
        f"{what} needs {package}, which is not installed: {how_to_install(extra)}", package, extra
    )
