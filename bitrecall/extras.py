"""The packages that only some uses need, and how they are installed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from bitrecall.errors import MissingExtraError

__all__ = ["extra_needed", "how_to_install", "missing_extra"]

_EXTRAS: Final = {
    "polars": "train",
    "scipy": "train",
    "torch": "train",
    "tqdm": "train",
    "httpx": "client",
    "matplotlib": "reproduce",
    "apscheduler": "schedule",
    "fastapi": "serve",
    "httptools": "serve",
    "prometheus_client": "loadtest",
    "starlette": "serve",
    "uvicorn": "serve",
    "uvloop": "serve",
}

# To be changed to "pip install 'bitrecall[{extra}]'" by the first release on a package index.
_COMMAND: Final = (
    "from a checkout, pip install -c constraints.txt '.[{extra}]'; from a wheel, pip install "
    "'bitrecall-VERSION.whl[{extra}]'"
)


def how_to_install(extra: str) -> str:
    """What to type to have the packages of an extra, such as ``serve``."""
    return _COMMAND.format(extra=extra)


def missing_extra(error: ModuleNotFoundError, what: str = "this") -> MissingExtraError | None:
    """The error to raise instead, if the module that was not found is of an extra.

    Args:
        error: what the import raised.
        what: needs the module, such as ``bitrecall.fit``.
    """
    package = (error.name or "").partition(".")[0]
    if package not in _EXTRAS:
        return None
    extra = _EXTRAS[package]
    return MissingExtraError(
        f"{what} needs {package}, which is not installed: {how_to_install(extra)}", package, extra
    )


@contextmanager
def extra_needed(what: str) -> Iterator[None]:
    """Turn the failed import of a package of an extra into a MissingExtraError."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (missing := missing_extra(error, what)) is None:
            raise
        raise missing from error
