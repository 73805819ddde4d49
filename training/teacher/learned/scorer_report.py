"""What a kind of scorer cost and added, for the log and the printed report."""

from __future__ import annotations

from typing import NamedTuple


class ScorerReport(NamedTuple):
    """A kind of scorer of a learned teacher.

    Attributes:
        kind: its name.
        seconds: time to fit it.
        added: share of what the ranker explains that is lost without this scorer; 0 if it was left
            out.
        used: whether the ranker uses it.
    """

    kind: str
    seconds: float
    added: float
    used: bool

    def __str__(self) -> str:
        name = self.kind.replace("_", " ")
        result = f"adds {self.added:.1%}" if self.used else "left out"
        return f"{name} {self.seconds:.1f} s, {result}"
