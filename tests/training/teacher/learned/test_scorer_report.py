import pytest

from bitrecall.training.teacher.learned.scorer_report import ScorerReport
from bitrecall.training.teacher.learned.scorer_set import KINDS


@pytest.mark.parametrize(
    ("report", "text"),
    [
        (ScorerReport("item_knn", 0.25, 0.012, True), "item kNN 0.2 s, adds 1.2%"),
        (ScorerReport("ease", 25.51, -0.009, True), "EASE 25.5 s, adds nothing on average"),
        (ScorerReport("low_pass", 1.0, 0.0, False), "low-pass filter 1.0 s, left out"),
    ],
)
def test_says_what_a_scorer_took_and_added(report: ScorerReport, text: str) -> None:
    assert str(report) == text


def test_every_kind_has_a_title() -> None:
    assert all(str(ScorerReport(kind, 1.0, 0.1, True)) for kind in KINDS)
