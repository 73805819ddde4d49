import contextlib
import json
from typing import Any

import pytest

from bitrecall.index.errors import FilterError
from bitrecall.index.releases.release import Release
from bitrecall.service.api.parsing import MAX_ERRORS, parse_request
from bitrecall.service.api.schemas.requests import (
    BatchRequest,
    RecommendRequest,
    SimilarRequest,
)
from bitrecall.service.errors import InvalidRequestError, MalformedJsonError, RequestError
from tests.tools.request_errors import errors_of

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("where", "pointer_in", "detail"),
    [
        ({"price": {"gte": "1"}}, "/price/gte", "has to be a number, not a string"),
        ({"price": {"over": 1}}, "/price/over", "the fields are in, gte, gt, lte, lt"),
        ({"price": None}, "/price", "has to be a JSON object, not null"),
        ({"price": [[1]]}, "/price/in/0", "has to be a string, a finite number or a boolean"),
        ({"price": {"in": ["a"] * 101}}, "/price/in", "has to have at most 100, not 101"),
        ({str(name): 1 for name in range(21)}, "", "has to have at most 20, not 21"),
    ],
)
def test_points_at_errors_in_a_filter(where: Any, pointer_in: str, detail: str) -> None:
    errors = errors_of({"user_id": "17", "filter": {"where": where}})
    assert errors.keys() == {f"/filter/where{pointer_in}"}
    assert detail in errors[f"/filter/where{pointer_in}"]


def test_names_the_fields_of_a_filter() -> None:
    errors = errors_of({"user_id": "17", "filter": {"tags": ["a"]}})
    assert errors == {
        "/filter/tags": "unknown field 'tags': the fields are any_tags, all_tags, no_tags, where"
    }


def test_the_last_of_repeated_members_counts() -> None:
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
        (10.5, "has to be an integer, not a number with a fraction or exponent"),
        (1e30, f"has to be at most 1000, not {int(1e30)}"),
        (True, "has to be an integer, not a boolean"),
        (None, "has to be an integer, not null"),
        ([10], "has to be an integer, not an array"),
        ({"k": 10}, "has to be an integer, not an object"),
    ],
)
def test_rejects_an_invalid_k(k: object, detail: str) -> None:
    assert errors_of({"user_id": "17", "k": k}) == {"/k": detail}


def test_rejects_ids_that_are_not_nonempty_strings() -> None:
    assert errors_of({"user_id": ""}) == {"/user_id": "must not be empty"}
    assert "ids are strings" in errors_of({"user_id": 17})["/user_id"]
    assert errors_of({"history": ["a", ""]}) == {"/history/1": "must not be empty"}
    assert errors_of({"item_id": ""}, SimilarRequest) == {"/item_id": "must not be empty"}
    assert errors_of({}, SimilarRequest) == {"/item_id": "is required"}
    assert "ids are strings" in errors_of({"user_ids": ["a", 3]}, BatchRequest)["/user_ids/1"]
    assert errors_of({"user_ids": []}, BatchRequest) == {
        "/user_ids": "has to have at least 1, not 0"
    }


def test_rejects_an_exclude_seen_that_is_not_boolean() -> None:
    for value, kind in ((None, "null"), (1, "an integer"), ("true", "a string")):
        detail = f"has to be true or false, not {kind}"
        assert errors_of({"user_id": "17", "exclude_seen": value}) == {"/exclude_seen": detail}


@pytest.mark.parametrize("body", [[], None, "17", 17, 1.5, True, [{"user_id": "17"}]])
def test_rejects_a_body_that_is_not_an_object(body: object) -> None:
    assert errors_of(body)[""].startswith("the body has to be a JSON object, not ")


def test_names_unknown_fields() -> None:
    errors = errors_of({"user_id": "17", "a/b~c": 1, "K": 5})
    assert errors.keys() == {"/a~1b~0c", "/K"}
    assert errors["/K"].startswith("unknown field 'K': the fields are k, exclude_items, filter")


def test_lists_all_errors() -> None:
    body = b'{"k": 0, "exclude_seen": 0, "x": 1}'
    with pytest.raises(InvalidRequestError, match=r"/k: has to .* \(3 errors in total\)"):
        parse_request(body, RecommendRequest)


