"""Publishing, killed at every step: the store then has the old or the new release, complete."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bitrecall.index.releases.release import ReleaseContents
from bitrecall.index.releases.store import ReleaseStore

pytestmark = pytest.mark.slow

# For N = 1, 2, … a child publishes into a copy of the store and exits without any clean-up at its
# Nth step that changes the disk: opening for writing, creating, renaming, removing, syncing. The
# last child completes.
SCRIPT = """
import os, shutil, sys
from pathlib import Path
from bitrecall.index.releases.store import ReleaseStore
{contents}

def publish(root, fatal):
    steps = []
    def step(name):
        steps.append(name)
        if len(steps) == fatal:
            os._exit(70)
    def audit(event, arguments):
        if event in ("os.rename", "os.mkdir", "os.rmdir", "os.remove"):
            step(event)
        elif event == "open" and str(arguments[0]).startswith(str(root)) and arguments[2] & 3:
            step("open")
    fsync = os.fsync
    def step_and_fsync(descriptor):
        step("fsync")
        fsync(descriptor)
    def measure(release):
        step("measure")
        return {{"recall@50": 1.0}}
    os.fsync = step_and_fsync
    contents = contents_of(seed=1)
    sys.addaudithook(audit)
    ReleaseStore(root).publish(contents, measure=measure)

old, copies = Path(sys.argv[1]), Path(sys.argv[2])
for fatal in range(1, 1000):
    root = copies / str(fatal)
    shutil.copytree(old, root)
    child = os.fork()
    if child == 0:
        publish(root, fatal)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code != 70:
        sys.exit(code)
"""


@pytest.fixture
def crashes(make_contents: Callable[..., ReleaseContents], tmp_path: Path) -> list[Path]:
    """The stores after a crash at each step, in the order of the steps."""
    ReleaseStore(tmp_path / "old").publish(make_contents(), measure=lambda _: {"recall@50": 0.0})
    (tmp_path / "copies").mkdir()
    helpers = (Path(__file__).parents[1] / "conftest.py").read_text(encoding="utf-8")
    script = SCRIPT.format(contents=helpers.split("@pytest.fixture")[0])
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "old"), str(tmp_path / "copies")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return sorted((tmp_path / "copies").iterdir(), key=lambda path: int(path.name))


def test_a_crash_at_any_step_leaves_the_old_release_or_the_new(
    crashes: list[Path], make_contents: Callable[..., ReleaseContents], tmp_path: Path
) -> None:
    old = ReleaseStore(tmp_path / "old").current_id()
    moved, visible, littered = [], [], []
    for root in crashes:
        store = ReleaseStore(root)
        assert all(summary.damage is None for summary in store.list())
        release = store.open_current()
        assert release.id == store.current_id()
        moved.append(release.id != old)
        visible.append(len(store.list()))
        littered.append(any(path.name.startswith((".pub", ".CUR")) for path in root.iterdir()))
        assert release.manifest.metrics == {"recall@50": float(moved[-1])}
        assert release.manifest.parent == (old if moved[-1] else None)

        # The next publisher continues from there, and removes the leftovers of the dead one.
        newer = store.publish(make_contents(seed=2))
        assert newer.manifest.parent == release.id
        hidden = {path.name for path in root.iterdir() if path.name.startswith(".")}
        assert hidden == {".lock"}
        assert store.rollback() == release.id

    # The new release becomes visible, then current, and there are steps in each state.
    assert moved == sorted(moved)
    assert visible == sorted(visible)
    assert {(False, 1), (False, 2), (True, 2)} == set(zip(moved, visible, strict=True))
    assert sum(littered) > 30
