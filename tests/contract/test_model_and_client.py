"""A model and the clients of a service with the same release return equal results and errors."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitrecall.errors import BitrecallError
from tests.tools.small_release import ITEMS, TAGS, USERS

pytestmark = pytest.mark.slow

odd_text = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
users = st.sampled_from([*USERS, " 17 ", 17, "nobody"]) | odd_text.filter(str.strip)
items = st.sampled_from([*ITEMS, f"\u00a0{ITEMS[3]}\n", "nothing"]) | odd_text.filter(str.strip)
few_items = st.lists(items, max_size=4)
ks = st.integers(1, 70)
tags = st.lists(st.sampled_from([*TAGS, "of no item"]), max_size=3)
numbers = st.integers(-1, 8) | st.floats(0, 8)
conditions = (
    numbers
    | st.lists(numbers, min_size=1, max_size=3)
    | st.fixed_dictionaries({}, optional=dict.fromkeys(("gte", "gt", "lte", "lt"), numbers))
)
labels = st.sampled_from(["label 0", "label 1", "of no item"])
filters = st.none() | st.fixed_dictionaries(
    {},
    optional={
        "any_tags": tags,
        "all_tags": tags,
        "no_tags": tags | st.frozensets(st.sampled_from(TAGS)),
        "where": st.fixed_dictionaries(
            {}, optional={"price": conditions, "label": labels | st.lists(labels, min_size=1)}
        ),
    },
)
options = {"exclude_items": few_items, "filter": filters}
for_users = options | {"exclude_seen": st.booleans(), "explain": st.booleans()}


def outcome(method, *args, **kwargs):
    """Return the result of a call, or the type of its error."""
    try:
        return method(*args, **kwargs)
    except BitrecallError as error:
        return type(error)


@given(
    user=users,
    k=ks,
    arguments=st.fixed_dictionaries(
        for_users,
        optional={"history": few_items, "history_mode": st.sampled_from(["instead", "add"])},
    ),
)
@settings(max_examples=150)
def test_recommend_for_a_user(model, client, user, k, arguments):
    result = model.recommend(user, k, **arguments)
    assert client.recommend(user, k, **arguments) == result


@given(history=few_items, k=ks, arguments=st.fixed_dictionaries(for_users))
@settings(max_examples=50)
def test_recommend_for_a_history(model, client, history, k, arguments):
    result = model.recommend(k=k, history=history, **arguments)
    assert client.recommend(k=k, history=history, **arguments) == result


@given(user_ids=st.lists(users, max_size=8), k=ks, arguments=st.fixed_dictionaries(for_users))
@settings(max_examples=50)
def test_recommend_many(model, client, user_ids, k, arguments):
    result = model.recommend_many(user_ids, k, **arguments)
    assert client.recommend_many(user_ids, k, **arguments) == result


@given(item=items, k=ks, arguments=st.fixed_dictionaries(options))
@settings(max_examples=100)
def test_similar(model, client, item, k, arguments):
    result = outcome(model.similar, item, k, **arguments)
    assert outcome(client.similar, item, k, **arguments) == result


@given(user=users, item=items, k=ks, prefix=st.just("") | odd_text | st.sampled_from(ITEMS))
@settings(max_examples=100)
def test_lookups(model, client, user, item, k, prefix):
    assert client.user(user) == model.user(user)
    assert client.item(item) == model.item(item)
    assert client.popular(k) == model.popular(k)
    assert client.find_items(prefix, k) == model.find_items(prefix, k)
    assert client.find_users(prefix, k) == model.find_users(prefix, k)


@pytest.mark.parametrize("odd_id", [".", "..", "a/b", "?", "#", "%2e", "\x1f", "a\nb", "%"])
def test_ids_with_special_characters_of_a_path(model, client, odd_id):
    assert client.user(odd_id) == model.user(odd_id)
    assert client.item(odd_id) == model.item(odd_id)


INVALID_ARGUMENTS = [
    {"k": 0},
    {"k": "10"},
    {"k": True},
    {"user_id": None},
    {"user_id": ""},
    {"user_id": " \u3000"},
    {"user_id": 1.5},
    {"user_id": "\ud800"},
    {"exclude_items": "item 3"},
    {"exclude_items": [None]},
    {"history": [""]},
    {"history": ["item 1"], "history_mode": "both"},
    {"filter": []},
    {"filter": {"any_tag": ["jazz"]}},
    {"filter": {"any_tags": "jazz"}},
    {"filter": {"any_tags": [3]}},
    {"filter": {"any_tags": ["jazz"] * 101}},
    {"filter": {"where": {"price": {"gte": "3"}}}},
    {"filter": {"where": {"price": {"around": 3}}}},
    {"filter": {"where": {"price": float("nan")}}},
    {"filter": {"where": {"price": "cheap"}}},
    {"filter": {"where": {"label": {"gte": 3}}}},
    {"filter": {"where": {"colour": "red"}}},
    {"filter": {"where": {"a/b~c": "red"}}},
]


@pytest.mark.parametrize("invalid", INVALID_ARGUMENTS, ids=repr)
def test_invalid_requests_raise_the_same_error(model, client, invalid):
    arguments = {"user_id": "17", **invalid}
    with pytest.raises(BitrecallError) as model_error:
        model.recommend(**arguments)
    with pytest.raises(BitrecallError) as client_error:
        client.recommend(**arguments)
    assert type(client_error.value) is type(model_error.value)
    assert str(client_error.value) == str(model_error.value)
    assert vars(client_error.value) == vars(model_error.value)
