"""Replacement of files, and full disks: small file systems in a mount namespace."""

import os
import shutil
import subprocess
import sys
from errno import EDQUOT, EFBIG, ENOSPC
from pathlib import Path

import pytest

from bitrecall.disk import (
    disk_fault,
    is_full,
    naming,
    remove_unfinished,
    replace_file,
    replacing,
)

pytestmark = pytest.mark.slow

PUBLISH = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from conftest import contents_of
from bitrecall.index.errors import ReleaseError
from bitrecall.index.releases.store import ReleaseStore

store = ReleaseStore(Path(sys.argv[1]))
store.publish(contents_of(items=20))
contents = contents_of(users=int(sys.argv[3]), items=int(sys.argv[4]), bits=256)
try:
    store.publish(contents)
except ReleaseError as error:
    print(error)
print(len(store.list()), sorted(path.name for path in store.root.iterdir() if path.is_dir()) ==
      [store.current_id()])
"""

CHECKPOINT = """
import sys
from pathlib import Path
import numpy as np
from bitrecall.training.runtime.array_files import save_arrays
from bitrecall.training.errors import CheckpointError

folder = Path(sys.argv[1])
try:
    save_arrays(folder / "final.npz", {}, {"state": np.zeros(10**6)}, "the checkpoint")
except CheckpointError as error:
    print(error)
print([path.name for path in folder.iterdir()])
"""


def on_a_small_disk(folder: Path, code: str, *arguments: object, size: str = "400k") -> str:
    """Run a program with a file system of ``size`` mounted at ``folder``; return its output."""
    if shutil.which("unshare") is None:
        pytest.skip("needs unshare to mount a file system")
    program = [sys.executable, "-c", code, str(folder), *map(str, arguments)]
    mounted = f'mount -t tmpfs -o size={size} none {folder} && exec "$@"'
    options = ["-m"] if os.geteuid() == 0 else ["-r", "-m"]
    done = subprocess.run(
        ["unshare", *options, "sh", "-c", mounted, "sh", *program],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode and ("unshare" in done.stderr or "mount" in done.stderr):
        pytest.skip(f"cannot mount a file system: {done.stderr.strip()}")
    assert not done.returncode, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("users", "items"), [(5, 4000), (4000, 20), (5, 700)], ids=["index", "users", "later"]
)
def test_publishing_reports_a_full_disk(tmp_path: Path, users: int, items: int) -> None:
    conftest = Path(__file__).parents[1] / "index"
    message, remaining = on_a_small_disk(tmp_path, PUBLISH, conftest, users, items).splitlines()
    assert f"no space left on {tmp_path}" in message
    assert "bitrecall release prune --keep" in message
    assert "requested" not in message
    assert remaining == "1 True"


def test_saving_a_checkpoint_on_a_full_disk_leaves_no_file(tmp_path: Path) -> None:
    message, remaining = on_a_small_disk(tmp_path, CHECKPOINT).splitlines()
    assert message.startswith(f"cannot write the checkpoint {tmp_path}/final.npz: no space left on")
    assert remaining == "[]"


@pytest.mark.parametrize(
    ("number", "message"),
    [(ENOSPC, "no space left on"), (EDQUOT, "no space of the quota left on"), (EFBIG, "ulimit -f")],
)
def test_describes_a_full_disk(tmp_path: Path, number: int, message: str) -> None:
    error = OSError(number, os.strerror(number))
    assert is_full(error)
    assert message in disk_fault(error, tmp_path)


def test_adds_the_file_name_to_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No space left") as caught, naming(tmp_path / "a"):
        raise OSError("write error in a: 0 != 3 (No space left on device)")
    assert (caught.value.errno, caught.value.filename) == (ENOSPC, str(tmp_path / "a"))


KILLED = """
import os, sys
from pathlib import Path
from bitrecall.disk import replacing

with replacing(Path(sys.argv[1])) as file:
    file.write(b"half of the")
    file.flush()
    print("writing", flush=True)
    sys.stdin.read()
    os._exit(1)
"""


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def test_an_open_reader_keeps_the_old_content(tmp_path: Path) -> None:
    path = tmp_path / "CURRENT"
    replace_file(path, "the old, longer content\n")
    with path.open() as reader:
        replace_file(path, "new\n")
        assert reader.read() == "the old, longer content\n"
    assert path.read_text() == "new\n"
    assert names(tmp_path) == ["CURRENT"]


def test_an_error_in_the_block_keeps_the_old_content(tmp_path: Path) -> None:
    path = tmp_path / "a"
    replace_file(path, b"old")

    def fail() -> None:
        with replacing(path) as file:
            file.write(b"new")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["a"]


@pytest.mark.parametrize("name", ["a", "a [1]*?", "ä" * 90])
def test_the_next_writer_removes_the_file_of_a_killed_one(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    replace_file(path, "old")
    writer = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "writing\n"
        # The file of a running writer stays.
        replace_file(path, "new")
        remove_unfinished(tmp_path)
        assert len(names(tmp_path)) == 2
        writer.kill()
        writer.wait()
    assert len(names(tmp_path)) == 2
    replace_file(path, "newer")
    assert names(tmp_path) == [name]
    assert path.read_text() == "newer"


def test_keeps_permissions_and_sets_those_of_a_new_file(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    before = os.umask(0o022)
    try:
        replace_file(path, "one", new_mode=0o600)
        assert path.stat().st_mode & 0o777 == 0o600
        path.chmod(0o666)
        replace_file(path, "two", new_mode=0o600)
        assert path.stat().st_mode & 0o777 == 0o666
        replace_file(tmp_path / "open", "one")
        assert (tmp_path / "open").stat().st_mode & 0o777 == 0o644
    finally:
        os.umask(before)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may change the owner of a file")
def test_keeps_the_owner(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    replace_file(path, "one")
    os.chown(path, 12, 34)
    replace_file(path, "two")
    assert (path.stat().st_uid, path.stat().st_gid) == (12, 34)


def test_replaces_a_link_without_following_it(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("untouched")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    replace_file(tmp_path / "link", "new")
    assert (tmp_path / "target").read_text() == "untouched"
    assert not (tmp_path / "link").is_symlink()


def test_syncs_the_content_before_the_rename_and_the_folder_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced = []
    fsync = os.fsync

    def recording_fsync(descriptor: int) -> None:
        target = Path(f"/proc/self/fd/{descriptor}").readlink()
        synced.append((target.name if target.is_file() else "folder", path.exists()))
        fsync(descriptor)

    path = tmp_path / "a"
    monkeypatch.setattr(os, "fsync", recording_fsync)
    replace_file(path, "content")
    (first, replaced), last = synced
    assert first.startswith(".writing-a-")
    assert not replaced
    assert last == ("folder", True)


def test_reports_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        replace_file(tmp_path / "missing" / "a", "content")
    assert str(tmp_path / "missing") in str(caught.value.filename)
