import json

import pytest

from bitrecall.client.event_batches import EventBatches, EventsAccepted
from bitrecall.errors import ArgumentError

EVENT = {"user_id": "a", "item_id": "b"}


def test_sends_batches_and_sums_their_results():
    batches = EventBatches([EVENT] * 1001)
    bodies = []
    for call in batches:
        bodies.append(json.loads(call.body)["events"])
        batches.add(EventsAccepted(len(bodies[-1]) - 1, 1))
    assert [len(events) for events in bodies] == [1000, 1]
    assert batches.total == (999, 2)
    assert len({event["id"] for events in bodies for event in events}) == 1001


@pytest.mark.parametrize(
    ("events", "message"),
    [
        (None, "events has to be a list of dicts"),
        (EVENT, "events has to be a list of dicts"),
        ([EVENT, 3], r"events\[1\] has to be a dict"),
        ([EVENT | {"time": object()}], r"events\[0\] cannot be written as JSON"),
        ([EVENT | {"type": float("nan")}], r"events\[0\] cannot be written as JSON"),
        ([EVENT | {"type": "\ud800"}], r"events\[0\] cannot be written as JSON"),
    ],
)
def test_rejects_what_json_cannot_represent(events, message):
    with pytest.raises(ArgumentError, match=message):
        EventBatches(events)


def test_an_error_of_a_later_batch_has_the_index_in_the_list_and_the_number_stored():
    batches = EventBatches([EVENT] * 1501)
    batches.add(EventsAccepted(990, 10))
    with pytest.raises(ArgumentError) as raised, batches.name_stored():
        raise ArgumentError("/events/500/type: is wrong", "events")
    assert str(raised.value) == (
        "/events/1500/type: is wrong; the first 1,000 events are stored (990 new): "
        "send only events[1000:] again"
    )


def test_an_error_of_the_first_batch_keeps_its_message():
    with pytest.raises(ArgumentError, match=r"^/events/5/type$"), EventBatches([]).name_stored():
        raise ArgumentError("/events/5/type", "events")
