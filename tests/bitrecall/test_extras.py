"""The errors if the packages of an extra are not installed."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from bitrecall.errors import MissingExtraError
from bitrecall.extras import extra_needed, how_to_install, missing_extra

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

# Runs a command as if no extra were installed: imports of their modules fail.
BARE = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {absent}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Absent())
from bitrecall.cli import main
main()
"""


def modules_of_extras() -> set[str]:
    """Return the top-level modules that only extras install."""
    names = set()
    # The other extras are for development, or have their own messages.
    others = {"dev", "docs", "examples", "milvus", "postgres", "tracing"}
    for extra in PROJECT["optional-dependencies"].keys() - others:
        for requirement in PROJECT["optional-dependencies"][extra]:
            name = re.match(r"[\w-]+", requirement)[0]
            names.add(name.replace("-", "_"))
    base = {
        re.match(r"[\w-]+", requirement)[0].replace("-", "_")
        for requirement in PROJECT["dependencies"]
    }
    return names - base - {"bitrecall"}


@pytest.mark.parametrize("module", sorted(modules_of_extras()))
def test_every_module_of_an_extra_is_known(module: str) -> None:
    error = missing_extra(ModuleNotFoundError(name=f"{module}.inner"), "fit")
    assert error is not None
    assert error.name == module
    requirements = PROJECT["optional-dependencies"][error.extra]
    assert any(name.replace("-", "_").startswith(module) for name in requirements)
    assert f"fit needs {module}" in str(error)
    assert f"[{error.extra}]'" in str(error)


def test_ignores_a_missing_module_of_no_extra() -> None:
    assert missing_extra(ModuleNotFoundError(name="bitrecall.misspelt")) is None
    with pytest.raises(ModuleNotFoundError) as raised, extra_needed("fit", "train"):
        raise ModuleNotFoundError(name="something")
    assert not isinstance(raised.value, MissingExtraError)


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [
        (["train", "sample"], "train"),
        (["retrain", "sample"], "train"),
        (["data", "describe", "sample"], "train"),
        (["evaluate", "sample"], "train"),
        (["benchmark", "sample"], "benchmark"),
        (["serve"], "serve"),
        (["scheduler"], "schedule"),
        (["loadtest", "http://127.0.0.1:9"], "loadtest"),
        (["reproduce", "--list"], "reproduce"),
        (["events", "count"], "events"),
    ],
)
def test_a_command_without_its_extra_reports_how_to_install_it(
    arguments: list[str], extra: str, tmp_path: Path
) -> None:
    script = BARE.format(absent=repr(sorted(modules_of_extras())))
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert done.stderr.startswith("error: ")
    assert how_to_install(extra) in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_install_command_does_not_use_a_package_index() -> None:
    assert "pip install bitrecall" not in how_to_install("serve")
    assert "pip install 'bitrecall[" not in how_to_install("serve")
    assert "-e '.[serve]'" in how_to_install("serve")


def test_the_install_command_uses_the_running_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/my venv/bin/python")
    assert "'/my venv/bin/python' -m pip install -c constraints.txt" in how_to_install("serve")
