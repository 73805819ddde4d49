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
