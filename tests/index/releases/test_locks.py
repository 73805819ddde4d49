import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from bitrecall.index.errors import ReleaseError
from bitrecall.index.releases.locks import (
    hide_folder,
    remove_leftovers,
    store_lock,
    writing_folder,
)
from bitrecall.index.releases.release import Release, ReleaseContents
from bitrecall.index.releases.store import ReleaseStore

pytestmark = pytest.mark.slow

# Creates a folder to write in, prints its name, and waits until it is killed.
WRITER = """
import sys
from pathlib import Path
from bitrecall.index.releases.locks import store_lock, writing_folder
root = Path(sys.argv[1])
with store_lock(root):
    writing = writing_folder(root)
    folder = writing.__enter__()
(folder / "half.npy").write_bytes(b"half")
print(folder.name, flush=True)
sys.stdin.read()
"""

PUBLISHER = """
import sys
from pathlib import Path
from bitrecall.index.releases.store import ReleaseStore
{contents}
print("ready", flush=True)
sys.stdin.readline()
for seed in range(3):
    print(ReleaseStore(Path(sys.argv[1])).publish(contents_of(seed=seed)).id)
"""


def hidden(root: Path) -> set[str]:
    return {path.name for path in root.iterdir() if path.name.startswith(".")}


def test_keeps_the_folder_of_a_running_publisher_and_removes_that_of_a_dead_one(
    tmp_path: Path,
) -> None:
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with writer:
        assert writer.stdout is not None
        name = writer.stdout.readline().strip()
        with store_lock(tmp_path):
            remove_leftovers(tmp_path)
        assert hidden(tmp_path) == {".lock", name}
        writer.kill()
        writer.wait()
    assert hidden(tmp_path) == {".lock", name}
    with store_lock(tmp_path):
        remove_leftovers(tmp_path)
    assert hidden(tmp_path) == {".lock"}


def test_removes_leftovers_and_nothing_else(tmp_path: Path) -> None:
    for name in (".publishing-1", ".removing-2", "20260101T000000Z-00000000", "notes", ".git"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text("x")
    (tmp_path / ".writing-3").write_text("x")
    (tmp_path / "CURRENT").write_text("x")
    remove_leftovers(tmp_path)
    remaining = {path.name for path in tmp_path.iterdir()}
    assert remaining == {"20260101T000000Z-00000000", "notes", ".git", "CURRENT"}


def test_removes_the_writing_folder_unless_it_was_renamed(tmp_path: Path) -> None:
    with writing_folder(tmp_path) as folder:
        (folder / "file").write_text("x")
    assert list(tmp_path.iterdir()) == []
    with writing_folder(tmp_path) as folder:
        (folder / "file").write_text("x")
        folder.rename(tmp_path / "kept")
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_only_one_thread_holds_the_lock(tmp_path: Path) -> None:
    inside, max_inside = 0, 0

    def enter() -> None:
        nonlocal inside, max_inside
        for _ in range(50):
            with store_lock(tmp_path):
                inside += 1
                max_inside = max(max_inside, inside)
                inside -= 1

    threads = [threading.Thread(target=enter) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max_inside == 1


def test_rejects_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match="no such folder"), store_lock(tmp_path / "missing"):
        pass


def test_a_hidden_folder_is_a_leftover(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    hidden = hide_folder(tmp_path / "a")
    assert list(tmp_path.iterdir()) == [hidden]
    assert (hidden / "b").is_dir()
    remove_leftovers(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_concurrent_publishers_all_succeed(tmp_path: Path) -> None:
    helpers = (Path(__file__).parents[1] / "conftest.py").read_text(encoding="utf-8")
    script = PUBLISHER.format(contents=helpers.split("@pytest.fixture")[0])
    publishers = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for publisher in publishers:
        assert publisher.stdout is not None
        assert publisher.stdout.readline() == "ready\n"
    for publisher in publishers:
        assert publisher.stdin is not None
        publisher.stdin.write("go\n")
        publisher.stdin.flush()
    published = [line for publisher in publishers for line in publisher.communicate()[0].split()]
    assert [publisher.returncode for publisher in publishers] == [0, 0, 0]
    store = ReleaseStore(tmp_path)
    assert len(set(published)) == 9
    assert {summary.id for summary in store.list()} == set(published)
    assert all(summary.damage is None for summary in store.list())
    assert store.open_current().id in published
    assert hidden(tmp_path) == {".lock"}
    # Every activation was recorded, in order: all can be rolled back.
    for _ in range(8):
        store.rollback()


def test_publishes_a_release_while_another_is_measured(
    make_contents: Callable[..., ReleaseContents], tmp_path: Path
) -> None:
    store = ReleaseStore(tmp_path)
    inner = []

    def measure(release: Release) -> dict[str, float | int | str]:
        inner.append(store.publish(make_contents(seed=1)).id)
        store.prune(1)
        return {}

    outer = store.publish(make_contents(), measure=measure).id
    assert {summary.id for summary in store.list()} == {outer, *inner}
    assert store.current_id() == outer
    assert store.rollback() == inner[0]
