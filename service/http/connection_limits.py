"""Limits on what connections may take, in time, memory and number."""

import resource
from dataclasses import dataclass
from typing import Final, Self

from bitrecall.service.settings import Settings

# Descriptors kept free: about 30 for each of two releases, the old one and the one taken up beside
# it, and as many for the events database, the log, sockets that listen and modules being loaded.
RESERVED_DESCRIPTORS: Final = 96
DEFAULT_CONNECTIONS: Final = 1000
# The soft limit is raised to at most this: select() and some libraries slow down with more.
_MOST_DESCRIPTORS: Final = 65_536


@dataclass(frozen=True)
class ConnectionLimits:
    """The limits that apply to the connections of one process.

    Attributes:
        connections: most connections at once.
        head_bytes: most bytes of a request line and headers, and of chunk framing and trailers.
        headers: most header lines of a request.
        head_seconds: time that a head may take to arrive.
        body_seconds: time that a body may take to arrive.
        answer_seconds: time that a client may take to read an answer.
        buffered_bytes: most bytes of incomplete requests in memory, and likewise of unread answers.
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
        """The limits in some settings, with no more connections than the process has files for."""
        return cls(
            connections=connection_limit(settings.max_connections),
            head_bytes=settings.max_head_bytes,
            headers=settings.max_headers,
            head_seconds=settings.head_timeout,
            body_seconds=settings.body_timeout,
            answer_seconds=settings.answer_timeout,
            buffered_bytes=settings.max_buffered_bytes,
        )


def connection_limit(wanted: int | None) -> int:
    """Connections that a process can hold while it can still open its own files.

    Args:
        wanted: the setting; None for the default.
    """
    descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if descriptors == resource.RLIM_INFINITY:
        descriptors = _MOST_DESCRIPTORS
    most = max(descriptors - RESERVED_DESCRIPTORS, descriptors // 8, 1)
    return min(DEFAULT_CONNECTIONS if wanted is None else wanted, most)


def raise_descriptor_limit() -> None:
    """Raise the soft limit of open files to the hard one, as far as that is useful."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _MOST_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, _MOST_DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
