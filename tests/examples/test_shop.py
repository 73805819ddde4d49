"""The web shop of examples/, with a real service."""

import contextlib
import importlib.util
import re
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from types import ModuleType
from urllib.parse import quote

import httpx
import pytest
import uvicorn
import yaml
from starlette.applications import Starlette

from bitrecall.index.releases.store import ReleaseStore
from bitrecall.service.app import create_app
from bitrecall.service.settings import Settings
from tests.service.conftest import serving
from tests.tools.small_release import contents

__all__ = ["contents"]

SHOP = Path(__file__).parents[2] / "examples" / "shop"


def load_shop() -> ModuleType:
    spec = importlib.util.spec_from_file_location("shop", SHOP / "shop.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


shop = load_shop()


@contextlib.contextmanager
def browsing(app: Starlette) -> Iterator[httpx.Client]:
    """Serve a shop in another thread, and yield a client that keeps cookies."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="on"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]})
        thread.start()
        try:
            url = f"http://127.0.0.1:{sock.getsockname()[1]}"
            with httpx.Client(base_url=url, timeout=300, follow_redirects=True) as client:
                yield client
        finally:
            server.should_exit = True
            thread.join()


def items_on(text: str) -> list[str]:
    return [unescape(item) for item in re.findall(r"<li><a [^>]*>(.*?)</a>", text)]


@pytest.fixture
def service(contents, tmp_path):
    ReleaseStore(tmp_path / "releases").publish(contents())
    settings = Settings(releases=tmp_path / "releases", events=f"sqlite:///{tmp_path}/events.db")
    with serving(create_app(settings)) as http:
        yield str(http.base_url).rstrip("/")


@pytest.fixture
def browser(service):
    with browsing(shop.create_app(service)) as client:
        yield client


def test_recommends_popular_items_first_and_personal_ones_after_a_view(browser):
    page = browser.get("/").text
    assert "Popular now" in page
    first = items_on(page)[0]
    assert len(items_on(page)) > 1
    assert first in browser.get(f"/item/{quote(first, safe='')}").text
    home = browser.get("/").text
    assert "Recommended for you" in home
    assert first not in items_on(home)


def test_buying_redirects_home_and_sends_an_event(browser):
    first = items_on(browser.get("/").text)[0]
    response = browser.post(f"/buy/{quote(first, safe='')}")
    assert response.url.path == "/"
    assert first not in items_on(response.text)


def test_an_unknown_item_returns_404_and_sends_no_event(browser):
    response = browser.get("/item/<script>alert(1)")
    assert response.status_code == 404
    assert "<script>" not in response.text
    assert "Popular now" in browser.get("/").text


def test_pages_work_without_the_service(unused_url):
    with browsing(shop.create_app(unused_url)) as client:
        assert client.get("/").status_code == 200
        assert client.get("/item/anything").status_code == 200
        assert client.post("/buy/anything").status_code == 200


@pytest.fixture
def unused_url():
    # A bound port that does not listen refuses connections.
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{sock.getsockname()[1]}"


def test_escapes_names():
    assert "<b>" not in shop.shelf("<b>", ['<b>"'])


@pytest.mark.slow
def test_prints_help():
    command = [sys.executable, str(SHOP / "shop.py"), "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "--service" in done.stdout


@pytest.mark.skipif(shutil.which("docker-compose") is None, reason="needs Compose v1")
def test_compose_v1_accepts_the_file():
    command = ["docker-compose", "--file", str(SHOP / "compose.yaml"), "config", "--quiet"]
    subprocess.run(command, check=True, capture_output=True)


def test_publishes_only_the_shop_and_only_on_localhost():
    services = yaml.safe_load((SHOP / "compose.yaml").read_text())["services"]
    published = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert published == {"shop": ["127.0.0.1:8080:8080"]}
    assert all("${" not in str(service) for service in services.values())
