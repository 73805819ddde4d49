"""The history of the current release: an append-only file of JSON lines.

Each line is {"at", "cause", "id", "previous"}: the time, the cause (publish, activate or rollback),
the release that becomes current, and the previous current release. A line is written before the
pointer moves, so after a crash the last line may describe a move that did not happen. If so, the
next line has another ``previous``.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from bitrecall.disk import naming, sync
from bitrecall.index.releases.files import read_small

_MAX_BYTES = 64 * 2**20


@dataclass(frozen=True)
class Activation:
    """One change of the current release.

    Attributes:
        at: ISO 8601 in UTC.
        cause: publish, activate or rollback.
        id: the new current release.
        previous: the current release before; None if there was none.
    """

    at: str
    cause: str
    id: str
    previous: str | None


def append_activation(path: Path, activation: Activation) -> None:
    """Append a line and sync it to disk."""
    line = json.dumps(vars(activation), sort_keys=True) + "\n"
    with naming(path), path.open("ab+") as file:
        # A crash may have left half a line: end it, so that this line is not appended to it.
        if file.tell() and not _ends_line(file.fileno(), file.tell()):
            line = "\n" + line
        file.write(line.encode())
        file.flush()
        os.fsync(file.fileno())
    sync(path.parent)


def read_activations(path: Path) -> list[Activation]:
    """Read all activations, oldest first; unreadable lines are skipped.

    Raises:
        ReleaseError: ``path`` is not a regular file, or is larger than 64 MiB.
    """
    try:
        lines = read_small(path, _MAX_BYTES).splitlines()
    except FileNotFoundError:
        return []
    return [activation for line in lines if (activation := _parse(line)) is not None]


def trail(activations: list[Activation], current: str | None) -> list[str]:
    """Return the releases that were current before ``current``, the latest last, each once.

    A rollback removes the releases after its target: after A, B, C and a rollback to B, only A is
    before B, so that a second rollback goes to A and not back to C. If ``current`` is None (the
    pointer is lost), the last of the trail is the release that should be current.
    """
    path: list[str] = []
    for number, activation in enumerate(activations):
        last = number + 1 == len(activations)
        next_id = current if last else activations[number + 1].previous
        if activation.previous is not None:
            _append_once(path, activation.previous)
        if next_id not in (None, activation.id):
            continue
        if activation.cause == "rollback" and activation.id in path:
            del path[path.index(activation.id) + 1 :]
        else:
            _append_once(path, activation.id)
    return [release_id for release_id in path if release_id != current]


def _append_once(path: list[str], release_id: str) -> None:
    if path[-1:] != [release_id]:
        path[:] = [*(other for other in path if other != release_id), release_id]


def _ends_line(descriptor: int, size: int) -> bool:
    return os.pread(descriptor, 1, size - 1) == b"\n"


def _parse(line: bytes) -> Activation | None:
    try:
        fields = json.loads(line)
        activation = Activation(**fields)
    except (ValueError, TypeError, RecursionError):
        return None
    texts = (activation.at, activation.cause, activation.id, activation.previous or "")
    return activation if all(isinstance(text, str) for text in texts) else None
