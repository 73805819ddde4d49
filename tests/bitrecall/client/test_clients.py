import asyncio
import json
import socket
import subprocess
import sys
import threading
from datetime import UTC, datetime

import pytest
import uvicorn

import bitrecall
from bitrecall.client.asynchronous import AsyncClient
from bitrecall.client.synchronous import Client
from bitrecall.index.releases.store import ReleaseStore
from bitrecall.model.model import Model
from bitrecall.service.app import create_app
from bitrecall.service.settings import Settings
from tests.service.conftest import serving

RELEASE = {"release_id": "r"}


def test_sends_the_key_the_version_and_extra_headers(server):
    server.ok({"items": [], **RELEASE})
    with Client(server.url, key=" secret\n", headers={"X-Tenant": "a"}) as client:
        client.popular(3)
    ((method, path, headers, body),) = server.requests
    assert (method, path, body) == ("GET", "/popular?k=3", b"")
    assert headers["Authorization"] == "Bearer secret"
    assert headers["User-Agent"] == f"bitrecall/{bitrecall.__version__}"
    assert headers["X-Tenant"] == "a"


def test_keeps_the_path_of_the_url(server):
    server.ok({"items": [], **RELEASE})
    with Client(server.url + "/shop/") as client:
        client.popular(3)
    assert server.requests[0][1] == "/shop/popular?k=3"


def test_retries_after_a_broken_connection(server):
    server.responses.append(None)
    server.ok({"items": [], **RELEASE})
    with Client(server.url, max_wait=0) as client:
        assert len(client.popular(3)) == 0
    assert len(server.requests) == 2


def test_asynchronous_client_retries(server):
    server.responses.append(None)
    server.problem(503, "too-busy", headers={"Retry-After": "1"})
    server.ok({"items": [], **RELEASE})

    async def query():
        async with AsyncClient(server.url, max_wait=0) as client:
            return await client.popular(3)

    assert len(asyncio.run(query())) == 0
    assert len(server.requests) == 3


def test_reports_a_service_that_is_not_running():
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
    with (
        Client(f"http://127.0.0.1:{port}", retries=1, max_wait=0) as client,
        pytest.raises(bitrecall.ServiceUnreachableError, match=f"127.0.0.1:{port} cannot be reach"),
    ):
        client.popular()


def test_reports_a_timeout():
    # The socket listens without accepting: clients can connect, but get no response.
    with (
        socket.create_server(("127.0.0.1", 0)) as sock,
        Client(f"http://127.0.0.1:{sock.getsockname()[1]}", timeout=0.05) as client,
        pytest.raises(bitrecall.ServiceUnreachableError, match="timed out"),
    ):
        client.popular()


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("127.0.0.1:8000", "http://HOST:PORT, https://HOST or unix:PATH"),
        ("ftp://here", "unix:PATH"),
        ("unix:", "unix:PATH"),
        ("http://", "the host is missing"),
        ("http://a:b", "invalid URL"),
        ("http://a:99999", "the port has to be from 1 to 65535"),
    ],
)
def test_rejects_an_invalid_url(url, message):
    with pytest.raises(bitrecall.ArgumentError, match=message):
        Client(url)


@pytest.mark.parametrize("key", ["", " ", "a\nb", "ключ"])
def test_rejects_an_invalid_key(key):
    with pytest.raises(bitrecall.ArgumentError, match="bitrecall key new"):
        Client(key=key)


@pytest.mark.parametrize(
    "argument",
    [
        {"url": None},
        {"key": 3},
        {"timeout": -1},
        {"timeout": "x"},
        {"retries": -1},
        {"max_wait": -1},
        {"max_connections": 0},
        {"batch_size": 0},
        {"headers": 3},
        {"headers": {"x": 3}},
        {"headers": {"x": "é"}},
    ],
)
def test_rejects_an_argument_of_another_type(argument):
    (name,) = argument
    with pytest.raises(bitrecall.ArgumentError, match=f"^{name} has to "):
        Client(**argument)


def test_recommend_many_sends_batches(server):
    for users in (["a", "b"], ["c"]):
        responses = [{"user_id": user, "items": [], "source": "popular"} for user in users]
        server.ok({"answers": responses, "k": 10, **RELEASE})
    with Client(server.url, batch_size=2) as client:
        lists = client.recommend_many(["a", "b", "c"])
    assert [recommendations.user_id for recommendations in lists] == ["a", "b", "c"]
    assert [json.loads(body)["user_ids"] for *_, body in server.requests] == [["a", "b"], ["c"]]


def test_sends_no_request_for_empty_lists(server):
    with Client(server.url) as client:
        assert len(client.recommend_many([])) == 0
        assert client.send_events([]) == (0, 0)
    assert server.requests == []


@pytest.fixture
def service(release, tmp_path):
    """The URL of a service that stores events."""
    settings = Settings(releases=release.path.parent, events=f"sqlite:///{tmp_path}/events.db")
    with serving(create_app(settings)) as running:
        yield str(running.base_url)


