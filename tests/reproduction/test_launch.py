import signal
import sys

import pytest

from bitrecall.reproduction.job import INTERRUPTED, Job
from bitrecall.reproduction.launch import launch

pytestmark = pytest.mark.slow

JOB = Job(part="p", row={}, measure="test", recipe={}, data="d", folder="f")


@pytest.fixture
def child(tmp_path, monkeypatch):
    """Put a script in the place of the child, run by the same interpreter."""

    def child(script):
        path = tmp_path / "python"
        path.write_text(f"#!{sys.executable}\n{script}\n")
        path.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(path))

    return child


def test_the_child_gets_the_job_the_threads_and_an_open_end(child, tmp_path):
    child(
        "import os, select, sys\n"
        "line = sys.stdin.readline()\n"
        "ended = bool(select.select([sys.stdin], [], [], 0)[0])\n"
        f"open({str(tmp_path / 'seen')!r}, 'w').write(repr((line, os.environ['OMP_NUM_THREADS'], "
        "os.environ['GOMP_SPINCOUNT'], ended, os.getpgid(0) == os.getpid())))"
    )
    assert launch(JOB, threads=3) == 0
    line, threads, turns, ended, own_group = eval((tmp_path / "seen").read_text())
    assert Job.from_json(line) == JOB
    assert (threads, ended, own_group) == ("3", False, True)
    assert int(turns) > 0


@pytest.mark.parametrize(
    ("script", "code"),
    [
        ("raise SystemExit(3)", 3),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL),
    ],
)
def test_the_exit_code_is_the_child_s(child, script, code):
    child(script)
    assert launch(JOB) == code


@pytest.mark.parametrize(
    ("sent", "received"),
    [("SIGINT", "SIGINT"), ("SIGTERM", "SIGTERM"), ("SIGHUP", "SIGTERM")],
)
def test_signals_are_passed_on_and_handlers_put_back(child, tmp_path, sent, received):
    child(
        "import os, signal\n"
        "def note(number, frame):\n"
        f"    open({str(tmp_path / 'seen')!r}, 'w').write(signal.Signals(number).name)\n"
        "    raise SystemExit(130)\n"
        "for name in ('SIGINT', 'SIGTERM'):\n"
        "    signal.signal(getattr(signal, name), note)\n"
        f"os.kill(os.getppid(), signal.{sent})\n"
        "signal.pause()"
    )
    # Whoever runs the tests may have it ignored, as nohup does.
    inherited = signal.signal(getattr(signal, sent), signal.SIG_DFL)
    try:
        assert launch(JOB) == INTERRUPTED
        assert (tmp_path / "seen").read_text() == received
        assert signal.getsignal(getattr(signal, sent)) is signal.SIG_DFL
    finally:
        signal.signal(getattr(signal, sent), inherited)


def test_a_signal_that_is_ignored_stays_ignored(child):
    child("import os, signal; os.kill(os.getppid(), signal.SIGHUP)")
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert launch(JOB) == 0
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_child_that_finishes_in_spite_of_a_signal_has_finished(child):
    child(
        "import os, signal\n"
        "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "os.kill(os.getppid(), signal.SIGINT)"
    )
    assert launch(JOB) == 0
