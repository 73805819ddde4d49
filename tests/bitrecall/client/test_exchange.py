import json

import pytest

from bitrecall.client import calls
from bitrecall.client.errors import ProblemError, ServiceBusyError, ServiceUnreachableError
from bitrecall.client.exchange import Answer, Broken, RetryPolicy, Send, Wait, exchange

POPULAR = json.dumps({"items": [{"id": "a", "popularity": 3}], "release_id": "r"}).encode()
OK = Answer(200, {}, POPULAR)
BUSY = Answer(503, {"retry-after": "2"}, b'{"type": "/problems/too-busy", "detail": "busy"}')


def carried_out(answers, policy=RetryPolicy()):  # noqa: B008 - it is frozen
    """The result of a call that gets these answers, and how long it waited in between."""
    steps = exchange(calls.popular(1), policy, "http://here")
    waits, left, answer = [], list(answers), None
    while True:
        try:
            step = steps.send(answer)
        except StopIteration as done:
            assert not left
            return done.value, waits
        if isinstance(step, Send):
            answer = left.pop(0)
        else:
            waits.append(step.seconds)
            answer = None


def test_an_answer_is_parsed():
    result, waits = carried_out([OK])
    assert (result.item_ids, waits) == (["a"], [])


def test_a_busy_service_is_asked_again_when_it_said():
    result, waits = carried_out([BUSY, BUSY, OK])
    assert result.item_ids == ["a"]
    assert all(2 <= wait <= 2.2 for wait in waits)


def test_no_wait_is_longer_than_the_bound():
    patient = Answer(503, {"retry-after": "86400"}, b"{}")
    _, waits = carried_out([patient, OK], RetryPolicy(max_wait=7))
    assert waits == [7]
    _, waits = carried_out([Answer(503, {"retry-after": "soon"}, b"{}"), OK], RetryPolicy())
    assert waits[0] <= 0.2


def test_it_gives_up_after_so_many_retries():
    with pytest.raises(ServiceBusyError, match=r"^busy$"):
        carried_out([BUSY, BUSY, BUSY], RetryPolicy(retries=2))
    with pytest.raises(ServiceBusyError):
        carried_out([BUSY], RetryPolicy(retries=0))


def test_waits_get_longer_while_nothing_can_be_connected_to():
    _, waits = carried_out([Broken("refused")] * 3 + [OK])
    assert waits == sorted(waits)
    with pytest.raises(ServiceUnreachableError, match="http://here cannot be reached: refused"):
        carried_out([Broken("refused")] * 4)


def test_a_timeout_is_not_repeated():
    with pytest.raises(ServiceUnreachableError, match="timed out"):
        carried_out([Broken("timed out", timed_out=True)])


@pytest.mark.parametrize("status", [500, 502, 404, 301])
def test_other_answers_are_not_repeated(status):
    with pytest.raises(ProblemError, match=f"status {status}.*<html>") as caught:
        carried_out([Answer(status, {}, b"<html>")])
    assert caught.value.status == status


@pytest.mark.parametrize("content", [b"", b"<html>", b"[]", b"3", b'{"items": 3}', b'{"k": 1}'])
def test_an_answer_of_something_else_is_a_problem(content):
    with pytest.raises(ProblemError, match=r"http://here/popular.*does not answer as Bitrecall"):
        carried_out([Answer(200, {}, content)])


def test_steps_say_what_to_send():
    steps = exchange(calls.forget("a/b"), RetryPolicy(), "http://here")
    assert next(steps) == Send("DELETE", "/users/a%2Fb", None)
    assert isinstance(steps.send(BUSY), Wait)
