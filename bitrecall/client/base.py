"""What ``Client`` and ``AsyncClient`` share: the arguments, and the outcome of each attempt."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Generic, TypeVar

from bitrecall.arguments import check_count, check_number
from bitrecall.client.calls import Call
from bitrecall.client.connection import Connection, connection
from bitrecall.client.outcome import (
    Done,
    NoResponse,
    Response,
    Retry,
    RetryPolicy,
    outcome_of,
)

__all__ = ["ServiceClient"]

HttpClient = TypeVar("HttpClient")
Result = TypeVar("Result")


class ServiceClient(ABC, Generic[HttpClient]):
    """Base class of the clients of a service; ``HttpClient`` is the class of httpx."""

    def __init__(
        self,
        url: str = "http://127.0.0.1:8000",
        *,
        key: str | None = None,
        timeout: float = 10.0,
        retries: int = 3,
        max_wait: float = 10.0,
        max_connections: int = 100,
        batch_size: int = 1000,
        verify: bool = True,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Set up the connections; the first request opens one.

        Args:
            url: ``http://HOST:PORT``, with a path if the service has one, or ``unix:PATH`` for a
                unix socket.
            key: a key that ``bitrecall key new`` printed, if the service requires one.
            timeout: seconds to wait for a connection and for each part of a response.
            retries: maximum retries after status 503 or 429 or a broken connection.
            max_wait: maximum seconds before each retry, even if Retry-After is longer.
            max_connections: maximum number of connections; idle ones stay open.
            batch_size: maximum users per request of ``recommend_many``.
            verify: whether to verify TLS certificates.
            headers: extra headers of every request.

        Raises:
            MissingExtraError: the extra ``client`` is not installed.
            ArgumentError: an argument is invalid.
        """
        self._policy = RetryPolicy(
            check_count(retries, "retries", 0), check_number(max_wait, "max_wait", 0)
        )
        self._batch_size = check_count(batch_size, "batch_size")
        self._http = self._open(connection(url, key, timeout, max_connections, verify, headers))
        self._url = url.rstrip("/")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._url}>"

    @abstractmethod
    def _open(self, connection: Connection) -> HttpClient:
        """Create the httpx client."""

    def _outcome(
        self, call: Call[Result], response: Response | NoResponse, attempt: int
    ) -> Done[Result] | Retry:
        return outcome_of(call, response, attempt, self._policy, self._url)
