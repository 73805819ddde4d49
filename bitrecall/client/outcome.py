"""What follows a response, or a failed request: a result, an error or a retry. No network I/O."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from bitrecall.client.calls import Call
from bitrecall.client.errors import ProblemError, ServiceUnreachableError
from bitrecall.client.problems import error_of

__all__ = ["Done", "NoResponse", "Response", "Retry", "RetryPolicy", "outcome_of"]

Result = TypeVar("Result")


class Response(NamedTuple):
    """An HTTP response; the names in ``headers`` are in lower case."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class NoResponse(NamedTuple):
    """A request without a response; ``timed_out`` is true if it was sent and the wait expired."""

    reason: str
    timed_out: bool = False


@dataclass(frozen=True)
class Done(Generic[Result]):
    """The call has succeeded."""

    result: Result


@dataclass(frozen=True)
class Retry:
    """Send the request again after a wait."""

    seconds: float


@dataclass(frozen=True)
class RetryPolicy:
    """When and how often a request is sent again.

    Requests are retried after status 429 and 503, and if the connection failed or broke. Sending a
    request twice does no harm, because events have ids. There is no retry after a timeout.

    Attributes:
        retries: maximum number of retries.
        max_wait: maximum seconds before each retry, even if Retry-After is longer.
    """

    retries: int = 3
    max_wait: float = 10.0

    def seconds(self, attempt: int, retry_after: str | None) -> float:
        """Return the wait after an attempt; the first attempt is 0."""
        if retry_after is not None and retry_after.isascii() and retry_after.isdecimal():
            # Random, so that clients with the same Retry-After do not all retry at once.
            wait = int(retry_after) * random.uniform(1.0, 1.1)  # noqa: S311
        else:
            wait = 0.1 * 2**attempt * random.uniform(1.0, 2.0)  # noqa: S311
        return min(wait, self.max_wait)


def outcome_of(
    call: Call[Result],
    response: Response | NoResponse,
    attempt: int,
    policy: RetryPolicy,
    url: str,
) -> Done[Result] | Retry:
    """Return the result of a call, or when to retry it.

    Args:
        call: the call that was sent.
        response: what came back.
        attempt: number of earlier attempts.
        policy: when to retry.
        url: URL of the service, for error messages.

    Raises:
        BitrecallError: the call failed; ``bitrecall.client.errors`` lists the classes.
    """
    if isinstance(response, Response):
        if response.status < 300:
            return Done(_parsed(call, response, url))
        if response.status not in (429, 503) or attempt >= policy.retries:
            raise error_of(response.status, response.content)
        return Retry(policy.seconds(attempt, response.headers.get("retry-after")))
    if response.timed_out or attempt >= policy.retries:
        raise ServiceUnreachableError(f"{url} cannot be reached: {response.reason}")
    return Retry(policy.seconds(attempt, None))


def _parsed(call: Call[Result], response: Response, url: str) -> Result:
    try:
        return call.parse(json.loads(response.content))
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise ProblemError(
            f"{url}{call.path} is not a response of Bitrecall: {type(error).__name__}: {error}",
            response.status,
            {},
        ) from error
