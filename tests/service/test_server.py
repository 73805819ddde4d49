"""The service as a process: signals, reloads, sockets and logs."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from bitrecall.index.releases.release import ReleaseContents
from bitrecall.index.releases.store import ReleaseStore
from bitrecall.service.auth.keyring import Role, add_key
from tests.tools.service_process import Start, line_with, port_of

pytestmark = pytest.mark.slow


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


def test_warns_of_a_misspelt_variable(start: Start) -> None:
    process = start({"BITRECALL_PROT": "80"})
    assert "BITRECALL_PROT is not a setting" in line_with(process, "WARNING")
    line_with(process, "serving release")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=300)
    assert process.returncode == 0


def test_does_not_import_torch_or_scipy_and_sqlalchemy_only_for_events() -> None:
    code = (
        "import sys, bitrecall.service.server, bitrecall.service.app\n"
        "assert not {'torch', 'scipy', 'polars', 'sqlalchemy'} & sys.modules.keys()"
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
