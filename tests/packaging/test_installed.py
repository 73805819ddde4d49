"""Bitrecall from a wheel, in a folder that has nothing to do with the checkout."""

import contextlib
import json
import random
import re
import signal
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from bitrecall import __version__
from tests.packaging.conftest import ROOT, Installed, clean

# One process builds once for all of them.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("packaging")]

# What a user might call his own files, all of them folders of this checkout too. Some are modules,
# some are packages, and each ends the process that imports it.
SHADOWS = [
    *("index.py", "events.py", "service.py", "scheduler.py"),
    *("training/__init__.py", "loadtest/__init__.py", "reproduction/__init__.py"),
]

QUICK = ["--recipe=sample", "--set=fit.epochs=1", "--set=bits=32", "--set=teacher.rank=8"]
RETRAIN = ["retrain", "clicks.csv", "--events=off", *QUICK]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A working folder with a user's own files, which must not be imported."""
    for name in SHADOWS:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f'raise SystemExit("imported {name} of the working folder")\n')
    draw = random.Random(0)
    rows = [
        f"user-{user},item-{user % 4}-{item},{1_700_000_000 + draw.randrange(1_000_000)}"
        for user in range(120)
        for item in draw.sample(range(15), 8)
    ]
    (tmp_path / "clicks.csv").write_text("\n".join(["user_id,item_id,timestamp", *rows, ""]))
    return tmp_path


