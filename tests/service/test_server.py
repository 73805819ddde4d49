"""The service as a process: its socket, its signals, its workers."""

import contextlib
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import httpx
import pytest

from index.release import Release
from service.errors import ListenError
from service.server import listening

RUN = "import service.server, service.settings as s; service.server.run(s.load_settings(**{!r}))"

Start = Callable[..., subprocess.Popen]


@pytest.fixture
def start(release: Release) -> Iterator[Start]:
    """Starts the service on a free port, with these settings and nothing from the environment."""
    started = []
    guards = []

    def begin(variables: Mapping[str, str] | None = None, **given: object) -> subprocess.Popen:
        environment = {name: os.environ[name] for name in os.environ if "BITRECALL" not in name}
        settings = {"releases": str(release.path.parent), "port": 0, "events": "off", **given}
        process = subprocess.Popen(
            [sys.executable, "-c", RUN.format(settings)],
            env={**environment, **(variables or {})},
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        # A service that never says what a test waits for ends the test, not the patience.
        guards.append(threading.Timer(90, process.terminate))
        guards[-1].start()
        return process

    yield begin
    for guard in guards:
        guard.cancel()
    for process in started:
        # Its workers too, which would keep the pipe open.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        _, said = process.communicate()
        # Shown with a test that fails.
        sys.stderr.write(said or "")


def line_with(process: subprocess.Popen, text: str) -> str:
    """The next line of the log that has this text."""
    for line in process.stderr:
        if text in line:
            return line
    pytest.fail(f"the service ended without logging {text!r}")


def port_of(process: subprocess.Popen) -> int:
    return int(re.search(r"http://127\.0\.0\.1:(\d+)", line_with(process, "listening on"))[1])


def test_a_request_that_has_begun_is_answered_before_the_service_ends(start: Start) -> None:
    process = start()
    body = b'{"user_id": "17"}'
    head = (
        "POST /recommend HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n"
    )
    # The socket listens before the application is there: this waits in it and is not refused.
    with socket.create_connection(("127.0.0.1", port_of(process)), timeout=20) as connection:
        connection.sendall(head.encode())
        assert connection.recv(1000).startswith(b"HTTP/1.1 100 ")
        process.send_signal(signal.SIGTERM)
        connection.sendall(body)
        assert connection.recv(1000).startswith(b"HTTP/1.1 200 ")
    _, rest = process.communicate(timeout=20)
    assert process.returncode == 0
    assert "Traceback" not in rest


def test_where_events_are_kept_is_said_once(start: Start, tmp_path: Path) -> None:
    path = os.path.relpath(tmp_path / "events.db")
    process = start(workers=2, events=f"sqlite:///{path}")
    assert f"events are kept in {Path(path).absolute()}" in line_with(process, "events are")
    for _ in range(2):
        assert "events are kept" not in line_with(process, "serving release")
    process.send_signal(signal.SIGTERM)
    _, rest = process.communicate(timeout=20)
    assert "events are kept" not in rest


def test_several_workers_serve_and_end_together(start: Start) -> None:
    process = start(workers=2, log_format="json", max_k=20)
    port = port_of(process)
    workers = {json.loads(line_with(process, "serving release"))["process"] for _ in range(2)}
    assert len(workers - {process.pid}) == 2
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
        assert client.post("/recommend", json={"user_id": "17", "k": 20}).status_code == 200
        assert client.post("/recommend", json={"user_id": "17", "k": 21}).status_code == 422
    for _ in range(20):
        # A connection of its own for each, so that both workers get some.
        httpx.post(f"http://127.0.0.1:{port}/recommend", json={"user_id": "17"}, timeout=20)
    counted = 'bitrecall_requests_total{method="POST",path="/recommend",status="200"} 21.0'
    # What the other worker has counted it tells a moment later.
    asked = (httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=20).text for _ in range(200))
    assert any(counted in told.splitlines() for told in asked)
    process.send_signal(signal.SIGINT)
    _, rest = process.communicate(timeout=20)
    assert process.returncode == 0
    assert "Traceback" not in rest
    for worker in workers:
        with pytest.raises(ProcessLookupError):
            os.kill(worker, 0)


def test_what_one_worker_takes_in_the_other_knows_at_once(start: Start, tmp_path: Path) -> None:
    events = f"sqlite:///{tmp_path}/events.db"
    process = start(workers=2, events=events, poll_interval=3600)
    url = f"http://127.0.0.1:{port_of(process)}"
    items = [f"item {number}" for number in range(40)]
    for taken, item in enumerate(items):
        # A connection of its own for each, so that both workers get some.
        event = {"user_id": "born now", "item_id": item}
        asked = {"user_id": "born now", "k": 60}
        posted = httpx.post(f"{url}/events", json={"events": [event]}, timeout=20)
        assert posted.status_code == 200
        answer = httpx.post(f"{url}/recommend", json=asked, timeout=20).json()
        assert answer["source"] == "history"
        assert len(answer["items"]) == 60 - taken - 1
        assert not {one["id"] for one in answer["items"]} & set(items[: taken + 1])
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)


def test_the_request_to_try_works_as_it_is_printed(start: Start) -> None:
    process = start()
    command = line_with(process, "a request to try: ").partition("a request to try: ")[2]
    answer = subprocess.run(
        shlex.split(command), capture_output=True, text=True, timeout=20, check=True
    )
    assert json.loads(answer.stdout)["source"] == "codes"


def test_a_misspelt_variable_is_told_of(start: Start) -> None:
    process = start({"BITRECALL_PROT": "80"})
    assert "BITRECALL_PROT is no setting" in line_with(process, "WARNING")
    line_with(process, "serving release")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode == 0


def test_a_port_in_use_is_an_error_that_says_so() -> None:
    with (
        listening("127.0.0.1", 0) as taken,
        pytest.raises(ListenError, match=r"port \d+: Address already in use; stop what listens"),
        listening("127.0.0.1", taken.getsockname()[1]),
    ):
        pass


@pytest.mark.parametrize("host", ["no such host", "256.0.0.1"])
def test_a_host_that_is_none_is_an_error_that_names_it(host: str) -> None:
    with pytest.raises(ListenError, match=re.escape(host)), listening(host, 0):
        pass


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(ListenError, match=r"192\.0\.2\.1"), listening("192.0.2.1", 0):
        pass


def test_serving_needs_no_torch_and_no_scipy(release: Release) -> None:
    code = (
        "import sys, service.server, service.app\n"
        "assert not {'torch', 'scipy', 'polars', 'training'} & sys.modules.keys()"
    )
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", code], check=True, cwd=root)
