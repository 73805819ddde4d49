"""Allowed Host headers: the defence against DNS rebinding.

An attacker can make the host name of a web page resolve to this machine. The page can then send
requests to a service on this machine as if the service were its own origin. But the Host header
still has the page's host name.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Final, Self

from starlette.types import Scope

from bitrecall.service.errors import MisdirectedRequestError
from bitrecall.service.host_names import is_loopback, names_in
from bitrecall.service.settings import Settings, variable

_ANY: Final = "*"


class HostRule:
    """Allows requests by their Host header, ignoring its port.

    Local names (localhost, its subdomains, loopback addresses) are always allowed.

    Args:
        names: further names and addresses; ``*.example.com`` stands for all subdomains, ``*`` for
            all names.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._names = frozenset(name.lower() for name in names)
        self._endings = tuple(name[1:] for name in self._names if name.startswith("*."))
        # Clients send the same header with every request.
        self.allows = lru_cache(maxsize=256)(self._allows)

    @classmethod
    def of(cls, settings: Settings) -> Self | None:
        """The rule of a service with these settings, None if all names are allowed.

        By default only a service on a loopback address without keys has a rule: a page in a browser
        on this machine could use it. Other services have a rule if ``allowed_hosts`` is set.
        """
        names = names_in(settings.allowed_hosts)
        is_open_to_browsers = (
            settings.keys is None and settings.unix_socket is None and is_loopback(settings.host)
        )
        return cls([*names, settings.host]) if names or is_open_to_browsers else None

    def error_of(self, scope: Scope) -> MisdirectedRequestError | None:
        """The error of a request whose Host header is not allowed; None if it is allowed.

        Requests without the header are allowed: browsers always send it.
        """
        for name, value in scope["headers"]:
            if name == b"host" and not self.allows(value):
                host = value[:100].decode("latin-1")
                return MisdirectedRequestError(
                    f"the host {host!r} is not allowed: add it to {variable('allowed_hosts')}"
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
