"""The service as a process: its socket, its signals, its workers."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import httpx
import pytest

from bitrecall.index.releases.release import Release, ReleaseContents
from bitrecall.index.releases.store import ReleaseStore
from bitrecall.service.auth.keys import Role, add_key
from bitrecall.service.errors import ListenError
from bitrecall.service.sockets import listen_tcp

pytestmark = pytest.mark.slow

RUN = """
from bitrecall.service import environment, server
server.run(environment.load_settings(**{!r}))
"""

Start = Callable[..., subprocess.Popen]


@pytest.fixture
def start(release: Release) -> Iterator[Start]:
    """Starts the service on a free port, with these settings and nothing from the environment.

    ``before`` is Python that the process runs first.
    """
    started = []
    guards = []

    def begin(
        variables: Mapping[str, str] | None = None, before: str = "", **options: object
    ) -> subprocess.Popen:
        environment = {name: os.environ[name] for name in os.environ if "BITRECALL" not in name}
        settings = {"releases": str(release.path.parent), "port": 0, "events": "off", **options}
        process = subprocess.Popen(
            [sys.executable, "-c", before + RUN.format(settings)],
            env={**environment, **(variables or {})},
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        # If the service never logs the expected line, the test ends after five minutes.
        guards.append(threading.Timer(300, process.terminate))
        guards[-1].start()
        return process

    yield begin
    for guard in guards:
        guard.cancel()
    for process in started:
        # Workers have to end too: they would keep the pipe open.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        _, output = process.communicate()
        # Shown if the test fails.
        sys.stderr.write(output or "")


def line_with(process: subprocess.Popen, text: str) -> str:
    """The next line of the log with this text."""
    for line in process.stderr:
        if text in line:
            return line
    pytest.fail(f"the service ended without logging {text!r}")


def port_of(process: subprocess.Popen) -> int:
    return int(re.search(r"http://127\.0\.0\.1:(\d+)", line_with(process, "listening on"))[1])


def test_completes_running_requests_before_it_stops(start: Start) -> None:
    process = start()
    body = b'{"user_id": "17"}'
    head = (
        "POST /recommend HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n"
    )
    # The socket listens before the application is ready: the connection waits in its queue.
    with socket.create_connection(("127.0.0.1", port_of(process)), timeout=300) as connection:
        connection.sendall(head.encode())
        assert connection.recv(1000).startswith(b"HTTP/1.1 100 ")
        process.send_signal(signal.SIGTERM)
        connection.sendall(body)
        assert connection.recv(1000).startswith(b"HTTP/1.1 200 ")
    _, output_after = process.communicate(timeout=300)
    assert process.returncode == 0
    assert "Traceback" not in output_after


def test_logs_the_location_of_events_once(start: Start, tmp_path: Path) -> None:
    path = os.path.relpath(tmp_path / "events.db")
    process = start(workers=2, events=f"sqlite:///{path}")
    assert f"events are stored in {Path(path).absolute()}" in line_with(process, "events are")
    for _ in range(2):
        assert "events are stored" not in line_with(process, "serving release")
    process.send_signal(signal.SIGTERM)
    _, output_after = process.communicate(timeout=300)
    assert "events are stored" not in output_after


def test_several_workers_serve_and_stop_together(start: Start) -> None:
    process = start(workers=2, log_format="json", max_k=20)
    port = port_of(process)
    workers = {json.loads(line_with(process, "serving release"))["process"] for _ in range(2)}
    assert len(workers - {process.pid}) == 2
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=300) as client:
        assert client.post("/recommend", json={"user_id": "17", "k": 20}).status_code == 200
        assert client.post("/recommend", json={"user_id": "17", "k": 21}).status_code == 422
    for _ in range(20):
        # A new connection for each, so that both workers get some.
        httpx.post(f"http://127.0.0.1:{port}/recommend", json={"user_id": "17"}, timeout=300)
    counted = 'bitrecall_requests_total{method="POST",path="/recommend",status="200"} 21.0'
    # The counts of the other worker are published a moment later.
    asked = (httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=300).text for _ in range(200))
    assert any(counted in told.splitlines() for told in asked)
    process.send_signal(signal.SIGINT)
    _, output_after = process.communicate(timeout=300)
    assert process.returncode == 0
    assert "Traceback" not in output_after
    for worker in workers:
        with pytest.raises(ProcessLookupError):
            os.kill(worker, 0)


def test_workers_see_each_others_events_at_once(start: Start, tmp_path: Path) -> None:
    events = f"sqlite:///{tmp_path}/events.db"
    process = start(workers=2, events=events, poll_interval=3600)
    url = f"http://127.0.0.1:{port_of(process)}"
    items = [f"item {number}" for number in range(40)]
    for number, item in enumerate(items):
        # A new connection for each, so that both workers get some.
        event = {"user_id": "born now", "item_id": item}
        asked = {"user_id": "born now", "k": 60}
        posted = httpx.post(f"{url}/events", json={"events": [event]}, timeout=300)
        assert posted.status_code == 200
        answer = httpx.post(f"{url}/recommend", json=asked, timeout=300).json()
        assert answer["source"] == "history"
        assert len(answer["items"]) == 60 - number - 1
        assert not {entry["id"] for entry in answer["items"]} & set(items[: number + 1])
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=300)


def publish(store: ReleaseStore, contents: Callable[..., ReleaseContents], seed: int) -> str:
    return store.publish(contents(seed)).id


def send_requests(url: str, stop: threading.Event, failed: list[str], answered: list[str]) -> None:
    """Send requests until ``stop`` is set, each on a new connection."""
    while not stop.is_set():
        try:
            response = httpx.post(f"{url}/recommend", json={"user_id": "17"}, timeout=300)
            answered.append(response.json()["release_id"])
        except (httpx.HTTPError, ValueError, KeyError) as error:
            failed.append(repr(error))


@pytest.mark.parametrize("workers", [1, 2])
def test_sighup_reloads_without_dropping_requests(
    start: Start, tmp_path: Path, contents: Callable[..., ReleaseContents], workers: int
) -> None:
    store = ReleaseStore(tmp_path / "releases")
    first = publish(store, contents, 1)
    process = start(releases=str(store.root), workers=workers, poll_interval=3600)
    url = f"http://127.0.0.1:{port_of(process)}"
    for _ in range(workers):
        line_with(process, f"serving release {first}")
    stop, failed, answered = threading.Event(), [], []
    client_thread = threading.Thread(target=send_requests, args=(url, stop, failed, answered))
    client_thread.start()
    try:
        second = publish(store, contents, 2)
        process.send_signal(signal.SIGHUP)
        line_with(process, "reloaded")
        after = [
            httpx.post(f"{url}/recommend", json={"user_id": "17"}, timeout=300) for _ in range(10)
        ]
    finally:
        stop.set()
        client_thread.join()
    assert {response.json()["release_id"] for response in after} == {second}
    assert failed == []
    assert set(answered) <= {first, second}
    process.send_signal(signal.SIGTERM)
    _, output_after = process.communicate(timeout=300)
    assert process.returncode == 0
    assert "stopped" in output_after
    assert "Traceback" not in output_after


def test_a_reload_reads_the_keys_and_retries_a_rejected_release(
    start: Start, tmp_path: Path, contents: Callable[..., ReleaseContents]
) -> None:
    store, keys = ReleaseStore(tmp_path / "releases"), tmp_path / "keys.txt"
    publish(store, contents, 1)
    secret = add_key(keys, Role.READ, "shop")
    process = start(releases=str(store.root), keys=str(keys), poll_interval=3600)
    url = f"http://127.0.0.1:{port_of(process)}"
    line_with(process, "serving release")
    codes = store.publish(contents(2)).path / "item_codes.npy"
    good = codes.read_bytes()
    codes.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    process.send_signal(signal.SIGHUP)
    line_with(process, "release not loaded")
    line_with(process, "reloaded")
    codes.write_bytes(good)
    process.send_signal(signal.SIGHUP)
    assert store.current_id() in line_with(process, "serving release")
    line_with(process, "reloaded")
    headers = {"Authorization": f"Bearer {secret}"}
    assert httpx.get(f"{url}/popular", headers=headers, timeout=300).status_code == 200
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=300)


def test_ignores_a_sighup_during_the_start(start: Start) -> None:
    process = start()
    line_with(process, "listening on")
    process.send_signal(signal.SIGHUP)
    line_with(process, "serving release")
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=300)
    assert process.returncode == 0


def test_logs_a_clean_stop(start: Start) -> None:
    process = start()
    line_with(process, "serving release")
    process.send_signal(signal.SIGTERM)
    _, output_after = process.communicate(timeout=300)
    assert "stopped" in output_after
    assert process.returncode == 0


def test_workers_stop_and_free_the_port_when_their_parent_is_killed(
    start: Start, tmp_path: Path
) -> None:
    folder = {"TMPDIR": str(tmp_path)}
    process = start(folder, workers=2, log_format="json")
    port = port_of(process)
    workers = {json.loads(line_with(process, "serving release"))["process"] for _ in range(2)}
    assert list(tmp_path.glob("bitrecall-service-*"))
    process.kill()
    # Their log ends when the last worker has ended, even if nothing reaps them.
    _, output_after = process.communicate(timeout=300)
    assert output_after.count("the parent process is gone") == len(workers)
    again = start(folder, workers=2, port=port)
    line_with(again, "serving release")
    assert len(list(tmp_path.glob("bitrecall-*"))) == 1
    again.send_signal(signal.SIGTERM)
    again.communicate(timeout=300)
    assert not list(tmp_path.glob("bitrecall-*"))


def test_replaces_a_dead_worker(start: Start) -> None:
    process = start(workers=2, log_format="json")
    line_with(process, "listening on")
    victim = json.loads(line_with(process, "serving release"))["process"]
    line_with(process, "serving release")
    os.kill(victim, signal.SIGKILL)
    line_with(process, "replacing it")
    line_with(process, "serving release")
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=300)
    assert process.returncode == 0


@pytest.mark.parametrize("workers", [1, 2])
def test_serves_on_a_unix_socket(start: Start, tmp_path: Path, workers: int) -> None:
    path = tmp_path / "service.sock"
    process = start(unix_socket=str(path), unix_socket_mode="600", workers=workers)
    line_with(process, f"listening on unix:{path}")
    line_with(process, "serving release")
    assert path.stat().st_mode & 0o777 == 0o600
    transport = httpx.HTTPTransport(uds=str(path))
    with httpx.Client(transport=transport, base_url="http://any.name", timeout=300) as client:
        assert client.post("/recommend", json={"user_id": "17"}).json()["source"] == "codes"
        assert client.get("/livez").status_code == 200
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=300)
    assert process.returncode == 0
    assert not path.exists()


@pytest.mark.parametrize("keyed", [False, True])
def test_the_example_request_works_as_printed(start: Start, tmp_path: Path, keyed: bool) -> None:
    keys = tmp_path / "keys.txt"
    key = add_key(keys, Role.RECOMMEND, "shop")
    process = start(keys=str(keys)) if keyed else start()
    command = line_with(process, "an example request: ").partition("an example request: ")[2]
    answer = subprocess.run(
        ["sh", "-c", command],
        env={**os.environ, "KEY": key},
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    assert json.loads(answer.stdout)["source"] == "codes"


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("missing_part", ["driver", "password", "traces"])
def test_reports_configuration_errors_before_it_listens(
    start: Start, tmp_path: Path, workers: int, missing_part: str
) -> None:
    missing = "raise ModuleNotFoundError"
    (tmp_path / "psycopg.py").write_text(missing if missing_part == "driver" else "")
    exporter = tmp_path / "opentelemetry" / "exporter"
    exporter.mkdir(parents=True)
    if missing_part == "traces":
        (exporter / "otlp.py").write_text(missing)
        (exporter.parent / "__init__.py").write_text(
            "__path__ = __import__('pkgutil').extend_path(__path__, __name__)"
        )
        (exporter / "__init__.py").touch()
    options = {
        "driver": {"events": "postgresql://bitrecall@127.0.0.1/bitrecall"},
        "password": {"events": f"postgresql://a@127.0.0.1/b?password_file={tmp_path}/none"},
        "traces": {"traces": "http://127.0.0.1:4318/v1/traces"},
    }
    output = {
        "driver": "EventsError: PostgreSQL needs the package psycopg",
        "password": "EventsError: ",
        "traces": "SettingsError: ",
    }
    variables = {"PYTHONPATH": str(tmp_path)} if missing_part != "password" else {}
    process = start(variables, workers=workers, **options[missing_part])
    assert process.stderr is not None
    printed = process.stderr.read()
    assert process.wait() == 1
    assert printed.count(output[missing_part]) == 1 + (workers > 1), printed
    assert "listening on" not in printed


def test_warns_of_a_misspelt_variable(start: Start) -> None:
    process = start({"BITRECALL_PROT": "80"})
    assert "BITRECALL_PROT is not a setting" in line_with(process, "WARNING")
    line_with(process, "serving release")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=300)
    assert process.returncode == 0


def test_reports_a_port_in_use() -> None:
    with (
        listen_tcp("127.0.0.1", 0) as taken,
        pytest.raises(
            ListenError, match=r"port \d+: Address already in use; stop the other process"
        ),
        listen_tcp("127.0.0.1", taken.getsockname()[1]),
    ):
        pass


@pytest.mark.parametrize("host", ["no such host", "256.0.0.1"])
def test_reports_an_invalid_host(host: str) -> None:
    with pytest.raises(ListenError, match=re.escape(host)), listen_tcp(host, 0):
        pass


def test_rejects_an_address_of_another_machine() -> None:
    with pytest.raises(ListenError, match=r"192\.0\.2\.1"), listen_tcp("192.0.2.1", 0):
        pass


def test_does_not_import_torch_or_scipy(release: Release) -> None:
    code = (
        "import sys, bitrecall.service.server, bitrecall.service.app\n"
        "assert not {'torch', 'scipy', 'polars', 'training'} & sys.modules.keys()"
    )
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", code], check=True, cwd=root)


# A version of uvicorn with changed internals: modules that use them cannot be imported.
OTHER_UVICORN = """if 1:
    import sys
    from bitrecall.service.http import versions
    versions.version = {"uvicorn": "0.99.0", "httptools": "0.9.0"}.__getitem__
    for name in ("http.protocol", "http.connection", "supervisor"):
        sys.modules[f"bitrecall.service.{name}"] = None
