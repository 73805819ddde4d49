"""What the images and the Compose file are made of is there."""

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
# Options of `bitrecall retrain` that are no thresholds.
OPTIONS = {"BITRECALL_RETRAIN_RECIPE", "BITRECALL_RETRAIN_WORK"}


def known() -> set[str]:
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


def test_extras_within_extras_are_unfolded() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    found = requirements("train")
    assert set(project["dependencies"]) <= set(found)
    assert set(project["optional-dependencies"]["events"]) <= set(found)
    assert not [line for line in found if line.startswith("bitrecall")]
    assert len(found) == len(set(found))


def test_the_service_has_no_torch() -> None:
    names = {re.split(r"\W", line)[0] for line in requirements("serve", "postgres", "tracing")}
    assert {"faiss", "fastapi", "sqlalchemy"} <= names
    assert not {"torch", "scipy", "polars"} & names


def test_what_the_images_copy_is_sent_to_the_builder() -> None:
    sent = set(re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = project["tool"]["setuptools"]["packages"]["find"]["include"]
    assert {name.removesuffix("*") for name in packages} <= sent
    assert set(linked_folders()) <= sent
    assert all((ROOT / name).exists() for name in sent)


def linked_folders() -> list[str]:
    """The folders at the root that are parts of the package through links."""
    return [path.name for path in (ROOT / "bitrecall").iterdir() if path.is_symlink()]


def test_what_links_point_to_is_copied_for_other_builds_of_the_extensions(tmp_path: Path) -> None:
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
def test_every_variable_that_is_set_is_a_setting(name: str, pattern: str) -> None:
    found = set(re.findall(pattern, (ROOT / name).read_text(), re.MULTILINE))
    assert found
    assert found <= known()


def test_the_operations_page_tells_of_every_variable_of_the_compose_file() -> None:
    page = (ROOT / "docs" / "operations.md").read_text()
    for name in set(re.findall(r"\$\{(BITRECALL_\w+)", (ROOT / "compose.yaml").read_text())):
        assert f"`{name}`" in page, name
