"""The web shop of examples/, beside a real service."""

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
    """A client that keeps cookies, of a shop that is served in another thread."""
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


def test_a_visitor_gets_popular_items_and_then_ones_of_their_own(browser):
    page = browser.get("/").text
    assert "Popular now" in page
    first = items_on(page)[0]
    assert len(items_on(page)) > 1
    assert first in browser.get(f"/item/{quote(first, safe='')}").text
    home = browser.get("/").text
    assert "Recommended for you" in home
    assert first not in items_on(home)


def test_buying_leads_home_and_counts(browser):
    first = items_on(browser.get("/").text)[0]
    answer = browser.post(f"/buy/{quote(first, safe='')}")
    assert answer.url.path == "/"
    assert first not in items_on(answer.text)


def test_an_item_that_does_not_exist_is_not_found_and_not_an_event(browser):
    answer = browser.get("/item/<script>alert(1)")
    assert answer.status_code == 404
    assert "<script>" not in answer.text
    assert "Popular now" in browser.get("/").text


def test_without_the_service_the_pages_still_work(unused_url):
    with browsing(shop.create_app(unused_url)) as client:
        assert client.get("/").status_code == 200
        assert client.get("/item/anything").status_code == 200
        assert client.post("/buy/anything").status_code == 200


@pytest.fixture
def unused_url():
    # A port that is bound and does not listen refuses connections.
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{sock.getsockname()[1]}"


def test_names_are_escaped():
    assert "<b>" not in shop.shelf("<b>", ['<b>"'])


@pytest.mark.slow
def test_it_explains_itself():
    command = [sys.executable, str(SHOP / "shop.py"), "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "--service" in done.stdout


@pytest.mark.skipif(shutil.which("docker-compose") is None, reason="there is no Compose v1")
def test_compose_v1_reads_it():
    command = ["docker-compose", "--file", str(SHOP / "compose.yaml"), "config", "--quiet"]
    subprocess.run(command, check=True, capture_output=True)


def test_only_the_shop_is_published_and_on_this_machine_alone():
    services = yaml.safe_load((SHOP / "compose.yaml").read_text())["services"]
    published = {name: one["ports"] for name, one in services.items() if "ports" in one}
    assert published == {"shop": ["127.0.0.1:8080:8080"]}
    assert all("${" not in str(one) for one in services.values())
