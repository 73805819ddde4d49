"""What the results are, and what they are shown beside."""

from __future__ import annotations

from dataclasses import dataclass

from bitrecall.reproduction.plan import Plan, StudyPlan
from bitrecall.reproduction.published_results import Published
from bitrecall.reproduction.results import Row
from bitrecall.reproduction.summary import datasets_of, study_rows


@dataclass(frozen=True)
class PageData:
    """All that a page can show.

    Attributes:
        plan: titles and notes of the studies.
        rows: the runs.
        published: what others have published.
    """

    plan: Plan
    rows: list[Row]
    published: Published

    def studies(self) -> list[StudyPlan]:
        """Those of the plan that there are rows of."""
        return [study for study in self.plan.studies.values() if self.rows_of(study)]

    def rows_of(self, study: StudyPlan) -> list[Row]:
        """The rows of a study."""
        dataset, _, name = study.part.split("/")
        return [row for found in study_rows(self.rows, dataset, name) for row in found.rows]

    def tested(self) -> list[str]:
        """The data sets that something was scored on the test split of."""
        return datasets_of([row for row in self.rows if row["split"] == "test"])
