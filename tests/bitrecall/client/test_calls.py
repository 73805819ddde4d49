import pytest

from bitrecall.client import calls
from bitrecall.errors import ArgumentError


def test_encodes_an_id_in_the_path():
    call = calls.forget("a/b")
    assert (call.method, call.path, call.body) == ("DELETE", "/users/a%2Fb", None)


def test_rejects_flags_and_prefixes_as_a_model_does():
    with pytest.raises(ArgumentError, match="explain has to be True or False"):
        calls.recommend_many(
            ["a"], 3, exclude_seen=True, exclude_items=(), conditions=None, explain=1, batch_size=9
        )
    with pytest.raises(ArgumentError, match="prefix has to be text"):
        calls.find("users", 17, 3)


@pytest.mark.parametrize(
    ("call", "argument"),
    [
        (calls.user, "user_id"),
        (calls.item, "item_id"),
        (calls.forget, "user_id"),
        (lambda text: calls.find("users", text, 3), "prefix"),
    ],
)
@pytest.mark.parametrize("text", ["x" * 60_001, "é" * 10_001])
def test_rejects_an_id_that_is_too_long_for_a_url(call, argument, text):
    with pytest.raises(ArgumentError, match=f"^{argument} is too long: .* bytes in a URL"):
        call(text)


def test_accepts_the_longest_id():
    assert calls.user("x" * 60_000).path == "/users/" + "x" * 60_000
