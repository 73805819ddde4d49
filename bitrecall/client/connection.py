"""Where a service is, and how it is connected to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from bitrecall import __version__
from bitrecall.client.exchange import Answer, Broken
from bitrecall.errors import ArgumentError
from bitrecall.extras import extra_needed

with extra_needed("bitrecall.Client", "client"):
    import httpx

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Connection", "answer_of", "broken", "connection"]


class Connection(NamedTuple):
    """Arguments of ``httpx.Client``, without its transport.

    Attributes:
        arguments: as httpx takes them.
        socket: path of a unix socket, None for TCP.
        limits: of the pool of connections.
        verify: whether certificates are checked.
    """

    arguments: dict[str, Any]
    socket: str | None
    limits: httpx.Limits
    verify: bool


def connection(
    url: str,
    key: str | None,
    timeout: float,
    max_connections: int,
    verify: bool,
    headers: Mapping[str, str] | None,
) -> Connection:
    """What to connect with.

    Raises:
        ArgumentError: the URL is neither of HTTP nor ``unix:PATH``, or the key is not text that a
            header can hold.
    """
    sent = {"User-Agent": f"bitrecall/{__version__}", **(headers or {})}
    if key is not None:
        key = key.strip()
        if not key or not key.isascii() or not key.isprintable():
            raise ArgumentError("the key is not one that `bitrecall key new` prints", "key")
        sent["Authorization"] = f"Bearer {key}"
    socket = None
    base = url
    if url.startswith("unix:"):
        socket = url.removeprefix("unix:")
        base = "http://localhost"
        if not socket:
            raise ArgumentError("a unix socket is given as unix:PATH", "url")
    elif not url.startswith(("http://", "https://")):
        raise ArgumentError(
            f"the URL of a service is http://HOST:PORT, https://HOST or unix:PATH, not {url!r}",
            "url",
        )
    try:
        parsed = httpx.URL(base)
    except httpx.InvalidURL as error:
        raise ArgumentError(f"the URL {url!r} is not valid: {error}", "url") from None
    if not parsed.host:
        raise ArgumentError(f"the URL {url!r} names no host", "url")
    limits = httpx.Limits(
        max_connections=max_connections, max_keepalive_connections=max_connections
    )
    return Connection(
        {"base_url": parsed, "headers": sent, "timeout": timeout}, socket, limits, verify
    )


def answer_of(response: httpx.Response) -> Answer:
    """The answer in a response."""
    return Answer(response.status_code, response.headers, response.content)


def broken(error: httpx.HTTPError) -> Broken:
    """What an error of httpx says about a request that was sent."""
    timed_out = isinstance(error, httpx.TimeoutException) and not isinstance(
        error, httpx.ConnectTimeout | httpx.PoolTimeout
    )
    reason = str(error) or type(error).__name__
    return Broken(f"timed out ({reason})" if timed_out else reason, timed_out)
