"""The connection settings of a client, and the conversion of httpx responses and errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from bitrecall import __version__
from bitrecall.arguments import check_count, check_number, check_text
from bitrecall.client.outcome import NoResponse, Response
from bitrecall.errors import ArgumentError
from bitrecall.extras import extra_needed

with extra_needed("bitrecall.Client", "client"):
    import httpx

__all__ = ["Connection", "connection", "no_response", "response_of"]


class Connection(NamedTuple):
    """Arguments of ``httpx.Client`` and of its transport.

    Attributes:
        arguments: keyword arguments of ``httpx.Client``.
        socket: path of a unix socket; None for TCP.
        limits: limits of the connection pool.
        verify: whether to verify TLS certificates.
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
    """Check the arguments of a client; they are described in ``ServiceClient``.

    Raises:
        ArgumentError: an argument has an invalid type, the URL is neither an HTTP URL nor
            ``unix:PATH``, or the key has characters that a header cannot contain.
    """
    url = check_text(url, "url", "http://127.0.0.1:8000")
    if timeout is not None:
        timeout = check_number(timeout, "timeout", 0)
    max_connections = check_count(max_connections, "max_connections")
    all_headers = {"User-Agent": f"bitrecall/{__version__}", **_checked_headers(headers)}
    if key is not None:
        key = check_text(key, "key").strip()
        if not key or not key.isascii() or not key.isprintable():
            raise ArgumentError("invalid key: expected one from `bitrecall key new`", "key")
        all_headers["Authorization"] = f"Bearer {key}"
    socket = None
    base = url
    if url.startswith("unix:"):
        socket = url.removeprefix("unix:")
        base = "http://localhost"
        if not socket:
            raise ArgumentError("invalid URL 'unix:': expected unix:PATH", "url")
    elif not url.startswith(("http://", "https://")):
        raise ArgumentError(
            f"invalid URL {url!r}: expected http://HOST:PORT, https://HOST or unix:PATH", "url"
        )
    try:
        parsed = httpx.URL(base)
    except httpx.InvalidURL as error:
        raise ArgumentError(f"invalid URL {url!r}: {error}", "url") from None
    if not parsed.host:
        raise ArgumentError(f"invalid URL {url!r}: the host is missing", "url")
    if parsed.port is not None and not 0 < parsed.port < 2**16:
        raise ArgumentError(f"invalid URL {url!r}: the port has to be from 1 to 65535", "url")
    limits = httpx.Limits(
        max_connections=max_connections, max_keepalive_connections=max_connections
    )
    return Connection(
        {"base_url": parsed, "headers": all_headers, "timeout": timeout}, socket, limits, verify
    )


def _checked_headers(headers: Mapping[str, str] | None) -> dict[str, str]:
    if headers is not None and not isinstance(headers, Mapping):
        raise ArgumentError(
            f"headers has to be a dict such as {{'X-Tenant': 'a'}}, not {type(headers).__name__}",
            "headers",
        )
    for name, value in (headers or {}).items():
        for text in (name, value):
            if not isinstance(text, str) or not text.isascii() or not text.isprintable():
                raise ArgumentError(
                    f"headers has to have names and values of printable ASCII text, not {text!r}",
                    "headers",
                )
    return dict(headers or {})


def response_of(response: httpx.Response) -> Response:
    """Convert a response of httpx."""
    return Response(response.status_code, response.headers, response.content)


def no_response(error: httpx.HTTPError) -> NoResponse:
    """Convert an error of httpx; an expired wait for a connection does not count as a timeout."""
    timed_out = isinstance(error, httpx.TimeoutException) and not isinstance(
        error, httpx.ConnectTimeout | httpx.PoolTimeout
    )
    reason = str(error) or type(error).__name__
    return NoResponse(f"timed out ({reason})" if timed_out else reason, timed_out)
