from pathlib import Path

import pytest

from bitrecall.index.releases.activations import (
    Activation,
    append_activation,
    read_activations,
    trail,
)


def moves(*steps: tuple[str, str, str | None]) -> list[Activation]:
    """Return activations from tuples of (cause, id, previous)."""
    return [Activation("2026-01-01T00:00:00Z", *step) for step in steps]


PUBLISHED = moves(("publish", "A", None), ("publish", "B", "A"), ("publish", "C", "B"))


def test_reads_activations_in_order(tmp_path: Path) -> None:
    path = tmp_path / "activations.jsonl"
    assert read_activations(path) == []
    for activation in PUBLISHED:
        append_activation(path, activation)
    assert read_activations(path) == PUBLISHED


def test_golden_bytes(tmp_path: Path) -> None:
    path = tmp_path / "activations.jsonl"
    append_activation(path, PUBLISHED[0])
    assert path.read_bytes() == (
        b'{"at": "2026-01-01T00:00:00Z", "cause": "publish", "id": "A", "previous": null}\n'
    )


@pytest.mark.parametrize(
    "broken", [b'{"at": "20', b"\xff\xfe", b"[1]", b'{"id": 3}', b"", b"[" * 100_000]
)
def test_skips_a_line_truncated_by_a_crash(tmp_path: Path, broken: bytes) -> None:
    path = tmp_path / "activations.jsonl"
    append_activation(path, PUBLISHED[0])
    with path.open("ab") as file:
        file.write(broken)
    append_activation(path, PUBLISHED[1])
    assert read_activations(path) == PUBLISHED[:2]


def test_the_trail_lists_the_earlier_current_releases() -> None:
    assert trail(PUBLISHED, "C") == ["A", "B"]
    assert trail([], "C") == []
    assert trail([], None) == []


def test_a_second_rollback_goes_further_back() -> None:
    back = [*PUBLISHED, *moves(("rollback", "B", "C"))]
    assert trail(back, "B") == ["A"]
    back += moves(("rollback", "A", "B"))
    assert trail(back, "A") == []


def test_activating_an_old_release_keeps_the_newer_in_the_trail() -> None:
    assert trail([*PUBLISHED, *moves(("activate", "A", "C"))], "A") == ["B", "C"]


def test_ignores_a_move_that_a_crash_prevented() -> None:
    assert trail(PUBLISHED, "B") == ["A"]
    assert trail([*PUBLISHED, *moves(("publish", "D", "B"))], "D") == ["A", "B"]


def test_follows_a_pointer_moved_by_hand() -> None:
    assert trail([*PUBLISHED, *moves(("publish", "D", "X"))], "D") == ["A", "B", "X"]


def test_without_a_pointer_the_trail_ends_with_the_lost_release() -> None:
    assert trail(PUBLISHED, None) == ["A", "B", "C"]
    after = [*PUBLISHED, *moves(("publish", "D", None))]
    assert trail(after, "D") == ["A", "B", "C"]
