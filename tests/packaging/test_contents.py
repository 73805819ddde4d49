"""The contents of an sdist and of a wheel."""

import email
import re
import tarfile
import zipfile
from pathlib import Path

import pytest

from bitrecall import __version__
from tests.packaging.conftest import Built, build

# All in one process, which builds once.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("packaging")]

# Folders of the package that a wheel leaves out.
LEFT_OUT = {"reproduction"}
C_SOURCES = {".c", ".h"}


def names_of(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if not name.endswith("/")}


def package_files(source: Path) -> set[str]:
    """Return the files of the package in the sources; symbolic links are followed."""
    files = set()
    for entry in (source / "bitrecall").iterdir():
        if entry.name not in LEFT_OUT:
            paths = entry.rglob("*") if entry.is_dir() else [entry]
            files |= {path.relative_to(source).as_posix() for path in paths if path.is_file()}
    return files


def test_a_wheel_has_one_top_level_package(built: Built) -> None:
    tops = {name.partition("/")[0] for name in names_of(built.wheel)}
    assert tops == {"bitrecall", f"bitrecall-{__version__}.dist-info"}


def test_a_wheel_has_both_extensions_for_python_3_11_and_later(built: Built) -> None:
    compiled = {name for name in names_of(built.wheel) if name.endswith(".so")}
    assert compiled == {
        "bitrecall/index/search/_native.abi3.so",
        "bitrecall/training/_native.abi3.so",
    }
    assert "-cp311-abi3-" in built.wheel.name


def test_a_wheel_has_every_file_of_the_package_except_c_sources(built: Built) -> None:
    expected = {name for name in package_files(built.source) if Path(name).suffix not in C_SOURCES}
    in_wheel = {name for name in names_of(built.wheel) if ".dist-info/" not in name}
    assert in_wheel - expected == {name for name in in_wheel if name.endswith(".so")}
    assert expected - in_wheel == set()


def test_an_sdist_has_every_file_of_the_package(built: Built) -> None:
    with tarfile.open(built.sdist) as archive:
        members = archive.getmembers()
    assert [member.name for member in members if not (member.isfile() or member.isdir())] == []
    names = {member.name.partition("/")[2] for member in members if member.isfile()}
    folders = {name.partition("/")[0] for name in names if "/" in name}
    assert folders == {"bitrecall", "bitrecall.egg-info"}
    assert {name for name in names if name.startswith("bitrecall/")} == package_files(built.source)


def test_wheels_from_the_checkout_and_from_the_sdist_have_the_same_files(
    built: Built, tmp_path: Path
) -> None:
    build(built.source, tmp_path, "--wheel")
    (wheel,) = tmp_path.glob("*.whl")
    assert names_of(wheel) == names_of(built.wheel)


def test_the_metadata_have_version_licence_and_readme(built: Built) -> None:
    with zipfile.ZipFile(built.wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = email.message_from_bytes(archive.read(name))
    assert metadata["Version"] == __version__
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Description-Content-Type"] == "text/markdown"
    readme = (built.source / "README.md").read_text("utf-8")
    assert metadata.get_payload(decode=True).decode("utf-8").strip() == readme.strip()
    assert "Programming Language :: Python :: 3.11" in metadata.get_all("Classifier")


def test_all_files_have_the_same_version(source: Path) -> None:
    dockerfile = (source / "docker" / "Dockerfile").read_text()
    assert set(re.findall(r"^ARG VERSION=(.+)$", dockerfile, re.MULTILINE)) == {__version__}
    newest = re.search(r"^## \[(\d[\w.]*)\]", (source / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest is not None
    assert newest[1] == __version__
    citation = source / "CITATION.cff"
    if citation.exists():
        assert f"version: {__version__}" in citation.read_text().replace('"', "")