def test_lists_the_first_of_many_errors() -> None:
    body = json.dumps({str(number): 0 for number in range(500)}).encode()
    with pytest.raises(
        InvalidRequestError, match="500 errors in total, the first 20 are listed"
    ) as error:
        parse_request(body, RecommendRequest)
    assert len(error.value.errors) == MAX_ERRORS


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
        b'{"user_id": "17", "filter": {"where": {"price": NaN}}}',
        b'{"user_id": "17", "filter": {"where": {"price": {"gte": Infinity}}}}',
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
def test_rejects_a_body_that_is_not_json(body: bytes) -> None:
    with pytest.raises(MalformedJsonError):
        parse_request(body, RecommendRequest)


NUMBERS = [
    "1" + "0" * 309,
    "-1" + "0" * 309,
    "1" + "0" * 4000,
    "1" + "0" * 5000,
    "1e999",
    "-1e999",
    "1e-999",
    "-0",
    "-0.0",
    "9223372036854775808",
    "-9223372036854775809",
    "0." + "1" * 5000,
    "NaN",
    "Infinity",
    "-Infinity",
    '"\\ud800"',
    '"\\u0000"',
    "[" * 5000 + "]" * 5000,
    '{"a":' * 5000 + "1" + "}" * 5000,
    '{"a":1,"a":1}',
]
PLACES = [
    '{"user_id":%s}',
    '{"user_id":"17","k":%s}',
    '{"user_id":"17","exclude_seen":%s}',
    '{"user_id":"17","exclude_items":[%s]}',
    '{"user_id":"17","exclude_items":%s}',
    '{"user_id":"17","filter":%s}',
    '{"user_id":"17","filter":{"any_tags":[%s]}}',
    '{"user_id":"17","filter":{"where":%s}}',
    '{"user_id":"17","filter":{"where":{"price":%s}}}',
    '{"user_id":"17","filter":{"where":{"price":[%s]}}}',
    '{"user_id":"17","filter":{"where":{"price":{"in":[%s]}}}}',
    '{"user_id":"17","filter":{"where":{"price":{"gte":%s}}}}',
    '{"user_id":"17","filter":{"where":{"price":{"lt":%s}}}}',
    '{"user_id":"17","history":[%s]}',
    '{"user_id":"17","unknown":%s}',
    "%s",
]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("value", NUMBERS, ids=lambda value: value[:12])
def test_accepts_or_rejects_any_request_with_a_short_reason(
    release: Release, value: str, place: str
) -> None:
    try:
        request = parse_request((place % value).encode(), RecommendRequest)
    except RequestError as error_response:
        details = [error_response.detail, *(error.detail for error in error_response.errors)]
        if max(map(len, details)) > 500:
            raise
        return
    assert 1 <= request.k <= 1000
    item_filter = request.query_options().allowed
    if item_filter is not None:
        # Accepted filters can be used for a search.
        with contextlib.suppress(FilterError):
            item_filter.matching(release.attributes, release.n_items)


@pytest.mark.parametrize("number", ["1" + "0" * 309, "-1" + "0" * 4000, "1e400"])
@pytest.mark.parametrize("condition", ["%s", "[%s]", '{"in":[%s]}', '{"gte":%s}', '{"lt":%s}'])
def test_rejects_a_bound_that_is_not_finite(number: str, condition: str) -> None:
    body = '{"user_id":"17","filter":{"where":{"price":%s}}}' % (condition % number)
    with pytest.raises(InvalidRequestError, match="number"):
        parse_request(body.encode(), RecommendRequest)


def test_shortens_names_and_values_in_messages() -> None:
    name = "n" * 100_000
    errors = errors_of({"user_id": "17", name: 1, "k": 10**1000})
    assert errors[""].startswith("unknown field 'nnn")
    assert all(len(error) < 300 for pair in errors.items() for error in pair)
    where = errors_of({"user_id": "17", "filter": {"where": {name: 1}}})
    assert where == {"/filter/where": "has to have at most 1000 characters"}
