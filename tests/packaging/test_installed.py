"""Bitrecall installed from a wheel, in a folder outside the checkout."""

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
from tests.packaging.conftest import ROOT, Installed, clean_environment

# All in one process, which builds once.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("packaging")]

# Names that users may give their own files, and that are folders of this checkout too: modules and
# packages. Each ends the process that imports it.
SHADOWS = [
    *("index.py", "events.py", "service.py", "scheduler.py"),
    *("training/__init__.py", "loadtest/__init__.py", "reproduction/__init__.py"),
]

QUICK = ["--recipe=sample", "--set=fit.epochs=1", "--set=bits=32", "--set=teacher.rank=8"]
RETRAIN = ["retrain", "clicks.csv", "--events=off", *QUICK]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A working folder with files of a user, which must not be imported."""
    for name in SHADOWS:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f'raise SystemExit("imported {name} of the working folder")\n')
    generator = random.Random(0)
    rows = [
        f"user-{user},item-{user % 4}-{item},{1_700_000_000 + generator.randrange(1_000_000)}"
        for user in range(120)
        for item in generator.sample(range(15), 8)
    ]
    (tmp_path / "clicks.csv").write_text("\n".join(["user_id,item_id,timestamp", *rows, ""]))
    return tmp_path


@pytest.fixture(scope="module")
def releases(installed: Installed, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a release of the sample, trained by the installed command."""
    folder = tmp_path_factory.mktemp("trained")
    command = [installed.bitrecall, "train", "sample", "--releases=releases", *QUICK]
    command.append("--no-comparison")
    result = installed.run(*command, cwd=folder)
    assert result.returncode == 0, result.stderr
    return folder / "releases"


def test_the_package_is_imported_from_the_wheel(installed: Installed, folder: Path) -> None:
    script = (
        "import json, sys; from importlib.util import find_spec; import bitrecall;"
        "import bitrecall.index.search._native as index, bitrecall.training._native as training;"
        "names = ['bitrecall.reproduction', *sys.argv[1:]];"
        "importable = [name for name in names if find_spec(name)];"
        "print(json.dumps([index.__file__, training.__file__, bitrecall.__version__, importable]))"
    )
    names = [path.name for path in (ROOT / "bitrecall").iterdir() if path.is_symlink()]
    # Isolated: without the working folder on the path.
    result = installed.run(installed.python, "-I", "-c", script, *names, cwd=folder)
    assert result.returncode == 0, result.stderr
    index, training, version, importable = json.loads(result.stdout)
    assert Path(index).is_relative_to(installed.folder)
    assert Path(training).is_relative_to(installed.folder)
    assert version == __version__
    assert importable == []


def test_the_command_prints_its_version(installed: Installed, folder: Path) -> None:
    result = installed.run(installed.bitrecall, "--version", cwd=folder)
    assert result.stdout == f"bitrecall, version {__version__}\n"


def test_reproducing_the_study_requires_a_checkout(installed: Installed, folder: Path) -> None:
    result = installed.run(installed.bitrecall, "reproduce", "--list", cwd=folder)
    assert result.returncode == 2
    assert result.stderr == (
        "error: the experiments are not part of the installed package: run this command in a "
        "checkout of Bitrecall, which contains the folder reproduction/\n"
    )


@pytest.mark.parametrize(("start", "workers"), [("script", 1), ("module", 2)])
def test_the_service_does_not_import_files_of_the_user(
    installed: Installed, releases: Path, folder: Path, start: str, workers: int
) -> None:
    command = [installed.bitrecall] if start == "script" else [installed.python, "-m", "bitrecall"]
    options = ["--releases", str(releases), "--port", "0", "--workers", str(workers)]
    with running([*command, "serve", *options], folder) as process:
        log = lines_until(process, "listening on")
        address = re.search(r"http://127\.0\.0\.1:\d+", log[-1])[0]
        response = request(f"{address}/recommend", {"user_id": "mateo-028", "k": 3})
        assert len(response["items"]) == 3
        assert response["source"] == "codes"
        page = urllib.request.urlopen(f"{address}/").read().decode()
        assert "<html" in page
        request(f"{address}/events", {"events": [EVENT]})
        if workers == 1:
            # Other workers read the event later.
            response = request(f"{address}/recommend", {"user_id": EVENT["user_id"], "k": 3})
            assert response["source"] == "history"
        process.send_signal(signal.SIGTERM)
        last_lines = process.stderr.read()
        assert process.wait(timeout=300) == 0, last_lines
    assert "imported" not in "".join(log) + last_lines
    assert (folder / "events.db").exists()


