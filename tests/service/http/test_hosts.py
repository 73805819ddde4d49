"""Protection against DNS rebinding by the Host header."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from bitrecall.index.releases.release import ReleaseContents
from bitrecall.index.releases.store import ReleaseStore
from bitrecall.service.auth.keyring import Role, add_key
from bitrecall.service.environment import load_settings
from bitrecall.service.errors import SettingsError
from bitrecall.service.http.hosts import HostRule
from bitrecall.service.settings import Settings

pytestmark = pytest.mark.slow

Serve = Callable[..., httpx.Client]
ProblemIn = Callable[..., dict[str, Any]]


@pytest.fixture(autouse=True)
def published(tmp_path: Path, contents: Callable[..., ReleaseContents]) -> None:
    ReleaseStore(tmp_path / "releases").publish(contents())


LOCAL = [
    *("localhost", "localhost:8000", "LOCALHOST", "localhost.", "app.localhost:1", "127.0.0.1"),
    *("127.8.9.10:9999", "[::1]", "[::1]:8000", "127.0.0.1:"),
]
FOREIGN = [
    *("evil.example", "evil.example:8000", "localhost.evil.example", "127.0.0.1.evil.example"),
    *("192.168.1.7", "0.0.0.0", "[::]", "[2001:db8::1]:80", "evil.example:80@127.0.0.1"),
    *("[::1", "[::1]x", "127.0.0.1:x", "", "naïve", "notlocalhost"),
]


@pytest.mark.parametrize("host", LOCAL)
def test_allows_local_names_with_any_port(host: str) -> None:
    rule = HostRule.of(Settings())
    assert rule is not None
    assert rule.allows(host.encode("latin-1"))


@pytest.mark.parametrize("host", FOREIGN)
def test_rejects_other_names(host: str) -> None:
    rule = HostRule.of(Settings())
    assert rule is not None
    assert not rule.allows(host.encode("latin-1"))


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/recommend"), ("GET", "/users"), ("GET", "/livez"), ("POST", "/events")],
)
def test_rejects_another_host_on_every_path(
    serve: Serve, problem_in: ProblemIn, method: str, path: str
) -> None:
    client, body = serve(), {"user_id": "17"} if method == "POST" else None
    response = client.request(method, path, json=body, headers={"Host": "evil.example"})
    problem = problem_in(response, "misdirected-request", 421)
    assert "BITRECALL_ALLOWED_HOSTS" in problem["detail"]
    assert client.get("/livez", headers={"Host": "localhost:1234"}).status_code == 200


@pytest.mark.parametrize("path", ["/recommend", "/recommend/batch", "/similar", "/events"])
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 421),
        ({"Host": "localhost"}, 401),
        ({"Host": "localhost", "Authorization": "Bearer no"}, 401),
        ({"Host": "localhost", "Content-Type": "text/plain"}, 415),
        ({"Host": "localhost", "Content-Length": "300"}, 413),
    ],
)
def test_a_rejected_request_logs_no_error(
    serve: Serve,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    path: str,
    headers: dict[str, str],
    status: int,
) -> None:
    keys = tmp_path / "keys.txt"
    secret = add_key(keys, Role.ADMIN, "shop")
    client = serve(keys=keys, allowed_hosts="shop.example", max_body_bytes=256)
    if status not in (401, 421):
        headers = {**headers, "Authorization": f"Bearer {secret}"}
    body = b'{"user_id": "17"}'.ljust(int(headers.get("Content-Length", 0)))
    all_headers = {"Content-Type": "application/json", **headers}
    response = client.post(path, content=body, headers=all_headers)
    assert response.status_code == status
    assert client.get("/livez").status_code == 200
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


def test_allows_configured_names(serve: Serve) -> None:
    client = serve(allowed_hosts="shop.example, *.intern.example")
    for host, status in [
        ("shop.example", 200),
        ("SHOP.example:443", 200),
        ("a.b.intern.example", 200),
        ("127.0.0.1:8000", 200),
        ("intern.example", 421),
        ("xshop.example", 421),
    ]:
        assert client.get("/livez", headers={"Host": host}).status_code == status, host


def test_a_public_service_allows_all_names_by_default(tmp_path: Path) -> None:
    keys = tmp_path / "keys.txt"
    add_key(keys, Role.READ, "shop")
    assert HostRule.of(Settings(keys=keys)) is None
    assert HostRule.of(Settings(host="0.0.0.0", open_access=True)) is None
    assert HostRule.of(Settings(unix_socket=tmp_path / "socket")) is None
    rule = HostRule.of(Settings(host="192.0.2.7", keys=keys, allowed_hosts="service"))
    assert rule is not None
    assert rule.allows(b"192.0.2.7:8000")
    assert rule.allows(b"service:8000")
    assert not rule.allows(b"evil.example")


@pytest.mark.parametrize("hosts", ["https://shop.example", "shop.example:80", "a b", "a/b", "a..b"])
def test_rejects_invalid_host_names(hosts: str) -> None:
    with pytest.raises(SettingsError, match="BITRECALL_ALLOWED_HOSTS"):
        load_settings(allowed_hosts=hosts)
