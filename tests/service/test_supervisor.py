"""Workers that take long to be ready, or never are."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

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


def line_with(process: subprocess.Popen, text: str) -> str:
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
        line_with(process, "Application startup complete")
    ready.unlink()
    process.send_signal(signal.SIGHUP)
    line_with(process, "not ready within 3 seconds.*BITRECALL_STARTUP_TIMEOUT")
    assert process.poll() is None
    # Once new workers can start again, a reload succeeds.
    ready.touch()
    process.send_signal(signal.SIGHUP)
    line_with(process, "reloaded")
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=300)
    assert process.returncode == 0


def test_stops_during_a_reload(
    program: list[subprocess.Popen], tmp_path: Path, ready: Path
) -> None:
    start(program, tmp_path, ready, 3600.0)
    (process,) = program
    for _ in range(2):
        line_with(process, "Application startup complete")
    ready.unlink()
    process.send_signal(signal.SIGHUP)
    line_with(process, "reloading")
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=300)
    assert process.returncode == 0
