"""Several workers: start, stop, reload and failures."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.tools.service_process import Start, line_with, port_of

pytestmark = pytest.mark.slow

# An application that starts at once if a file exists, and otherwise waits for the file.
_PROGRAM = """
import asyncio, logging, socket, sys
from pathlib import Path
import uvicorn
from bitrecall.service.supervisor import Supervisor
from bitrecall.service.terminal import Terminal

logging.basicConfig(level="INFO", format="%(message)s", force=True)

async def app(scope, receive, send):
    assert scope["type"] == "lifespan"
    await receive()
    while not Path(sys.argv[1]).exists():
        await asyncio.sleep(0.01)
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})

if __name__ == "__main__":
    with socket.create_server(("127.0.0.1", 0)) as sock:
        config = uvicorn.Config(app, workers=2, lifespan="on", ws="none", log_config=None)
        config.timeout_graceful_shutdown = 1
        Supervisor(config, [sock], float(sys.argv[2]), Terminal()).run()
"""


@pytest.fixture
def ready(tmp_path: Path) -> Path:
    path = tmp_path / "ready"
    path.touch()
    return path


@pytest.fixture
def program(tmp_path: Path) -> Iterator[list[subprocess.Popen]]:
    processes: list[subprocess.Popen] = []
    yield processes
    for process in processes:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def start(processes: list[subprocess.Popen], tmp_path: Path, ready: Path, seconds: float) -> None:
    script = tmp_path / "program.py"
    script.write_text(_PROGRAM)
    processes.append(
        subprocess.Popen(
            [sys.executable, str(script), str(ready), str(seconds)],
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        )
    )


def line_matching(process: subprocess.Popen, text: str) -> str:
    for line in process.stderr:
        if re.search(text, line):
            return line
    pytest.fail(f"it ended without logging {text!r}")


def test_abandons_a_reload_if_the_new_worker_is_not_ready_in_time(
    program: list[subprocess.Popen], tmp_path: Path, ready: Path
) -> None:
    start(program, tmp_path, ready, 3.0)
    (process,) = program
    for _ in range(2):
        line_matching(process, "Application startup complete")
    ready.unlink()
    process.send_signal(signal.SIGHUP)
    line_matching(process, "not ready within 3 seconds.*BITRECALL_STARTUP_TIMEOUT")
    assert process.poll() is None
    # Once new workers can start again, a reload succeeds.
    ready.touch()
    process.send_signal(signal.SIGHUP)
    line_matching(process, "reloaded")
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=300)
    assert process.returncode == 0


def test_stops_during_a_reload(
    program: list[subprocess.Popen], tmp_path: Path, ready: Path
) -> None:
    start(program, tmp_path, ready, 3600.0)
    (process,) = program
    for _ in range(2):
        line_matching(process, "Application startup complete")
    ready.unlink()
    process.send_signal(signal.SIGHUP)
    line_matching(process, "reloading")
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=300)
    assert process.returncode == 0


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
    texts = (httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=300).text for _ in range(200))
    assert any(counted in text.splitlines() for text in texts)
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
        query = {"user_id": "born now", "k": 60}
        posted = httpx.post(f"{url}/events", json={"events": [event]}, timeout=300)
        assert posted.status_code == 200
        answer = httpx.post(f"{url}/recommend", json=query, timeout=300).json()
        assert answer["source"] == "history"
        assert len(answer["items"]) == 60 - number - 1
        assert not {entry["id"] for entry in answer["items"]} & set(items[: number + 1])
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=300)


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
