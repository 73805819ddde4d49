"""Images of earlier code are removed before the commands of the page are run."""

import os
import re
from pathlib import Path

import pytest

from benchmarks.system.operations_page.docker import remove_images

ROOT = Path(__file__).parents[4]


def docker_that_notes(folder: Path, found: str, status: int) -> dict[str, str]:
    """The environment of a ``docker`` that writes down its arguments; it lists one image."""
    path = folder / "docker"
    path.write_text(
        f'#!/bin/sh\necho "$*" >> {folder}/calls\n'
        f'if [ "$2" = ls ]; then echo "{found}"; exit 0; fi\necho in use >&2; exit {status}\n'
    )
    path.chmod(0o755)
    return {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}


def removed(folder: Path) -> list[str]:
    calls = (folder / "calls").read_text().splitlines()
    return [call for call in calls if call.startswith("image rm")]


def test_images_of_earlier_code_are_removed(tmp_path: Path) -> None:
    # Compose builds an image only where there is none of its name.
    remove_images(docker_that_notes(tmp_path, "0123456789ab", 0))
    named = set(re.findall(r"image: (bitrecall:\w+)", (ROOT / "compose.yaml").read_text("utf-8")))
    assert {call.split()[-1] for call in removed(tmp_path)} == named != set()


def test_no_image_is_removed_where_there_is_none(tmp_path: Path) -> None:
    remove_images(docker_that_notes(tmp_path, "", 1))
    assert removed(tmp_path) == []


def test_images_in_use_stop_the_script(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"cannot remove the image bitrecall:serve.*in use"):
        remove_images(docker_that_notes(tmp_path, "0123456789ab", 1))
