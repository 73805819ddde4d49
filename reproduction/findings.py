"""The data of the pages: results, plan and published figures."""

from __future__ import annotations

from dataclasses import dataclass

from bitrecall.reproduction.plan import Plan, StudyPlan
from bitrecall.reproduction.published_results import Published
from bitrecall.reproduction.results import Row
from bitrecall.reproduction.summary import datasets_of, study_rows


@dataclass(frozen=True)
class PageData:
    """The data of a page.

    Attributes:
        plan: titles and notes of the studies.
        rows: the results.
        published: published figures to compare with.
    """

    plan: Plan
    rows: list[Row]
    published: Published

    def studies(self) -> list[StudyPlan]:
        """Return the studies of the plan that have rows."""
        return [study for study in self.plan.studies.values() if self.rows_of(study)]

    def rows_of(self, study: StudyPlan) -> list[Row]:
        """Return the rows of a study."""
        dataset, _, name = study.part.split("/")
        return [row for summary in study_rows(self.rows, dataset, name) for row in summary.rows]

    def tested(self) -> list[str]:
        """Return the data sets with a result on the test split."""
        return datasets_of([row for row in self.rows if row["split"] == "test"])
