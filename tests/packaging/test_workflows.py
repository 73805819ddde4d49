"""The workflows that check every change and publish a release."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOWS = ROOT / ".github" / "workflows"


def jobs_of(name: str) -> dict[str, Any]:
    return yaml.safe_load((WORKFLOWS / name).read_text())["jobs"]


def commands_of(job: dict[str, Any]) -> list[str]:
    return [step["run"] for step in job["steps"] if "run" in step]


def test_ci_runs_the_script_that_developers_run() -> None:
    commands = commands_of(jobs_of("ci.yml")["checks"])
    assert commands[-1] == ".ci/run"
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


def test_publishes_only_tags_and_after_all_builds() -> None:
    jobs = jobs_of("release.yml")
    publish = jobs["publish"]
    assert publish["if"] == "github.ref_type == 'tag'"
    assert set(publish["needs"]) == jobs.keys() - {"publish"}
    # Trusted publishing: no password, and only this job may request an identity token.
    assert publish["permissions"] == {"id-token": "write"}
    assert not [name for name, job in jobs.items() if name != "publish" and "permissions" in job]
    assert "secrets." not in (WORKFLOWS / "release.yml").read_text()


def test_builds_the_wheels_from_the_published_sdist() -> None:
    jobs = jobs_of("release.yml")
    (dist,) = (command for command in commands_of(jobs["sdist"]) if command.startswith("make "))
    assert re.search(rf"^{dist.split()[1]}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
    (built,) = (step for step in jobs["wheels"]["steps"] if "cibuildwheel" in step.get("uses", ""))
    assert built["with"]["package-dir"] == "${{ steps.sdist.outputs.path }}"
    assert built["env"]["CIBW_BUILD"].startswith("cp311-")


@pytest.mark.parametrize("address", ["", "example.org/a/b", "http://example.org/a/b"])
def test_rejects_a_build_without_the_address_of_the_repository(source: Path, address: str) -> None:
    result = subprocess.run(
        [str(source / ".ci" / "dist"), *filter(None, [address])],
        # The copy is not a git repository, so it has no remote.
        env={"PATH": os.environ["PATH"], "GIT_CEILING_DIRECTORIES": str(source.parent)},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 2
    assert result.stderr == "no https address of the repository: .ci/dist https://HOST/OWNER/NAME\n"
    assert not (source / "build" / "dist").exists()
