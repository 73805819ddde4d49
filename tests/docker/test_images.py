"""The files and settings that the images and the Compose file use exist."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from bitrecall.scheduler.settings import PREFIX as SCHEDULER
from bitrecall.scheduler.settings import SchedulerSettings
from bitrecall.service.settings import PREFIX as SERVICE
from bitrecall.service.settings import Settings
from bitrecall.training.retraining.settings import PREFIX as RETRAIN
from bitrecall.training.retraining.settings import RetrainingSettings

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
# Options of `bitrecall retrain` that are not thresholds.
OPTIONS = {"BITRECALL_RETRAIN_RECIPE", "BITRECALL_RETRAIN_WORK"}


def known_variables() -> set[str]:
    return OPTIONS | {
        prefix + name.upper()
        for prefix, settings in (
            (SERVICE, Settings),
            (SCHEDULER, SchedulerSettings),
            (RETRAIN, RetrainingSettings),
        )
        for name in settings.model_fields
    }


def requirements(*extras: str) -> list[str]:
    command = [sys.executable, str(ROOT / "docker" / "requirements.py"), *extras]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()


def test_expands_extras_within_extras() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    variables = requirements("train")
    assert set(project["dependencies"]) <= set(variables)
    assert set(project["optional-dependencies"]["events"]) <= set(variables)
    assert not [line for line in variables if line.startswith("bitrecall")]
    assert len(variables) == len(set(variables))


def test_the_service_image_does_not_need_torch() -> None:
    names = {re.split(r"\W", line)[0] for line in requirements("serve", "postgres", "tracing")}
    assert {"faiss", "fastapi", "sqlalchemy"} <= names
    assert not {"torch", "scipy", "polars"} & names


def test_the_build_context_has_all_copied_files() -> None:
    included = set(re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = project["tool"]["setuptools"]["packages"]["find"]["include"]
    assert {name.removesuffix("*") for name in packages} <= included
    assert set(linked_folders()) <= included
    assert all((ROOT / name).exists() for name in included)


def linked_folders() -> list[str]:
    """The folders at the root that are linked into the package."""
    return [path.name for path in (ROOT / "bitrecall").iterdir() if path.is_symlink()]


def test_copies_linked_folders_for_other_builds_of_the_extensions(tmp_path: Path) -> None:
    script = 'source .ci/native-tests && copy_sources "$1"'
    copy = tmp_path / "copy"
    subprocess.run(["bash", "-ec", script, "copy", str(copy)], cwd=ROOT, check=True)
    for name in linked_folders():
        assert list((copy / "bitrecall" / name).glob("*.py")), name
    assert not list(copy.rglob("*.so"))


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("compose.yaml", r"^\s+(BITRECALL_\w+):"),
        ("docker/Dockerfile", r"(BITRECALL_\w+)="),
        ("docker/retrain.env", r"(BITRECALL_\w+)="),
    ],
)
def test_every_variable_is_a_setting(name: str, pattern: str) -> None:
    variables = set(re.findall(pattern, (ROOT / name).read_text(), re.MULTILINE))
    assert variables
    assert variables <= known_variables()


def test_the_operations_page_documents_every_compose_variable() -> None:
    page = (ROOT / "docs" / "operations.md").read_text()
    for name in set(re.findall(r"\$\{(BITRECALL_\w+)", (ROOT / "compose.yaml").read_text())):
        assert f"`{name}`" in page, name
