"""Pages whose tables are made from the results: whole ones, and marked places in written ones.

A place is what stands between ``<!-- results: NAME -->`` and the next ``<!-- end -->``.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from bitrecall.reproduction import tables
from bitrecall.reproduction.curves import loss_curves, recall_curves
from bitrecall.reproduction.findings import PageData
from bitrecall.reproduction.results import find_rows
from bitrecall.reproduction.summary import dataset_label
from bitrecall.training.errors import StudyError

_PLACE = re.compile(r"(<!-- results: (?P<name>[^>]*?) -->\n)(?P<old>.*?)(<!-- end -->)", re.DOTALL)

PLOTS = {
    "bits": "Recall@50 by the length of the code",
    "time": "Recall@50 by the wall time of a run",
    "curves": "Training curves",
    "worth": "What each part is worth",
}
"""The plots that there can be beside the pages, ``NAME.svg`` each, and what they show."""


def plots_of(findings: PageData) -> list[str]:
    """Names of the plots that there is something to show in."""
    tested = any(row["split"] == "test" for row in findings.rows)
    shown = {
        "bits": tested,
        "time": tested,
        "curves": bool(loss_curves(findings.rows) or recall_curves(findings)),
        "worth": sum(row["study"] == "worth" for row in findings.rows) > 1,
    }
    return [name for name in PLOTS if shown[name]]


def fill(text: str, findings: PageData) -> str:
    """Fill every marked place of a page.

    Raises:
        StudyError: a place asks for something that there is not.
    """

    def filled(place: re.Match[str]) -> str:
        return f"{place[1]}\n{render(place['name'], findings)}\n\n{place[4]}"

    return _PLACE.sub(filled, text)


def has_places(text: str) -> bool:
    """Whether a page has a marked place."""
    return _PLACE.search(text) is not None


def without_places(text: str) -> str:
    """What is written by hand on a page."""
    return _PLACE.sub("", text)


def render(name: str, findings: PageData) -> str:
    """What stands in the place of a name.

    ``summary``, ``headline``, ``table DATASET``, ``bits DATASET``, ``fewest bits``,
    ``study DATASET/study/NAME``, ``log PART SEED``, ``runs`` or ``sources``.

    Raises:
        StudyError: there is no such thing.
    """
    kind, _, words = name.partition(" ")
    try:
        return _KINDS[kind](findings, *words.split())
    except (KeyError, TypeError) as error:
        raise StudyError(f"nothing among the results is called {name!r}") from error


def results_page(findings: PageData) -> str:
    """Every table and plot, on one page."""
    parts = [
        "# Results\n\nMade by `bitrecall reproduce` from [results.json](results.json), the plan "
        "and the published figures; [README.md](README.md) says what was run and how. R is "
        "Recall, N is NDCG, with training items masked, as means over users; ± is the standard "
        "deviation over seeds."
    ]
    datasets = findings.tested()
    for dataset in datasets:
        parts.append(f"## {dataset_label(dataset)}: every row of the paper's table")
        parts.append(tables.paper_table(findings.rows, findings.published, dataset))
    parts.append(f"Published figures are from:\n\n{tables.sources_list(findings.published)}")
    parts.append("## Bits")
    parts += _plots(findings, "bits", "time")
    for dataset in datasets:
        parts.append(f"{dataset_label(dataset)}:")
        parts.append(tables.bits_table(findings.rows, dataset))
    parts.append("The fewest bits that pass:")
    parts.append(tables.fewest_bits_table(findings.rows, findings.published))
    parts.append("## Studies")
    parts += _plots(findings, "worth", "curves")
    for study in findings.studies():
        dataset, _, _ = study.part.split("/")
        note = f" {study.note}" if study.note else ""
        split = findings.rows_of(study)[0]["split"]
        parts.append(f"### {study.title}")
        parts.append(f"{dataset_label(dataset)}, scored on the {split} split.{note}")
        parts.append(tables.study_table(findings.rows, study))
    parts.append(f"## Runs\n\n{tables.runs_table(findings.rows)}")
    return "\n\n".join(parts) + "\n"


def _plots(findings: PageData, *names: str) -> list[str]:
    shown = plots_of(findings)
    return [f"![{PLOTS[name]}]({name}.svg)" for name in names if name in shown]


def _log(findings: PageData, part: str, seed: str) -> str:
    found = find_rows(findings.rows, part, int(seed)) if seed.isdecimal() else []
    return tables.log_text(found[0]) if found else f"(no run of {part} with seed {seed} yet)"


_KINDS: dict[str, Callable[..., str]] = {
    "summary": lambda it: tables.summary_table(it.rows, it.published),
    "headline": lambda it: tables.headline_table(it.rows, it.published),
    "table": lambda it, dataset: tables.paper_table(it.rows, it.published, dataset),
    "bits": lambda it, dataset: tables.bits_table(it.rows, dataset),
    "fewest": lambda it, bits: tables.fewest_bits_table(it.rows, it.published),
    "study": lambda it, part: tables.study_table(it.rows, it.plan.studies[part]),
    "log": _log,
    "runs": lambda it: tables.runs_table(it.rows),
    "sources": lambda it: tables.sources_list(it.published),
}
