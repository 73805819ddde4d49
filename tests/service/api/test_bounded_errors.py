"""Bodies with very many errors."""

import pytest
from pydantic import BaseModel, ValidationError

from bitrecall.service.api.bounded_errors import first_errors
from bitrecall.service.api.parsing import MAX_ERRORS, parse_request
from bitrecall.service.api.schemas.events import EventsRequest
from bitrecall.service.api.schemas.requests import BatchRequest, RecommendRequest
from bitrecall.service.errors import InvalidRequestError

pytestmark = pytest.mark.slow

MANY = 60_000


@pytest.mark.parametrize(
    ("body", "model", "place"),
    [
        pytest.param(
            b'{"user_id":"17",%s}' % b",".join(b'"a%d":1' % number for number in range(MANY)),
            RecommendRequest,
            "/a0",
            id="unknown members",
        ),
        pytest.param(
            b'{"user_id":"17","filter":{%s}}'
            % b",".join(b'"a%d":1' % number for number in range(MANY)),
            RecommendRequest,
            "/filter/a0",
            id="unknown members of a filter",
        ),
        pytest.param(
            b'{"user_id":"17","filter":{"where":{%s}}}'
            % b",".join(b'"a%d":[[]]' % number for number in range(MANY)),
            RecommendRequest,
            "/filter/where/a0/in/0",
            id="conditions",
        ),
        pytest.param(
            b'{"events":[%s]}'
            % b",".join(
                b"{%s}" % b",".join(b'"a%d":1' % number for number in range(MANY // 100))
                for _ in range(100)
            ),
            EventsRequest,
            "/events/0/user_id",
            id="unknown members of events",
        ),
        pytest.param(
            b'{"events":[%s]}' % b",".join([b"{}"] * MANY), EventsRequest, "/events", id="events"
        ),
        pytest.param(
            b'{"user_ids":[%s]}' % b",".join([b"1"] * MANY),
            BatchRequest,
            "/user_ids",
            id="ids that are numbers",
        ),
    ],
)
def test_creates_few_of_many_errors(body: bytes, model: type[BaseModel], place: str) -> None:
    with pytest.raises(ValidationError) as invalid:
        model.model_validate_json(body)
    total = invalid.value.error_count()
    assert len(first_errors(invalid.value, body, model)) <= 500
    with pytest.raises(InvalidRequestError) as error:
        parse_request(body, model)
    assert error.value.errors[0].pointer.startswith(place)
    assert len(error.value.errors) == min(total, MAX_ERRORS)
    if total > 1:
        assert f"({total} errors in total, the first 20 are listed)" in error.value.detail
