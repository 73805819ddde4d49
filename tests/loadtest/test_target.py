import pytest

from bitrecall.loadtest.errors import LoadTestError
from bitrecall.loadtest.load_generator import Address
from bitrecall.loadtest.target import Target


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://127.0.0.1:8000", Address("127.0.0.1", 8000)),
        ("http://shop.example/", Address("shop.example", 80)),
        ("https://shop.example", Address("shop.example", 443, secure=True)),
        ("http://[::1]:81", Address("::1", 81)),
    ],
)
def test_parses_a_url(url: str, address: Address) -> None:
    assert Target.at(url).address == address


@pytest.mark.parametrize("url", ["127.0.0.1:8000", "ftp://x", "http://", "http://x:port", ""])
def test_rejects_an_invalid_url(url: str) -> None:
    with pytest.raises(LoadTestError, match="invalid URL"):
        Target.at(url)


def test_a_request_is_complete_and_below_the_path_of_the_url() -> None:
    request = Target.at("http://shop.example/api/", "secret").recommend("ünï", 3)
    head, _, body = request.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0] == "POST /api/recommend HTTP/1.1"
    assert f"content-length: {len(body)}" in lines
    assert "authorization: Bearer secret" in lines
    assert body == b'{"user_id": "\\u00fcn\\u00ef", "k": 3}'


def test_reports_a_missing_key(stub) -> None:
    stub.key = "right"
    with pytest.raises(LoadTestError, match="responds 401: pass a key with --key-file"):
        Target.at(stub.url).users(3)
    assert Target.at(stub.url, "right").users(3) == stub.users


def test_reports_a_service_without_users(stub) -> None:
    stub.users = []
    with pytest.raises(LoadTestError, match="has no users"):
        Target.at(stub.url).users(3)


def test_rejects_an_invalid_key() -> None:
    with pytest.raises(LoadTestError, match="invalid key"):
        Target.at("http://x", "two\nlines")


@pytest.mark.parametrize("users", [None, 3])
def test_reports_a_service_other_than_bitrecall(stub, users: object) -> None:
    stub.users = users
    with pytest.raises(LoadTestError, match="does not respond like Bitrecall"):
        Target.at(stub.url).users(3)


def test_reports_an_unreachable_service() -> None:
    with pytest.raises(LoadTestError, match="cannot be reached"):
        Target.at("http://127.0.0.1:1").users(3)
