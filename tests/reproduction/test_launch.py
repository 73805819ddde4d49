import signal
import sys

import pytest

from bitrecall.reproduction.job import INTERRUPTED, Job
from bitrecall.reproduction.launch import launch

pytestmark = pytest.mark.slow

JOB = Job(part="p", row={}, measure="test", recipe={}, data="d", folder="f")


@pytest.fixture
def child(tmp_path, monkeypatch):
    """Replace the child process by a script."""

    def child(script):
        path = tmp_path / "python"
        path.write_text(f"#!{sys.executable}\n{script}\n")
        path.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(path))

    return child


def test_passes_the_job_and_threads_and_keeps_stdin_open(child, tmp_path, monkeypatch):
    # The parallel tests set a policy, with which threads do not spin.
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
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
def test_returns_the_exit_code_of_the_child(child, script, code):
    child(script)
    assert launch(JOB) == code


@pytest.mark.parametrize(
    ("sent", "received"),
    [("SIGINT", "SIGINT"), ("SIGTERM", "SIGTERM"), ("SIGHUP", "SIGTERM")],
)
def test_forwards_signals_and_restores_handlers(child, tmp_path, sent, received):
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
    # The test process may ignore the signal, for example under nohup.
    inherited = signal.signal(getattr(signal, sent), signal.SIG_DFL)
    try:
        assert launch(JOB) == INTERRUPTED
        assert (tmp_path / "seen").read_text() == received
        assert signal.getsignal(getattr(signal, sent)) is signal.SIG_DFL
    finally:
        signal.signal(getattr(signal, sent), inherited)


def test_an_ignored_signal_stays_ignored(child):
    child("import os, signal; os.kill(os.getppid(), signal.SIGHUP)")
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert launch(JOB) == 0
    finally:
        signal.signal(signal.SIGHUP, before)


def test_reports_success_if_the_child_finishes_despite_a_signal(child):
    child(
        "import os, signal\n"
        "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "os.kill(os.getppid(), signal.SIGINT)"
    )
    assert launch(JOB) == 0
