"""The README and the metadata as a package index shows them."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("packaging")]

ROOT = Path(__file__).parents[2]
REPOSITORY = "https://example.org/someone/bitrecall"

PAGE = """\
# Title

[a page](docs/a.md), [a part](docs/a.md#part), [a folder](docs), ![a plot](docs/plot.svg)
[elsewhere](https://elsewhere.example/docs/a.md), [here](#title), [mail](mailto:a@b.example)
[![a plot](docs/plot.svg)](docs/a.md) and [`x[0]`](./docs/a.md), <img alt="p" src="docs/plot.svg">

    [code](docs/none.md)

```text
[code](docs/none.md)
```

| [in a table](docs/a.md) | [ref] |

[ref]: docs/a.md
"""


def prepare(folder: Path, page: str, repository: str = REPOSITORY) -> subprocess.CompletedProcess:
    (folder / "docs").mkdir()
    (folder / "docs" / "a.md").touch()
    (folder / "docs" / "plot.svg").touch()
    (folder / "README.md").write_text(page)
    (folder / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())
    return run(folder, repository)


def run(folder: Path, repository: str = REPOSITORY) -> subprocess.CompletedProcess:
    command = [sys.executable, str(ROOT / ".ci" / "index_page.py"), str(folder), repository, "v1.2"]
    return subprocess.run(command, capture_output=True, text=True)


def test_relative_links_point_into_the_repository_at_the_tag(tmp_path: Path) -> None:
    assert prepare(tmp_path, PAGE).returncode == 0
    blob, raw = f"{REPOSITORY}/blob/v1.2/docs", f"{REPOSITORY}/raw/v1.2/docs"
    assert (tmp_path / "README.md").read_text() == (
        PAGE.replace("(docs/a.md", f"({blob}/a.md")
        .replace("(./docs/a.md", f"({blob}/a.md")
        .replace("(docs)", f"({REPOSITORY}/tree/v1.2/docs)")
        .replace("(docs/plot.svg", f"({raw}/plot.svg")
        .replace('src="docs', f'src="{raw}')
        .replace("[ref]: docs", f"[ref]: {blob}")
    )


def test_rejects_a_link_to_a_missing_file(tmp_path: Path) -> None:
    result = prepare(tmp_path, "[gone](docs/gone.md#part)\n")
    assert result.returncode == 1
    assert result.stderr == "README.md links to docs/gone.md#part, which is not in the repository\n"


@pytest.mark.parametrize("address", ["git@example.org:a/b", "example.org/a", "https://example.org"])
def test_rejects_an_invalid_repository_address(tmp_path: Path, address: str) -> None:
    result = prepare(tmp_path, PAGE, address)
    assert result.returncode == 1
    assert address in result.stderr
    assert (tmp_path / "README.md").read_text() == PAGE


def test_the_metadata_name_the_repository(tmp_path: Path) -> None:
    prepare(tmp_path, PAGE, f"{REPOSITORY}.git")
    before = tomllib.loads((ROOT / "pyproject.toml").read_text())
    after = tomllib.loads((tmp_path / "pyproject.toml").read_text())
    assert after["project"].pop("urls") == {
        "Source": REPOSITORY,
        "Documentation": f"{REPOSITORY}/tree/v1.2/docs",
        "Changelog": f"{REPOSITORY}/blob/v1.2/CHANGELOG.md",
        "Issues": f"{REPOSITORY}/issues",
    }
    assert after == before


def test_the_readme_of_this_project_has_no_relative_link_left(source: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    subprocess.run(["cp", "-a", str(source), str(copy)], check=True)
    result = run(copy)
    assert result.returncode == 0, result.stderr
    page = re.sub(r"^```.*?^```", "", (copy / "README.md").read_text(), flags=re.S | re.M)
    targets = re.findall(r"\]\(([^)\s]+)|^\[[^\]]+\]:\s+(\S+)", page, re.MULTILINE)
    assert targets
    assert [
        inline or reference
        for inline, reference in targets
        if not re.match("https?:|#", inline or reference)
    ] == []
