"""Errors of clients.

BitrecallError
 └─ ClientError
     ├─ ServiceUnreachableError  no response: no connection, a broken one, or a timeout
     ├─ NotPermittedError        the key is missing or does not allow the request (401, 403)
     ├─ ServiceBusyError         the service is overloaded (503)
     └─ ProblemError             any other error response, also of another server

For an error that ``Model`` also raises, a client raises the same class: ``ArgumentError``,
``FilterError``, ``UnknownItemError``, ``NoReleaseError`` or ``SearchUnavailableError``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bitrecall.errors import BitrecallError

__all__ = [
    "ClientError",
    "NotPermittedError",
    "ProblemError",
    "ServiceBusyError",
    "ServiceUnreachableError",
]


class ClientError(BitrecallError):
    """A request to the service failed."""


class ServiceUnreachableError(ClientError):
    """There was no response; the message names the URL and the cause."""


class NotPermittedError(ClientError):
    """The service requires a key that allows the request."""


class ServiceBusyError(ClientError):
    """The service rejected the request, and each retry, without doing any of it."""


class ProblemError(ClientError):
    """An error response without a more specific class.

    Attributes:
        status: the HTTP status.
        problem: the problem document (RFC 9457); empty if the response has none.
    """

    def __init__(self, message: str, status: int, problem: Mapping[str, Any]) -> None:
        super().__init__(message)
        self.status = status
        self.problem = problem
