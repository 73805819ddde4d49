"""A disk that fills: a small file system of the test's own, in a mount namespace of its own."""

import os
import shutil
import subprocess
import sys
from errno import EDQUOT, EFBIG, ENOSPC
from pathlib import Path

import pytest

from bitrecall.disk import disk_fault, is_full, naming

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
    """What a program prints that writes to a file system of so many bytes, gone when it ends."""
    if shutil.which("unshare") is None:
        pytest.skip("there is no unshare to make a file system with")
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
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
    assert not done.returncode, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("users", "items"), [(5, 4000), (4000, 20), (5, 700)], ids=["index", "users", "later"]
)
def test_publishing_on_a_full_disk_says_where(tmp_path: Path, users: int, items: int) -> None:
    conftest = Path(__file__).parents[1] / "index"
    said, left = on_a_small_disk(tmp_path, PUBLISH, conftest, users, items).splitlines()
    assert f"no space left on {tmp_path}" in said
    assert "bitrecall release prune --keep" in said
    assert "requested" not in said
    assert left == "1 True"


def test_a_checkpoint_on_a_full_disk_says_where_and_leaves_nothing(tmp_path: Path) -> None:
    said, left = on_a_small_disk(tmp_path, CHECKPOINT).splitlines()
    assert said.startswith(f"cannot write the checkpoint {tmp_path}/final.npz: no space left on")
    assert left == "[]"


@pytest.mark.parametrize(
    ("number", "said"),
    [(ENOSPC, "no space left on"), (EDQUOT, "no space of the quota left on"), (EFBIG, "ulimit -f")],
)
def test_what_is_full_is_said(tmp_path: Path, number: int, said: str) -> None:
    error = OSError(number, os.strerror(number))
    assert is_full(error)
    assert said in disk_fault(error, tmp_path)


def test_an_error_of_writing_gets_the_name_of_its_file(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No space left") as caught, naming(tmp_path / "a"):
        raise OSError("write error in a: 0 != 3 (No space left on device)")
    assert (caught.value.errno, caught.value.filename) == (ENOSPC, str(tmp_path / "a"))
