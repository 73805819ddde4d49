from bitrecall.client import calls


def test_encodes_an_id_in_the_path():
    call = calls.forget("a/b")
    assert (call.method, call.path, call.body) == ("DELETE", "/users/a%2Fb", None)
