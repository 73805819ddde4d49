"""Files for tools: the citation and the hooks of pre-commit."""

import datetime
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from bitrecall import __version__

ROOT = Path(__file__).parents[1]
HOOKS = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]


def test_the_citation_has_the_required_keys_and_this_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["cff-version"] == "1.2.0"
    assert {"message", "title", "authors"} <= citation.keys()
    assert all({"name"} == author.keys() for author in citation["authors"])
    assert citation["version"] == __version__
    assert isinstance(citation["date-released"], datetime.date)
    assert citation["license"] == "Apache-2.0"


def test_the_citation_has_the_date_of_the_changelog():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    heading = rf"^## \[?{re.escape(__version__)}\]? [-–] (\S+)$"
    for date in re.findall(heading, (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE):
        assert date == citation["date-released"].isoformat()


def test_python_finds_an_editable_install_in_the_folder_above_a_checkout(tmp_path):
    (tmp_path / "bitrecall").symlink_to(ROOT, target_is_directory=True)
    command = [sys.executable, "-c", "import bitrecall; print(bitrecall.__version__)"]
    found = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert found.stdout == f"{__version__}\n", found.stderr


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook["id"])
def test_each_hook_runs_a_command_of_the_makefile(hook):
    assert hook["language"] == "system"
    command = shlex.join([*shlex.split(hook["entry"]), *hook.get("args", [])])
    makefile = (ROOT / "Makefile").read_text().replace("$(BIN)", ".venv/bin")
    assert f"\t{command}\n" in makefile
