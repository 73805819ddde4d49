import json

import pytest

from service.errors import InvalidRequestError, MalformedJsonError
from service.parsing import MOST_ERRORS, parse_request, pointer
from service.schemas import RecommendRequest, request_model


def refused(body: object, model: type[RecommendRequest] = RecommendRequest) -> dict[str, str]:
    text = json.dumps(body)
    with pytest.raises(InvalidRequestError) as error:
        parse_request(text.encode(), model)
    return {one.pointer: one.detail for one in error.value.errors}


def test_a_request_has_defaults() -> None:
    request = parse_request(b'{"user_id": "17"}', request_model(default_k=7, max_k=50))
    assert (request.user_id, request.k, request.exclude_seen) == ("17", 7, True)


def test_the_bounds_are_those_of_the_settings() -> None:
    model = request_model(default_k=7, max_k=50)
    assert parse_request(b'{"user_id": "17", "k": 50}', model).k == 50
    assert refused({"user_id": "17", "k": 51}, model) == {"/k": "has to be at most 50, not 51"}


def test_the_last_of_a_member_given_twice_counts() -> None:
    assert parse_request(b'{"user_id": "a", "user_id": "b"}', RecommendRequest).user_id == "b"


@pytest.mark.parametrize(
    ("k", "detail"),
    [
        (0, "has to be at least 1, not 0"),
        (-1, "has to be at least 1, not -1"),
        (10**9, "has to be at most 1000, not 1000000000"),
        (10**30, f"has to be at most 1000, not {10**30}"),
        ("ten", "has to be an integer, not a string"),
        ("10", "has to be an integer, not a string"),
        (10.0, "has to be an integer, not a number with a fraction or exponent"),
        (True, "has to be an integer, not a boolean"),
        (None, "has to be an integer, not null"),
        ([10], "has to be an integer, not an array"),
        ({"k": 10}, "has to be an integer, not an object"),
    ],
)
def test_a_k_that_is_none_is_refused(k: object, detail: str) -> None:
    assert refused({"user_id": "17", "k": k}) == {"/k": detail}


def test_a_user_id_has_to_be_there_and_a_string() -> None:
    assert refused({}) == {"/user_id": "is required"}
    assert refused({"user_id": ""}) == {"/user_id": "must not be empty"}
    assert refused({"user_id": None})["/user_id"].startswith("has to be a string, not null")
    assert "ids are strings" in refused({"user_id": 17})["/user_id"]


def test_exclude_seen_has_to_be_a_boolean() -> None:
    for value, kind in ((None, "null"), (1, "an integer"), ("true", "a string")):
        detail = f"has to be true or false, not {kind}"
        assert refused({"user_id": "17", "exclude_seen": value}) == {"/exclude_seen": detail}


@pytest.mark.parametrize("body", [[], None, "17", 17, 1.5, True, [{"user_id": "17"}]])
def test_a_body_that_is_no_object_is_refused_as_a_whole(body: object) -> None:
    assert refused(body)[""].startswith("the body has to be a JSON object, not ")


def test_unknown_fields_are_named() -> None:
    errors = refused({"user_id": "17", "a/b~c": 1, "K": 5})
    assert errors.keys() == {"/a~1b~0c", "/K"}
    assert errors["/K"] == "unknown field 'K': the fields are user_id, k, exclude_seen"


def test_everything_wrong_is_said_at_once() -> None:
    body = b'{"k": 0, "exclude_seen": 0, "x": 1}'
    with pytest.raises(InvalidRequestError, match=r"/user_id: is required \(4 errors in all\)"):
        parse_request(body, RecommendRequest)


def test_of_very_many_errors_the_first_are_listed() -> None:
    body = json.dumps({str(number): 0 for number in range(500)}).encode()
    with pytest.raises(InvalidRequestError, match="501 errors in all, of which 20") as error:
        parse_request(body, RecommendRequest)
    assert len(error.value.errors) == MOST_ERRORS


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"{'user_id': '17'}",
        b'{"user_id": "17",}',
        b'{"user_id": "17"} {}',
        b'{"user_id": "17", "k": NaN}',
        b'{"user_id": "17", "x": [Infinity]}',
        b'{"user_id": "17", "k": -Infinity}',
        b'{"user_id": "17", "k": 010}',
        b'{"user_id": "\xff"}',
        b'{"user_id": "\\ud800"}',
        b'{"user_id": "\xed\xa0\x80"}',
        b'\xef\xbb\xbf{"user_id": "17"}',
        '{"user_id": "17"}'.encode("utf-16"),
        b"[" * 10_000,
        b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
        b'{"user_id": "17", "k": ' + b"9" * 10_000 + b"}",
    ],
)
def test_what_is_not_json_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedJsonError):
        parse_request(body, RecommendRequest)


def test_a_pointer_escapes_what_would_part_it() -> None:
    assert pointer() == ""
    assert pointer("a", 0, "~/") == "/a/0/~0~1"