"""


@pytest.mark.parametrize("workers", [1, 2])
def test_an_untested_uvicorn_serves_the_same_responses_with_its_own_protocol(
    start: Start, workers: int
) -> None:
    plain = start(before=f"{OTHER_UVICORN}\n", workers=workers)
    warning = line_with(plain, "WARNING")
    assert "was not tested with uvicorn 0.99.0" in warning
    assert "install uvicorn 0.54.*" in warning
    plain_port = port_of(plain)
    tested_port = port_of(start())
    user = {"user_id": "17", "k": 5, "explain": True}
    for path, body, status in (
        ("/recommend", user, 200),
        ("/recommend", {"user_id": "unknown", "k": 5}, 200),
        ("/recommend", {"history": ["3", "5"], "k": 5}, 200),
        ("/recommend", {"user_id": "17", "k": -1}, 422),
        ("/nowhere", user, 404),
    ):
        answers = [
            httpx.post(f"http://127.0.0.1:{port}{path}", json=body, timeout=300)
            for port in (plain_port, tested_port)
        ]
        assert [answer.status_code for answer in answers] == [status, status]
        bodies = [answer.json() for answer in answers]
        for body in bodies:
            body.pop("instance", None)
        assert bodies[0] == bodies[1]
        assert "x-request-id" in answers[0].headers
    plain.send_signal(signal.SIGTERM)
    output_after = plain.stderr.read()
    assert plain.wait(timeout=300) == 0, output_after
    assert "WARNING" not in output_after
    assert "Traceback" not in output_after
