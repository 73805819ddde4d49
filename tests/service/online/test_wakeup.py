import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bitrecall.service.online.wakeup import Wakeup, make_wakeup_file

pytestmark = pytest.mark.slow

NOTIFY = """
import sys
from pathlib import Path
from bitrecall.service.online.wakeup import Wakeup
wakeup = Wakeup(Path(sys.argv[1]))
for _ in range(500):
    wakeup.notify()
"""


def test_processes_see_all_notifications() -> None:
    path = make_wakeup_file()
    wakeup = Wakeup(path)
    assert wakeup.value == 0

    def run_process(_: int) -> None:
        subprocess.run([sys.executable, "-c", NOTIFY, str(path)], check=True)

    with ThreadPoolExecutor() as pool:
        list(pool.map(run_process, range(3)))
    wakeup.notify()
    assert wakeup.value == 1501
    wakeup.close()
    path.unlink()


def test_a_private_wakeup_leaves_no_file() -> None:
    wakeup = Wakeup.private()
    wakeup.notify()
    assert wakeup.value == 1
    wakeup.close()


def test_only_the_owner_can_open_the_file_and_links_are_rejected(tmp_path: Path) -> None:
    path = make_wakeup_file()
    assert path.stat().st_mode & 0o777 == 0o600
    (tmp_path / "link").symlink_to(path)
    with pytest.raises(OSError, match="link"):
        Wakeup(tmp_path / "link")
    path.unlink()
