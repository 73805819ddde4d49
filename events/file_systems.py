"""File systems that several machines can write to."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

# Types of shared file systems, as /proc/self/mountinfo names them.
_SHARED: Final = frozenset(
    {
        *("nfs", "nfs4", "cifs", "smb3", "smbfs", "ncpfs", "afs", "9p", "ceph", "gpfs", "lustre"),
        *("ocfs2", "gfs2", "glusterfs", "beegfs", "fuse.sshfs", "fuse.glusterfs", "fuse.ceph"),
        *("fuse.ceph-fuse", "fuse.s3fs", "fuse.rclone", "fuse.gcsfuse", "fuse.mfs", "vboxsf"),
        *("fuse.smbnetfs", "fuse.juicefs", "fuse.seaweedfs", "fuse.vmhgfs-fuse", "prl_fs"),
    }
)


def shared_file_system(path: Path, mounts: str | None = None) -> str | None:
    """Return the type of a path's file system if other machines may write to it, else None.

    SQLite's write-ahead log keeps its index in shared memory, and SQLite relies on the locks of
    the file system. With several machines both fail silently.

    Args:
        path: of a file, which need not exist.
        mounts: content of ``/proc/self/mountinfo``; read from there by default.
    """
    if mounts is None:
        try:
            mounts = Path("/proc/self/mountinfo").read_text("utf-8", "surrogateescape")
        except OSError:
            return None
    real = os.path.realpath(path)
    kind, longest = None, -1
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        fields = before.split()
        if len(fields) < 5 or not after:
            continue
        mount_point = _unescape(fields[4])
        inside = real == mount_point or real.startswith(mount_point.rstrip("/") + "/")
        # Of several mounts at one mount point, the last one is visible.
        if inside and len(mount_point) >= longest:
            kind, longest = after.split()[0], len(mount_point)
    return kind if kind in _SHARED else None


def _unescape(mount_point: str) -> str:
    r"""Replace the octal escapes of mountinfo: a blank is written as ``\040``, and so on."""
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        mount_point = mount_point.replace(code, character)
    return mount_point
