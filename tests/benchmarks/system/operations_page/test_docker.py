"""Tests of removing earlier images before the commands run."""

import os
import re
from pathlib import Path

import pytest

from benchmarks.system.operations_page.docker import remove_images

ROOT = Path(__file__).parents[4]


def recording_docker(folder: Path, image: str, status: int) -> dict[str, str]:
    """Return the environment of a ``docker`` that records its arguments and lists one image."""
    path = folder / "docker"
    path.write_text(
        f'#!/bin/sh\necho "$*" >> {folder}/calls\n'
        f'if [ "$2" = ls ]; then echo "{image}"; exit 0; fi\necho in use >&2; exit {status}\n'
    )
    path.chmod(0o755)
    return {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}


def removed(folder: Path) -> list[str]:
    calls = (folder / "calls").read_text().splitlines()
    return [call for call in calls if call.startswith("image rm")]


def test_removes_images_of_earlier_code(tmp_path: Path) -> None:
    # Compose builds an image only if it does not exist.
    remove_images(recording_docker(tmp_path, "0123456789ab", 0))
    named = set(re.findall(r"image: (bitrecall:\w+)", (ROOT / "compose.yaml").read_text("utf-8")))
    assert {call.split()[-1] for call in removed(tmp_path)} == named != set()


def test_removes_nothing_without_an_image(tmp_path: Path) -> None:
    remove_images(recording_docker(tmp_path, "", 1))
    assert removed(tmp_path) == []


def test_stops_if_an_image_is_in_use(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"cannot remove the image bitrecall:serve.*in use"):
        remove_images(recording_docker(tmp_path, "0123456789ab", 1))
