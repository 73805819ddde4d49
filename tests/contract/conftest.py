"""A model, and clients of a service, with the same release."""

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from bitrecall.client.asynchronous import AsyncClient
from bitrecall.client.synchronous import Client
from bitrecall.model.model import Model
from bitrecall.service.app import create_app
from bitrecall.service.settings import Settings
from tests.service.conftest import serving
from tests.tools.small_release import contents, release

__all__ = ["contents", "release"]


class BlockingClient:
    """An ``AsyncClient`` with blocking methods, so that the same tests can call it."""

    def __init__(self, url: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._client = AsyncClient(url)

    def __getattr__(self, method: str) -> Any:
        def wait(*args: Any, **kwargs: Any) -> Any:
            coroutine = getattr(self._client, method)(*args, **kwargs)
            return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

        return wait

    def stop(self) -> None:
        self.aclose()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@pytest.fixture(scope="session")
def url(release) -> Iterator[str]:
    settings = Settings(releases=release.path.parent, events="off")
    with serving(create_app(settings)) as running:
        yield str(running.base_url).rstrip("/")


@pytest.fixture(scope="session")
def model(release) -> Model:
    return Model(release)


@pytest.fixture(scope="session", params=["Client", "AsyncClient"])
def client(request, url) -> Iterator[Any]:
    if request.param == "Client":
        with Client(url) as client:
            yield client
    else:
        blocking = BlockingClient(url)
        yield blocking
        blocking.stop()
