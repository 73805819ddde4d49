from uuid import UUID

import pytest

from bitrecall.service.api.schemas.responses import Problem
from bitrecall.service.http.limiter import ConcurrencyLimiter, Rejection, quick_rejection


def test_counts_running_requests() -> None:
    rejections = []
    limiter = ConcurrencyLimiter(2, rejections.append)
    first, second = object(), object()
    limiter.enter(first)
    assert not limiter.is_full
    limiter.enter(second)
    assert (limiter.is_full, len(limiter)) == (True, 2)
    limiter.leave(first)
    limiter.leave(first)
    assert (limiter.is_full, len(limiter)) == (False, 1)
    assert rejections == []


def test_counts_rejections_and_gives_each_a_unique_urn() -> None:
    rejections: list[int] = []
    limiters = [ConcurrencyLimiter(1, rejections.append) for _ in range(2)]
    for limiter in limiters:
        limiter.enter(limiter)
    occurrences = set()
    for limiter in limiters * 2:
        head, _, body = limiter.reject().partition(b"\r\n\r\n")
        assert f"content-length: {len(body)}".encode() in head.split(b"\r\n")
        occurrences.add(UUID(Problem.model_validate_json(body).instance.removeprefix("urn:uuid:")))
    for limiter in limiters * 2:
        limiter.leave(limiter)
    assert (len(occurrences), rejections) == (4, [2, 2])


@pytest.mark.parametrize(
    "data",
    [
        b"POST / HTTP/1.1\r\nContent-Len",
        b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 1\r\n\r\n{}",
    ],
)
def test_requires_parsing_if_the_length_is_not_obvious(data: bytes) -> None:
    assert quick_rejection(data) is None


def test_computes_missing_bytes_from_the_length() -> None:
    head = b"POST / HTTP/1.1\r\nHost: localhost\r\ncontent-LENGTH:  12 \r\nA: b\r\n\r\n"
    responses = [quick_rejection(head + b"x" * arrived) for arrived in (0, 5, 12)]
    assert responses == [Rejection(missing, close=False) for missing in (12, 7, 0)]
    assert quick_rejection(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n") == Rejection(
        0, close=False
    )
