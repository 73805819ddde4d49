"""How packages that only some need are installed."""

from __future__ import annotations

from typing import Final

__all__ = ["how_to_install"]

# To be changed to "pip install 'bitrecall[{extra}]'" by the first release on a package index.
_COMMAND: Final = (
    "from a checkout, pip install -c constraints.txt '.[{extra}]'; from a wheel, pip install "
    "'bitrecall-VERSION.whl[{extra}]'"
)


def how_to_install(extra: str) -> str:
    """What to type to have the packages of an extra, such as ``serve``."""
    return _COMMAND.format(extra=extra)
