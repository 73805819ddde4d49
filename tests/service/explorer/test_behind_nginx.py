"""The nginx configuration in docs/service.md, tested with nginx and a browser."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from bitrecall.index.releases.release import ReleaseContents
from bitrecall.index.releases.store import ReleaseStore
from tests.tools.required import skip_or_fail

# One process starts nginx and the service once for all of them.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("nginx")]

PAGE = Path(__file__).parents[3] / "docs" / "service.md"
SERVE = """
from bitrecall.service import environment, server
server.run(environment.load_settings(**{!r}))
"""
ROOT = "/recommender"

_NGINX = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {documented}
}}
"""


@pytest.fixture(scope="module")
def nginx() -> str:
    """The path of nginx."""
    path = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
    if path is None:
        skip_or_fail("NGINX", "nginx is not installed: apt-get install nginx")
    return path


@pytest.fixture(scope="module", params=["as documented", "path removed"])
def url(
    request: pytest.FixtureRequest,
    nginx: str,
    tmp_path_factory: pytest.TempPathFactory,
    contents: Callable[..., ReleaseContents],
) -> Iterator[str]:
    """The URL at which nginx serves the service."""
    folder = tmp_path_factory.mktemp("nginx")
    ReleaseStore(folder / "releases").publish(contents())
    (documented,) = re.findall(r"```nginx\n(.*?)```", PAGE.read_text(), re.DOTALL)
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
    path = folder / "s.sock"
    documented = documented.replace("/run/bitrecall/service.sock", str(path))
    documented = documented.replace("listen 80;", f"listen 127.0.0.1:{port};")
    if request.param == "path removed":
        documented = documented.replace("http://bitrecall;", "http://bitrecall/;")
    config = folder / "nginx.conf"
    # If nginx runs as root, its workers run as another user, who may not open the socket.
    user = "user root;\n" if os.geteuid() == 0 else ""
    config.write_text(user + _NGINX.format(folder=folder, documented=documented))
    settings = {
        "releases": str(folder / "releases"),
        "events": f"sqlite:///{folder}/events.db",
        "unix_socket": str(path),
        "root_path": ROOT,
    }
    service = subprocess.Popen(
        [sys.executable, "-c", SERVE.format(settings)], stderr=subprocess.PIPE, text=True
    )
    assert service.stderr is not None
    assert any("serving release" in line for line in service.stderr)
    proxy = subprocess.Popen(
        [nginx, "-e", str(folder / "error.log"), "-c", str(config)], stderr=subprocess.PIPE
    )
    try:
        transport = httpx.HTTPTransport(retries=8)
        with httpx.Client(transport=transport, timeout=20) as client:
            assert client.get(f"http://127.0.0.1:{port}{ROOT}/readyz").status_code == 200
        yield f"http://127.0.0.1:{port}{ROOT}"
    finally:
        for process in (proxy, service):
            process.terminate()
            process.communicate(timeout=20)


def test_serves_the_api_below_the_path(url: str) -> None:
    with httpx.Client(timeout=20) as client:
        response = client.post(f"{url}/recommend", json={"user_id": "17"})
        assert response.json()["source"] == "codes"
        problem = client.post(f"{url}/recommend", json={})
        assert problem.status_code == 422
        page = client.get(str(httpx.URL(url).join(problem.json()["type"])))
        assert (page.status_code, page.text.splitlines()[0]) == (200, problem.json()["title"])
        assert client.get(f"{url}/openapi.json").json()["servers"] == [{"url": ROOT}]
        same_origin = {"Origin": url.removesuffix(ROOT)}
        event = {"events": [{"user_id": "18", "item_id": "item 7"}]}
        assert client.post(f"{url}/events", json=event, headers=same_origin).status_code == 200
        other_origin = {"Origin": "http://evil.example"}
        assert client.post(f"{url}/events", json=event, headers=other_origin).status_code == 403


@pytest.mark.parametrize("path", ["", "/"])
def test_serves_the_explorer_below_the_path(url: str, page: Page, path: str) -> None:
    failed: list[str] = []
    page.on(
        "response", lambda response: failed.append(response.url) if response.status >= 400 else 0
    )
    page.goto(url + path)
    expect(page.locator("#recommendations > li")).to_have_count(10)
    expect(page.locator("#popular .name").first).to_have_text("item 0")
    page.locator("#user").fill("17")
    page.locator("#user").press("Enter")
    expect(page.locator("#user-items li")).to_have_count(4)
    items = httpx.post(f"{url}/recommend", json={"user_id": "17"}, timeout=20).json()["items"]
    # The user shown first may have as many items: opening one of its recommendations would be lost.
    names = [item["id"] for item in items]
    expect(page.locator("#recommendations .name")).to_have_text(names)
    page.locator("#recommendations .open").first.click()
    expect(page.locator("#recommendations .bits")).to_have_count(2)
    assert json.dumps(failed) == "[]"
    assert page.url == f"{url}/"
