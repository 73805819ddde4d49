"""The models of request bodies."""

import pytest

from bitrecall.index.releases.filters import Condition, ItemFilter
from bitrecall.service.api.parsing import parse_request
from bitrecall.service.api.schemas.requests import RecommendRequest, request_models
from bitrecall.service.settings import Settings
from tests.tools.request_errors import errors_of, parsed

pytestmark = pytest.mark.slow

NARROW = request_models(
    Settings(default_k=7, max_k=50, max_history=2, max_exclude_items=2, max_batch=2)
)


def test_applies_defaults() -> None:
    request = parse_request(b'{"user_id": "17"}', NARROW.recommend)
    assert (request.user_id, request.k, request.exclude_seen) == ("17", 7, True)
    assert (request.query()[2], request.explain) == (None, False)
    options = request.query_options()
    assert (options.exclude_items, options.allowed) == ([], None)


def test_bounds_come_from_the_settings() -> None:
    assert parse_request(b'{"user_id": "17", "k": 50}', NARROW.recommend).k == 50
    body = {"user_id": "17", "k": 51, "history": ["a"] * 3, "exclude_items": ["a"] * 3}
    assert errors_of(body, NARROW.recommend) == {
        "/k": "has to be at most 50, not 51",
        "/history": "has to have at most 2, not 3",
        "/exclude_items": "has to have at most 2, not 3",
    }
    long = errors_of({"user_ids": ["a"] * 3}, NARROW.batch)
    assert long == {"/user_ids": "has to have at most 2, not 3"}


def test_a_history_replaces_or_extends_known_items() -> None:
    for mode, instead in (({}, True), ({"history_mode": "add"}, False)):
        history = parsed(history=["a", "b"], **mode).query()[2]
        assert history is not None
        assert (history.item_ids, history.instead) == (["a", "b"], instead)
    detail = "has to be 'instead' or 'add'"
    assert errors_of({"user_id": "a", "history_mode": "both"}) == {"/history_mode": detail}


def test_requires_a_user_or_a_history() -> None:
    assert errors_of({}) == {"": "has to have a user_id or a history"}
    assert errors_of({"user_id": None, "history": None}).keys() == {""}
    assert parse_request(b'{"history": []}', RecommendRequest).user_id is None


def test_parses_a_filter() -> None:
    request = parsed(
        filter={
            "any_tags": ["a"],
            "all_tags": ["b", "b"],
            "no_tags": ["c"],
            "where": {
                "price": {"gte": 1, "lt": 2.5},
                "brand": "x",
                "size": [1, "XL"],
                "sold": {"in": [True, False]},
                "known": {},
            },
        }
    )
    assert request.query_options().allowed == ItemFilter(
        any_tags=frozenset({"a"}),
        all_tags=frozenset({"b"}),
        no_tags=frozenset({"c"}),
        where=(
            ("brand", Condition(one_of=frozenset({"x"}))),
            ("known", Condition()),
            ("price", Condition(at_least=1.0, below=2.5)),
            ("size", Condition(one_of=frozenset({1, "XL"}))),
            ("sold", Condition(one_of=frozenset({"true", "false"}))),
        ),
    )
    assert parsed(filter={}).query_options().allowed is None


def test_accepts_integers_in_any_notation() -> None:
    for text in (b"10", b"10.0", b"1e1"):
        assert parse_request(b'{"user_id": "17", "k": %s}' % text, RecommendRequest).k == 10
