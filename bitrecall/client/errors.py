"""Why a client has no answer.

BitrecallError
 └─ ClientError
     ├─ ServiceUnreachableError  no answer came: no connection, a broken one, or a timeout
     ├─ NotPermittedError        the service wants a key, or another one (401, 403)
     ├─ ServiceBusyError         the service has no capacity at the moment (503)
     └─ ProblemError             any other problem that the service names, and answers of others

What a model raises too, a client raises as the same class: ``ArgumentError``, ``FilterError``,
``UnknownItemError``, ``NoReleaseError`` and ``SearchUnavailableError``.
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
    """The service did not answer a request."""


class ServiceUnreachableError(ClientError):
    """No answer came; the message names the URL and the cause."""


class NotPermittedError(ClientError):
    """The service wants a key that allows the request."""


class ServiceBusyError(ClientError):
    """The service turned the request down each time it was sent; none of it was done."""


class ProblemError(ClientError):
    """The service answered with a problem that has no class of its own.

    Attributes:
        status: the HTTP status.
        problem: the problem document (RFC 9457); empty if the answer was not one.
    """

    def __init__(self, message: str, status: int, problem: Mapping[str, Any]) -> None:
        super().__init__(message)
        self.status = status
        self.problem = problem