@pytest.fixture(scope="module")
def releases(installed: Installed, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a release of the sample, trained by the installed command."""
    folder = tmp_path_factory.mktemp("trained")
    command = [installed.bitrecall, "train", "sample", "--releases=releases", *QUICK]
    done = installed.run(*command, cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder / "releases"


def test_the_package_is_imported_from_the_wheel(installed: Installed, folder: Path) -> None:
    script = (
        "import json, sys; from importlib.util import find_spec; import bitrecall;"
        "import bitrecall.index.search._native as index, bitrecall.training._native as training;"
        "names = ['bitrecall.reproduction', *sys.argv[1:]];"
        "found = [name for name in names if find_spec(name)];"
        "print(json.dumps([index.__file__, training.__file__, bitrecall.__version__, found]))"
    )
    names = [path.name for path in (ROOT / "bitrecall").iterdir() if path.is_symlink()]
    # Isolated, and so without the working folder.
    done = installed.run(installed.python, "-I", "-c", script, *names, cwd=folder)
    assert done.returncode == 0, done.stderr
    index, training, version, found = json.loads(done.stdout)
    assert Path(index).is_relative_to(installed.folder)
    assert Path(training).is_relative_to(installed.folder)
    assert version == __version__
    assert found == []


def test_the_command_tells_its_version(installed: Installed, folder: Path) -> None:
    done = installed.run(installed.bitrecall, "--version", cwd=folder)
    assert done.stdout == f"bitrecall, version {__version__}\n"


def test_the_study_is_said_to_run_from_a_checkout(installed: Installed, folder: Path) -> None:
    done = installed.run(installed.bitrecall, "reproduce", "--list", cwd=folder)
    assert done.returncode == 2
    assert done.stderr == (
        "error: the study of the paper is not installed with Bitrecall: run this from a checkout, "
        "where the folder reproduction/ is\n"
    )


@pytest.mark.parametrize(("start", "workers"), [("script", 1), ("module", 2)])
def test_a_service_answers_beside_files_of_the_users(
    installed: Installed, releases: Path, folder: Path, start: str, workers: int
) -> None:
    command = [installed.bitrecall] if start == "script" else [installed.python, "-m", "bitrecall"]
    options = ["--releases", str(releases), "--port", "0", "--workers", str(workers)]
    with running([*command, "serve", *options], folder) as process:
        log = lines_until(process, "listening on")
        address = re.search(r"http://127\.0\.0\.1:\d+", log[-1])[0]
        answer = ask(f"{address}/recommend", {"user_id": "mateo-028", "k": 3})
        assert len(answer["items"]) == 3
        assert answer["source"] == "codes"
        page = urllib.request.urlopen(f"{address}/").read().decode()
        assert "<html" in page
        ask(f"{address}/events", {"events": [EVENT]})
        if workers == 1:
            # Another worker reads the event a moment later.
            answer = ask(f"{address}/recommend", {"user_id": EVENT["user_id"], "k": 3})
            assert answer["source"] == "history"
        process.send_signal(signal.SIGTERM)
        rest = process.stderr.read()
        assert process.wait(timeout=300) == 0, rest
    assert "imported" not in "".join(log) + rest
    assert (folder / "events.db").exists()


EVENT = {"user_id": "somebody new", "item_id": "romance/Stolen Postcard"}


def ask(url: str, body: object) -> dict:
    headers = {"content-type": "application/json"}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=300) as response:
        return json.load(response)


@pytest.mark.parametrize("start", ["script", "module"])
def test_retraining_works_beside_files_of_the_users(
    installed: Installed, folder: Path, start: str
) -> None:
    command = [installed.bitrecall] if start == "script" else [installed.python, "-m", "bitrecall"]
    done = installed.run(*command, *RETRAIN, "--releases=releases", "--no-progress", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("published ")
    assert (folder / "releases" / "CURRENT").exists()
    assert list((folder / "retrain" / "reports").glob("*.html"))


def test_the_scheduler_retrains_beside_files_of_the_users(
    installed: Installed, folder: Path
) -> None:
    command = [installed.python, "-m", "bitrecall", "scheduler", "--releases=releases"]
    with running([*command, "--retries=0", "--", *RETRAIN[1:]], folder) as process:
        log = lines_until(process, "retraining ended")
        assert "exit code 0" in log[-1]
        process.send_signal(signal.SIGTERM)
        rest = process.stderr.read()
        assert process.wait(timeout=300) == 0, rest
    assert (folder / "releases" / "CURRENT").exists()


# A notebook's cells: the first trains, the second asks the service. Both print the same answers.
ANSWERS = """
answers = [
    asked.recommend("user-1", k=5).to_dicts(),
    asked.recommend_many(["user-2", "nobody"], k=3).to_dicts(),
    asked.similar("item-1-2", k=3).to_dicts(),
    asked.popular(k=3).to_dicts(),
]
print(json.dumps([sorted(bitrecall.__all__), answers]))
"""
FIT = f"""
import json, sys, bitrecall
frames = __import__(sys.argv[1])
small = {{"bits": 32, "fit.epochs": 1, "teacher.rank": 8}}
events = frames.read_csv("clicks.csv")
asked = bitrecall.fit(
    events, recipe="sample", overrides=small, releases="releases", progress=False
)
assert 0 < asked.evaluate(progress=False)["recall@20"] <= 1
assert repr(bitrecall.load("releases").recommend("user-1")) == repr(asked.recommend("user-1"))
{ANSWERS}
"""
CLIENT = f"""
import json, sys, bitrecall
asked = bitrecall.Client(sys.argv[1])
{ANSWERS}
"""


@pytest.mark.parametrize("frames", ["pandas", "polars"])
def test_a_notebook_fits_a_frame_and_a_client_gives_the_same(
    installed: Installed, folder: Path, frames: str
) -> None:
    fitted = installed.run(installed.python, "-c", FIT, frames, cwd=folder)
    assert fitted.returncode == 0, fitted.stderr
    options = ["--releases=releases", "--port=0", "--events=off"]
    with running([installed.python, "-m", "bitrecall", "serve", *options], folder) as process:
        address = re.search(r"http://127\.0\.0\.1:\d+", lines_until(process, "listening on")[-1])[0]
        asked = installed.run(installed.python, "-c", CLIENT, address, cwd=folder)
    assert asked.returncode == 0, asked.stderr
    names, answers = json.loads(fitted.stdout)
    assert {"Client", "fit", "load"} <= set(names)
    assert len(answers[0]) == 5
    assert json.loads(asked.stdout) == [names, answers]


@contextlib.contextmanager
def running(command: list[str], folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A process as long as a ``with`` lasts, its log to be read."""
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=clean(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    # A process that does not log what a test waits for ends the test.
    guard = threading.Timer(300, process.kill)
    guard.start()
    with process:
        try:
            yield process
        finally:
            guard.cancel()
            process.kill()


def lines_until(process: subprocess.Popen[str], wanted: str) -> list[str]:
    """The lines of the log up to one that has this text."""
    lines = []
    for line in process.stderr:
        lines.append(line)
        if wanted in line:
            return lines
    pytest.fail(f"the process ended without logging {wanted!r}:\n{''.join(lines)}")
