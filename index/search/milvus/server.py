"""A connection to a Milvus server, with time limits and typed errors."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from bitrecall.errors import BitrecallError
from bitrecall.extras import how_to_install
from bitrecall.index.errors import SearchUnavailableError

if TYPE_CHECKING:
    from pymilvus import MilvusClient

T = TypeVar("T")

_log = logging.getLogger(__name__)

# Concurrent searches on the server; further searches wait for one of these to end.
_MAX_CONCURRENT: Final = 64

# Seconds to connect, and for each step of a call without a time limit.
_CONNECT_TIMEOUT: Final = 10.0
_STEP_TIMEOUT: Final = 600.0


class MilvusServer:
    """A connection to a Milvus server, opened by the first call. Thread-safe.

    Needs the package pymilvus, from the extra ``milvus``.

    Args:
        url: such as http://milvus.example:19530; append /NAME to select a database.
        token: ``user:password`` or an API key; None if the server has no authentication.
        timeout: seconds for one search, retries included.
        retry_delay: seconds after a failed search during which searches fail without a call to the
            server.
        clock: returns seconds.

    Raises:
        SearchUnavailableError: pymilvus is not installed.
    """

    def __init__(
        self,
        url: str,
        token: str | None = None,
        timeout: float = 1.0,
        retry_delay: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.url = url
        self._token = token
        self._timeout = timeout
        self._retry_delay = retry_delay
        self._clock = clock
        self._client_class = _client_class()
        self._client: MilvusClient | None = None
        self._connecting = threading.Lock()
        self._pool = ThreadPoolExecutor(_MAX_CONCURRENT, thread_name_prefix="milvus")
        self._retry_at = -math.inf
        self._failure = ""

    def search(self, call: Callable[[MilvusClient, float], T]) -> T:
        """Return ``call(client, timeout)``, with the time limit of a search.

        The client itself retries within the limit. After a failure, searches fail at once for
        ``retry_delay`` seconds: requests do not queue up, and a server that restarts is not
        flooded.

        Raises:
            SearchUnavailableError: the server failed or did not respond in time.
        """
        now = self._clock()
        if now < self._retry_at:
            raise SearchUnavailableError(self._failure)
        try:
            # A thread enforces the limit: the client ignores its timeout while it reconnects.
            future: Future[T] = self._pool.submit(lambda: call(self._connected(), self._timeout))
            result = future.result(self._timeout)
        except Exception as error:
            level = logging.DEBUG if self._failure else logging.WARNING
            self._failure = self._describe(error)
            self._retry_at = self._clock() + self._retry_delay
            _log.log(level, "searches fail: %s", self._failure)
            raise SearchUnavailableError(self._failure) from error
        if self._failure:
            self._failure = ""
            _log.info("Milvus at %s responds again", self.url)
        return result

    def run(self, call: Callable[[MilvusClient, float], T]) -> T:
        """Return ``call(client, timeout)`` without a limit in total; ``timeout`` is for each step.

        For calls that take minutes, such as writing a collection.

        Raises:
            SearchUnavailableError: the call failed.
        """
        try:
            return call(self._connected(), _STEP_TIMEOUT)
        except Exception as error:
            raise SearchUnavailableError(self._describe(error)) from error

    def close(self) -> None:
        """Close the connection."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        if self._client is not None:
            self._client.close()
            self._client = None

    def _connected(self) -> MilvusClient:
        with self._connecting:
            if self._client is None:
                self._client = self._client_class(
                    uri=self.url, token=self._token or "", timeout=_CONNECT_TIMEOUT
                )
            return self._client

    def _describe(self, error: Exception) -> str:
        if isinstance(error, FutureTimeoutError):
            return f"Milvus at {self.url} did not respond within {self._timeout:g} s"
        return f"Milvus at {self.url} failed: {_first_line(error)}"


def read_token(path: Path | None) -> str | None:
    """Read a token from a file; None if ``path`` is None. Raises BitrecallError."""
    if path is None:
        return None
    try:
        return path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BitrecallError(f"{path}: the token for Milvus cannot be read: {error}") from error


def _client_class() -> Any:
    try:
        from pymilvus import MilvusClient
    except ImportError as error:
        raise SearchUnavailableError(
            "searching with Milvus needs the package pymilvus: " + how_to_install("milvus")
        ) from error
    # pymilvus logs a traceback for every error that it raises; these errors are reported here.
    logging.getLogger("pymilvus").setLevel(logging.CRITICAL)
    return MilvusClient


def _first_line(error: Exception) -> str:
    message = getattr(error, "message", None) or str(error) or type(error).__name__
    details = getattr(error, "details", None)
    if callable(details):
        message = details() or message
    return str(message).strip().splitlines()[0][:300]
