from pathlib import Path

import pytest

from bitrecall.events.file_systems import shared_file_system

MOUNTS = """\
22 1 0:20 / / rw - ext4 /dev/vda rw
30 22 0:30 / /home rw shared:1 - nfs4 server:/home rw
31 30 0:31 / /home/local rw - xfs /dev/vdb rw
32 22 0:32 / /mnt/with\\040blank rw - cifs //server/share rw
33 22 0:33 / /mnt/cover rw - nfs server:/a rw
34 22 0:34 / /mnt/cover rw - ext4 /dev/vdc rw
35 22 0:35 / /mnt/ssh rw - fuse.sshfs me@host: rw
36 22 0:36 / /mnt/fuse rw - fuse.mergerfs a:b rw
broken line
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/home/me/events.db", "nfs4"),
        ("/homeless/events.db", None),
        ("/home/local/events.db", None),
        ("/mnt/with blank/events.db", "cifs"),
        ("/mnt/cover/events.db", None),
        ("/mnt/ssh/a/b/events.db", "fuse.sshfs"),
        ("/mnt/fuse/events.db", None),
        ("/var/events.db", None),
    ],
)
def test_recognises_file_systems_that_machines_share(path: str, kind: str | None) -> None:
    assert shared_file_system(Path(path), MOUNTS) == kind