EVENT = {"user_id": "somebody new", "item_id": "romance/Stolen Postcard"}


def request(url: str, body: object) -> dict:
    headers = {"content-type": "application/json"}
    post = urllib.request.Request(url, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(post, timeout=300) as response:
        return json.load(response)


@pytest.mark.parametrize("start", ["script", "module"])
def test_retraining_does_not_import_files_of_the_user(
    installed: Installed, folder: Path, start: str
) -> None:
    command = [installed.bitrecall] if start == "script" else [installed.python, "-m", "bitrecall"]
    result = installed.run(*command, *RETRAIN, "--releases=releases", "--no-progress", cwd=folder)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("published ")
    assert (folder / "releases" / "CURRENT").exists()
    assert list((folder / "retrain" / "reports").glob("*.html"))


def test_the_scheduler_does_not_import_files_of_the_user(
    installed: Installed, folder: Path
) -> None:
    command = [installed.python, "-m", "bitrecall", "scheduler", "--releases=releases"]
    with running([*command, "--retries=0", "--", *RETRAIN[1:]], folder) as process:
        log = lines_until(process, "retraining ended")
        assert "exit code 0" in log[-1]
        process.send_signal(signal.SIGTERM)
        last_lines = process.stderr.read()
        assert process.wait(timeout=300) == 0, last_lines
    assert (folder / "releases" / "CURRENT").exists()


# Two scripts: the first trains a model, the second sends requests. Both print the same results.
RESULTS = """
results = [
    model.recommend("user-1", k=5).to_dicts(),
    model.recommend_many(["user-2", "nobody"], k=3).to_dicts(),
    model.similar("item-1-2", k=3).to_dicts(),
    model.popular(k=3).to_dicts(),
]
print(json.dumps([sorted(bitrecall.__all__), results]))
"""
FIT = f"""
import json, bitrecall, pandas, polars
small = {{"bits": 32, "fit.epochs": 1, "teacher.rank": 8}}
options = {{"recipe": "sample", "overrides": small, "progress": False}}
model = bitrecall.fit(pandas.read_csv("clicks.csv"), releases="releases", **options)
other = bitrecall.fit(polars.read_csv("clicks.csv"), **options)
assert repr(other.recommend("user-1")) == repr(model.recommend("user-1"))
assert 0 < model.evaluate(progress=False)["recall@20"] <= 1
assert repr(bitrecall.load("releases").recommend("user-1")) == repr(model.recommend("user-1"))
{RESULTS}
"""
CLIENT = f"""
import json, sys, bitrecall
model = bitrecall.Client(sys.argv[1])
{RESULTS}
"""


def test_a_client_returns_the_results_of_a_model_fitted_to_a_frame(
    installed: Installed, folder: Path
) -> None:
    fitted = installed.run(installed.python, "-c", FIT, cwd=folder)
    assert fitted.returncode == 0, fitted.stderr
    options = ["--releases=releases", "--port=0", "--events=off"]
    with running([installed.python, "-m", "bitrecall", "serve", *options], folder) as process:
        address = re.search(r"http://127\.0\.0\.1:\d+", lines_until(process, "listening on")[-1])[0]
        requested = installed.run(installed.python, "-c", CLIENT, address, cwd=folder)
    assert requested.returncode == 0, requested.stderr
    names, results = json.loads(fitted.stdout)
    assert {"Client", "fit", "load"} <= set(names)
    assert len(results[0]) == 5
    assert json.loads(requested.stdout) == [names, results]


@contextlib.contextmanager
def running(command: list[str], folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Run a process within a ``with`` block, with its log in a pipe."""
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=clean_environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    # A process that never logs the expected text is killed, which ends the test.
    guard = threading.Timer(300, process.kill)
    guard.start()
    with process:
        try:
            yield process
        finally:
            guard.cancel()
            process.kill()


def lines_until(process: subprocess.Popen[str], text: str) -> list[str]:
    """Read the log up to a line with this text; return its lines."""
    lines = []
    for line in process.stderr:
        lines.append(line)
        if text in line:
            return lines
    pytest.fail(f"the process ended without logging {text!r}:\n{''.join(lines)}")
