"""How a call is carried out: sent, repeated where that helps, and its answer read; no network.

An exchange is a generator of steps. Who carries the steps out does the sending and the waiting, and
so decides whether a thread or a task waits.
"""

from __future__ import annotations

import json
import random
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias, TypeVar

from bitrecall.client.calls import Call
from bitrecall.client.errors import ProblemError, ServiceUnreachableError
from bitrecall.client.problems import error_of

__all__ = ["Answer", "Broken", "Exchange", "RetryPolicy", "Send", "Wait", "exchange"]

Result = TypeVar("Result")


class Send(NamedTuple):
    """Send a request, and hand back the answer or why there is none."""

    method: str
    path: str
    body: bytes | None


class Wait(NamedTuple):
    """Wait, and hand back None."""

    seconds: float


class Answer(NamedTuple):
    """An answer of HTTP; ``headers`` have names in lower case."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class Broken(NamedTuple):
    """No answer came; ``reason`` says why, and ``timed_out`` that it took too long."""

    reason: str
    timed_out: bool = False


Exchange: TypeAlias = Generator[Send | Wait, Answer | Broken | None, Result]


@dataclass(frozen=True)
class RetryPolicy:
    """When a request is sent again.

    It is after 429 and 503, and after a connection that could not be made or broke: a request of
    this client may be repeated, since events have ids. It is not after a timeout.

    Attributes:
        retries: how often at most.
        max_wait: seconds to wait before each at most, also if Retry-After says more.
    """

    retries: int = 3
    max_wait: float = 10.0

    def seconds(self, attempt: int, retry_after: str | None) -> float:
        """How long to wait after an attempt, the first being 0."""
        if retry_after is not None and retry_after.isascii() and retry_after.isdecimal():
            # A little later than others who were told the same.
            wanted = int(retry_after) * random.uniform(1.0, 1.1)  # noqa: S311
        else:
            wanted = 0.1 * 2**attempt * random.uniform(1.0, 2.0)  # noqa: S311
        return min(wanted, self.max_wait)


def exchange(call: Call[Result], policy: RetryPolicy, url: str) -> Exchange[Result]:
    """Carry out a call.

    Raises:
        BitrecallError: as ``bitrecall.client.errors`` lists.
    """
    attempt = 0
    while True:
        answer = yield Send(call.method, call.path, call.body)
        if isinstance(answer, Answer):
            if answer.status < 300:
                return _parsed(call, answer, url)
            if answer.status not in (429, 503) or attempt >= policy.retries:
                raise error_of(answer.status, answer.content)
            wait = policy.seconds(attempt, answer.headers.get("retry-after"))
        else:
            reason = "no answer" if answer is None else answer.reason
            if attempt >= policy.retries or (answer is not None and answer.timed_out):
                raise ServiceUnreachableError(f"{url} cannot be reached: {reason}")
            wait = policy.seconds(attempt, None)
        yield Wait(wait)
        attempt += 1


def _parsed(call: Call[Result], answer: Answer, url: str) -> Result:
    try:
        return call.parse(json.loads(answer.content))
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise ProblemError(
            f"{url}{call.path} does not answer as Bitrecall does: {type(error).__name__}: {error}",
            answer.status,
            {},
        ) from error
