import json

import pytest

from bitrecall.client import calls
from bitrecall.client.errors import ProblemError, ServiceBusyError, ServiceUnreachableError
from bitrecall.client.outcome import Done, NoResponse, Response, RetryPolicy, outcome_of

POPULAR = json.dumps({"items": [{"id": "a", "popularity": 3}], "release_id": "r"}).encode()
OK = Response(200, {}, POPULAR)
BUSY = Response(503, {"retry-after": "2"}, b'{"type": "/problems/too-busy", "detail": "busy"}')


def run(responses, policy=RetryPolicy()):  # noqa: B008 - it is frozen
    """Return the result of a call that gets these responses, and the waits between attempts."""
    call, waits = calls.popular(1), []
    for attempt, response in enumerate(responses):
        outcome = outcome_of(call, response, attempt, policy, "http://here")
        if isinstance(outcome, Done):
            assert attempt == len(responses) - 1
            return outcome.result, waits
        waits.append(outcome.seconds)
    raise AssertionError("another attempt is due")


def test_parses_a_successful_response():
    result, waits = run([OK])
    assert (result.item_ids, waits) == (["a"], [])


def test_retries_a_busy_service_after_retry_after():
    result, waits = run([BUSY, BUSY, OK])
    assert result.item_ids == ["a"]
    assert all(2 <= wait <= 2.2 for wait in waits)


def test_limits_waits_to_max_wait():
    long_wait = Response(503, {"retry-after": "86400"}, b"{}")
    _, waits = run([long_wait, OK], RetryPolicy(max_wait=7))
    assert waits == [7]
    _, waits = run([Response(503, {"retry-after": "soon"}, b"{}"), OK], RetryPolicy())
    assert waits[0] <= 0.2


def test_fails_after_the_maximum_number_of_retries():
    with pytest.raises(ServiceBusyError, match=r"^busy$"):
        run([BUSY, BUSY, BUSY], RetryPolicy(retries=2))
    with pytest.raises(ServiceBusyError):
        run([BUSY], RetryPolicy(retries=0))


def test_waits_increase_while_the_connection_fails():
    _, waits = run([NoResponse("refused")] * 3 + [OK])
    assert waits == sorted(waits)
    with pytest.raises(ServiceUnreachableError, match="http://here cannot be reached: refused"):
        run([NoResponse("refused")] * 4)


def test_does_not_retry_after_a_timeout():
    with pytest.raises(ServiceUnreachableError, match="timed out"):
        run([NoResponse("timed out", timed_out=True)])


@pytest.mark.parametrize("status", [500, 502, 404, 301])
def test_does_not_retry_after_other_statuses(status):
    with pytest.raises(ProblemError, match=f"status {status}.*<html>") as caught:
        run([Response(status, {}, b"<html>")])
    assert caught.value.status == status


@pytest.mark.parametrize("content", [b"", b"<html>", b"[]", b"3", b'{"items": 3}', b'{"k": 1}'])
def test_reports_a_response_of_another_server(content):
    with pytest.raises(ProblemError, match=r"http://here/popular.*is not a response of Bitrecall"):
        run([Response(200, {}, content)])
