"""Checks whether the fast path was tested with the installed versions of uvicorn and httptools.

``HttpProtocol`` subclasses parts of uvicorn that may change with any version. With an untested
version uvicorn's own protocol class serves requests: with the same responses, more slowly, and
without the limits that only ``HttpProtocol`` can set.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Final

from bitrecall.extras import how_to_install

# The tested series; the extra serve in pyproject.toml allows no others.
TESTED: Final = {"uvicorn": "0.54", "httptools": "0.9"}


def untested_versions() -> list[str]:
    """The installed packages outside the tested series, such as ``uvicorn 0.55.1``."""
    installed = {package: version(package) for package in TESTED}
    return [
        f"{package} {number}"
        for package, number in installed.items()
        if number != TESTED[package] and not number.startswith(f"{TESTED[package]}.")
    ]


def untested_warning() -> str | None:
    """A warning for the log if a version is untested; otherwise None."""
    untested = untested_versions()
    if not untested:
        return None
    tested = " and ".join(f"{package} {series}.*" for package, series in TESTED.items())
    return (
        f"Bitrecall was not tested with {' and '.join(untested)}: requests are served by uvicorn's "
        "own HTTP protocol, more slowly and without Bitrecall's limits on concurrent requests, "
        "request heads, slow clients and buffered bytes; "
        f"install {tested} ({how_to_install('serve')})"
    )
