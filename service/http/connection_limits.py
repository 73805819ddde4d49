"""Limits on connections: their number, time and memory."""

import resource
from dataclasses import dataclass
from typing import Final, Self

from bitrecall.service.settings import Settings

# Descriptors kept free: about 30 for each of two releases, the current one and one being loaded,
# and as many for the events database, the log, listening sockets and imports.
RESERVED_DESCRIPTORS: Final = 96
DEFAULT_CONNECTIONS: Final = 1000
# The soft limit is raised to at most this: select() and some libraries slow down with more.
_MAX_DESCRIPTORS: Final = 65_536


@dataclass(frozen=True)
class ConnectionLimits:
    """The limits that apply to the connections of one process.

    Attributes:
        connections: maximum number of connections.
        head_bytes: maximum bytes of a request line and headers, and of chunk framing and trailers.
        headers: maximum header lines of a request.
        head_seconds: maximum time for a head to arrive.
        body_seconds: maximum time for a body to arrive.
        answer_seconds: maximum time for a client to read a response.
        buffered_bytes: maximum bytes of incomplete requests in memory, and likewise of unread
            responses.
    """

    connections: int = DEFAULT_CONNECTIONS
    head_bytes: int = 65_536
    headers: int = 100
    head_seconds: float = 10.0
    body_seconds: float = 10.0
    answer_seconds: float = 30.0
    buffered_bytes: int = 64 * 2**20

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The limits in the settings; a low limit of open files reduces the connections."""
        return cls(
            connections=connection_limit(settings.max_connections),
            head_bytes=settings.max_head_bytes,
            headers=settings.max_headers,
            head_seconds=settings.head_timeout,
            body_seconds=settings.body_timeout,
            answer_seconds=settings.answer_timeout,
            buffered_bytes=settings.max_buffered_bytes,
        )


def connection_limit(setting: int | None) -> int:
    """The maximum number of connections that leaves descriptors for the process's own files.

    Args:
        setting: ``max_connections``; None for the default.
    """
    descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if descriptors == resource.RLIM_INFINITY:
        descriptors = _MAX_DESCRIPTORS
    available = max(descriptors - RESERVED_DESCRIPTORS, descriptors // 8, 1)
    return min(DEFAULT_CONNECTIONS if setting is None else setting, available)


def raise_descriptor_limit() -> None:
    """Raise the soft limit of open files to the hard limit, up to ``_MAX_DESCRIPTORS``."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = _MAX_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, _MAX_DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < limit:
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
