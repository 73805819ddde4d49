"""Asking a Milvus server, within bounds and with errors of ours."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from bitrecall.errors import BitrecallError
from bitrecall.extras import how_to_install
from bitrecall.index.errors import SearchUnavailableError

if TYPE_CHECKING:
    from pymilvus import MilvusClient

Found = TypeVar("Found")

_log = logging.getLogger(__name__)

# Searches at once that may be waiting for the server; more wait for these.
_AT_ONCE = 64

# Seconds to connect, and that a step of writing a collection may take by itself.
_CONNECT = 10.0
_STEP = 600.0


class MilvusServer:
    """A Milvus server, connected to when it is first asked something. Safe for several threads.

    Needs the package pymilvus, of the extra ``milvus``.

    Args:
        url: such as http://milvus.example:19530, or with /NAME at the end for a database on it.
        token: ``user:password`` or an API key; None where the server asks for none.
        seconds: how long a search may take, retries included.
        rest: seconds for which a server that did not answer is not asked again.
        clock: seconds.

    Raises SearchUnavailableError where pymilvus is not installed.
    """

    def __init__(
        self,
        url: str,
        token: str | None = None,
        seconds: float = 1.0,
        rest: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.url = url
        self._token = token
        self._seconds = seconds
        self._rest = rest
        self._clock = clock
        self._client_class = _client_class()
        self._client: MilvusClient | None = None
        self._connecting = threading.Lock()
        self._pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="milvus")
        self._asked_again_at = -math.inf
        self._reason = ""

    def search(self, ask: Callable[[MilvusClient, float], Found]) -> Found:
        """Return what ``ask`` gets of the client within the seconds that it is given.

        The client tries again by itself as long as there is time. A server that has failed is left
        alone for a moment, in which every search fails at once: requests do not queue up behind it,
        and it is not flooded when it comes back. Raises SearchUnavailableError.
        """
        now = self._clock()
        if now < self._asked_again_at:
            raise SearchUnavailableError(self._reason)
        try:
            # The client's own bound is none: it waits longer to connect again. Hence a thread.
            asked: Future[Found] = self._pool.submit(lambda: ask(self._connected(), self._seconds))
            found = asked.result(self._seconds)
        except Exception as error:
            level = logging.DEBUG if self._reason else logging.WARNING
            self._reason = self._told(error)
            self._asked_again_at = self._clock() + self._rest
            _log.log(level, "searches fail: %s", self._reason)
            raise SearchUnavailableError(self._reason) from error
        if self._reason:
            self._reason = ""
            _log.info("Milvus at %s answers again", self.url)
        return found

    def work(self, do: Callable[[MilvusClient, float], Found]) -> Found:
        """Return what ``do`` gets of the client, each of its steps within the seconds it is given.

        For what takes minutes, such as writing a collection. Raises SearchUnavailableError.
        """
        try:
            return do(self._connected(), _STEP)
        except Exception as error:
            raise SearchUnavailableError(self._told(error)) from error

    def close(self) -> None:
        """Let go of the connection."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        if self._client is not None:
            self._client.close()
            self._client = None

    def _connected(self) -> MilvusClient:
        with self._connecting:
            if self._client is None:
                self._client = self._client_class(
                    uri=self.url, token=self._token or "", timeout=_CONNECT
                )
            return self._client

    def _told(self, error: Exception) -> str:
        if isinstance(error, FutureTimeoutError):
            return f"Milvus at {self.url} did not answer within {self._seconds:g} s"
        return f"Milvus at {self.url} does not answer as it should: {_first_line(error)}"


def read_token(path: Path | None) -> str | None:
    """Read the token in the file at ``path``, None where there is none. Raises BitrecallError."""
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
    # It logs a traceback of every error that it raises, which we tell in words of our own.
    logging.getLogger("pymilvus").setLevel(logging.CRITICAL)
    return MilvusClient


def _first_line(error: Exception) -> str:
    message = getattr(error, "message", None) or str(error) or type(error).__name__
    details = getattr(error, "details", None)
    if callable(details):
        message = details() or message
    return str(message).strip().splitlines()[0][:300]