def test_recommendations_use_events_at_once_and_ids_deduplicate(service):
    time = datetime(2026, 1, 2, tzinfo=UTC)
    event = {"user_id": "new", "item_id": "item 3", "time": time, "id": "first"}
    with Client(service) as client:
        assert client.recommend("new").source == "popular"
        assert client.send_events([event, {"user_id": "new", "item_id": "item 4"}]) == (2, 0)
        assert client.send_events([event]) == (0, 1)
        assert client.user("new").fresh == 2
        recommended = client.recommend("new", k=60)
        assert recommended.source == "history"
        assert {"item 3", "item 4"}.isdisjoint(recommended.item_ids)
        assert client.forget("new") == 2
        assert client.recommend("new").source == "popular"


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ("user", r"events\[0\] has to be a dict"),
        ({"user_id": "a"}, r"events\[0\]\.item_id has to be an id"),
        ({"user_id": "a", "item_id": "b", "time": datetime(2026, 1, 1)}, "no time zone"),
        ({"user_id": "a", "item_id": "b", "type": "!"}, "/events/0/type"),
        ({"user_id": "a", "item_id": "b", "price": 3}, "/events/0/price: unknown field"),
    ],
)
def test_rejects_an_invalid_event(service, event, message):
    with Client(service) as client, pytest.raises(bitrecall.ArgumentError, match=message):
        client.send_events([event])


def test_names_the_invalid_event_of_a_later_batch_and_the_number_stored(service):
    events = [{"user_id": "a", "item_id": str(item)} for item in range(1501)]
    events[1500]["type"] = "!"
    expected = r"^/events/1500/type: .*; the first 1,000 events are stored \(1,000 new\)"

    async def send():
        async with AsyncClient(service) as client:
            await client.send_events(events)

    with Client(service) as client, pytest.raises(bitrecall.ArgumentError, match=expected):
        client.send_events(events)
    with pytest.raises(bitrecall.ArgumentError, match=expected):
        asyncio.run(send())


@pytest.mark.slow
def test_authenticates_with_a_key(release, tmp_path):
    created = subprocess.run(
        [
            sys.executable,
            "-m",
            "bitrecall",
            "key",
            "new",
            "ours",
            "--role",
            "recommend",
            "--keys",
            str(tmp_path / "keys"),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    settings = Settings(releases=release.path.parent, events="off", keys=tmp_path / "keys")
    with serving(create_app(settings)) as running:
        url = str(running.base_url)
        with Client(url) as client, pytest.raises(bitrecall.NotPermittedError, match="key="):
            client.recommend("17")
        with Client(url, key=created.stdout) as client:
            assert len(client.recommend("17")) == 10
            with pytest.raises(bitrecall.NotPermittedError, match="role recommend"):
                client.recommend("17", explain=True)


@pytest.mark.slow
@pytest.mark.parametrize("history", [None, ["item 3", "item 40", "item 3"]])
def test_own_items_have_the_places_and_counts_that_the_model_gives_them(repeating_release, history):
    settings = Settings(releases=repeating_release.path.parent, events="off")
    options = {"history": history, "k": 60, "exclude_seen": False, "explain": True}
    expected = Model(repeating_release).recommend("17", **options)
    with (
        serving(create_app(settings)) as running,
        Client(str(running.base_url)) as client,
    ):
        assert client.recommend("17", **options) == expected
    taken = {item.item_id: item.taken for item in expected}
    assert taken["item 2"] == 0
    if history is not None:
        assert (taken["item 3"], taken["item 40"]) == (2, 1)
    else:
        assert taken["item 5"] == repeating_release.own_items(0).counts[2]


def test_reports_a_service_without_a_release(tmp_path):
    with (
        serving(create_app(Settings(releases=tmp_path / "empty", events="off"))) as running,
        Client(str(running.base_url), retries=0) as client,
        pytest.raises(bitrecall.NoReleaseError, match="no release is loaded"),
    ):
        client.recommend("17")


def test_connects_to_a_unix_socket(release, tmp_path):
    path = tmp_path / "service.sock"
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(path))
        sock.listen()
        app = create_app(Settings(releases=release.path.parent, events="off"))
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="on"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]})
        thread.start()
        try:
            with Client(f"unix:{path}") as client:
                assert client.recommend("17").release_id == release.id
                assert repr(client) == f"<Client of unix:{path}>"
            popular = asyncio.run(_popular(f"unix:{path}"))
        finally:
            server.should_exit = True
            thread.join()
    assert popular.release_id == ReleaseStore(release.path.parent).current_id()


async def _popular(url):
    async with AsyncClient(url) as client:
        return await client.popular()


def test_tasks_can_share_a_client(service):
    async def query():
        async with AsyncClient(service) as client:
            return await asyncio.gather(*(client.recommend("17", k=k) for k in range(1, 31)))

    assert [len(recommended) for recommended in asyncio.run(query())] == list(range(1, 31))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["Client", "AsyncClient"])
def test_a_missing_extra_is_named_with_how_to_install_it(name):
    script = (
        "import sys\n"
        "sys.modules['httpx'] = None\n"
        "import bitrecall\n"
        "try:\n"
        f"    bitrecall.{name}\n"
        "except bitrecall.MissingExtraError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert "needs httpx, which is not installed: " in done.stdout
    assert "[client]" in done.stdout


@pytest.mark.slow
def test_imports_no_numerical_or_server_library():
    script = "import sys, bitrecall; bitrecall.Client; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    loaded = done.stdout.split()
    assert "httpx" in loaded
    assert {"numpy", "faiss", "torch", "fastapi", "pydantic"}.isdisjoint(loaded)
