"""An sdist and a wheel of this checkout, and an environment with nothing but the wheel."""

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
    """What one build made."""

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
            command, cwd=cwd, env=clean(), capture_output=True, text=True, timeout=timeout
        )


def clean() -> dict[str, str]:
    """The environment without what changes imports or configures Bitrecall."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "BITRECALL", "VIRTUAL_ENV"))
    } | {"PYTHONUNBUFFERED": "1"}


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the files that git has or would add, links as links."""
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
    """An sdist of the copy, and a wheel made from that sdist, for which a compiler is needed."""
    has_compiler = any(map(shutil.which, ("cc", "gcc", "clang")))
    if not has_compiler and not os.environ.get("BITRECALL_TESTS_NEED_COMPILER"):
        pytest.skip("there is no C compiler")
    out = tmp_path_factory.mktemp("dist")
    build(source, out)
    (sdist,) = out.glob("*.tar.gz")
    (wheel,) = out.glob("*.whl")
    return Built(source, sdist, wheel)


def build(source: Path, out: Path, *options: str) -> None:
    """Build with what this environment has, so that no network is needed."""
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), *options]
    done = subprocess.run([*command, str(source)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="session")
def installed(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """An environment with the wheel, which finds what it requires where the tests find it.

    A folder named in a .pth file is searched, but its own .pth files are not read. So the
    installation of this checkout, which is made of such files, is not seen from there.
    """
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder, with_pip=False, symlinks=True)
    purelib = Path(sysconfig.get_path("purelib", "venv", {"base": str(folder)}))
    required = [entry for entry in sys.path if Path(entry).name == "site-packages"]
    (purelib / "required.pth").write_text("".join(f"{entry}\n" for entry in required))
    command = [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python")]
    options = ["--no-deps", "--no-index", "--force-reinstall", "--disable-pip-version-check"]
    done = subprocess.run(
        [*command, "install", *options, str(built.wheel)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return Installed(folder)
