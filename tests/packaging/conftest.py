"""An sdist and a wheel of this checkout, and an environment with only the wheel."""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Built:
    """The source tree of a build, and the sdist and wheel that it made."""

    source: Path
    sdist: Path
    wheel: Path


@dataclass(frozen=True)
class Installed:
    """An environment in which Bitrecall was installed from a wheel."""

    folder: Path

    @property
    def python(self) -> str:
        return str(self.folder / "bin" / "python")

    @property
    def bitrecall(self) -> str:
        """The console script."""
        return str(self.folder / "bin" / "bitrecall")

    def run(
        self, *command: str, cwd: Path, timeout: float = 300
    ) -> subprocess.CompletedProcess[str]:
        """Run a program in a folder, without the variables that change what Python imports."""
        return subprocess.run(
            command,
            cwd=cwd,
            env=clean_environment(),
            capture_output=True,
            text=True,
            timeout=timeout,
        )


def clean_environment() -> dict[str, str]:
    """Return the environment without variables that change imports or configure Bitrecall."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "BITRECALL", "VIRTUAL_ENV"))
    } | {"PYTHONUNBUFFERED": "1"}


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the files that git tracks or would add, with symbolic links kept."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    copy = tmp_path_factory.mktemp("source")
    for name in filter(None, listed.split("\0")):
        if os.path.lexists(ROOT / name):
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name, follow_symlinks=False)
    return copy


@pytest.fixture(scope="session")
def built(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """An sdist of the copy, and a wheel built from that sdist; needs a C compiler."""
    has_compiler = any(map(shutil.which, ("cc", "gcc", "clang")))
    if not has_compiler and not os.environ.get("BITRECALL_TESTS_NEED_COMPILER"):
        pytest.skip("no C compiler is installed")
    out = tmp_path_factory.mktemp("dist")
    build(source, out)
    (sdist,) = out.glob("*.tar.gz")
    (wheel,) = out.glob("*.whl")
    return Built(source, sdist, wheel)


def build(source: Path, out: Path, *options: str) -> None:
    """Build with the packages of this environment, without a network."""
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), *options]
    result = subprocess.run([*command, str(source)], capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.fixture(scope="session")
def installed(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """An environment with the wheel, and with the dependencies of this environment.

    Python searches a folder that a .pth file names, but does not read the .pth files in it. So
    the installation of this checkout, which consists of such files, is not visible.
    """
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder, with_pip=False, symlinks=True)
    purelib = Path(sysconfig.get_path("purelib", "venv", {"base": str(folder)}))
    required = [entry for entry in sys.path if Path(entry).name == "site-packages"]
    (purelib / "required.pth").write_text("".join(f"{entry}\n" for entry in required))
    command = [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python")]
    options = ["--no-deps", "--no-index", "--force-reinstall", "--disable-pip-version-check"]
    result = subprocess.run(
        [*command, "install", *options, str(built.wheel)], capture_output=True, text=True
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return Installed(folder)
