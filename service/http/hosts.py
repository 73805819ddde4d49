"""Which names a service may be reached by: the defence against DNS rebinding.

A page of somebody else's whose name is made to point to this machine can ask a service on it as if
it were its own. The browser still says in the Host header which name it asked for.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Final, Self

from starlette.types import Scope

from bitrecall.service.errors import MisdirectedRequestError
from bitrecall.service.settings import Settings, is_loopback, names_in, variable

_ANY: Final = "*"


class HostRule:
    """Decides by the Host header whether a request is for this service, whatever the port in it.

    This machine's own names (localhost, names below it, loopback addresses) are always right.

    Args:
        names: further names and addresses; ``*.example.com`` stands for all names below, ``*``
            for all there are.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._names = frozenset(name.lower() for name in names)
        self._endings = tuple(name[1:] for name in self._names if name.startswith("*."))
        # A client sends the same header with every request.
        self.allows = lru_cache(maxsize=256)(self._allows)

    @classmethod
    def of(cls, settings: Settings) -> Self | None:
        """The rule of a service with these settings, None if it answers by any name.

        A service that only this machine reaches and that asks for no keys is what a page in a
        browser here could ask. Others are told what their names are.
        """
        names = names_in(settings.allowed_hosts)
        is_for_browsers_here = (
            settings.keys is None and settings.unix_socket is None and is_loopback(settings.host)
        )
        return cls([*names, settings.host]) if names or is_for_browsers_here else None

    def refused(self, scope: Scope) -> MisdirectedRequestError | None:
        """The error to answer a request with, None if its Host header is allowed.

        Requests without the header pass: browsers always send one.
        """
        for name, value in scope["headers"]:
            if name == b"host" and not self.allows(value):
                host = value[:100].decode("latin-1")
                return MisdirectedRequestError(
                    f"this service does not answer for the host {host!r}: "
                    f"{variable('allowed_hosts')} names those that it does"
                )
        return None

    def _allows(self, header: bytes) -> bool:
        name = _name_in(header)
        return (
            _ANY in self._names
            or name in self._names
            or name.endswith(self._endings)
            or _is_local(name)
        )


def _name_in(header: bytes) -> str:
    """The host in the header in lower case, without its port, brackets and last dot."""
    text = header.decode("latin-1").strip().lower()
    if text.startswith("["):
        name, bracket, port = text[1:].partition("]")
        return name if bracket and (not port or port[0] == ":") else text
    name, _, port = text.partition(":")
    return name.removesuffix(".") if port.isdecimal() or not port else text


def _is_local(name: str) -> bool:
    return name.endswith(".localhost") or is_loopback(name)
