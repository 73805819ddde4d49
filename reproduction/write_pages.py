"""Write the results to ``results.md``, the plots, and the marked places of pages."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from bitrecall.disk import replace_file
from bitrecall.reproduction.findings import PageData
from bitrecall.reproduction.pages import fill, has_places, plots_of, results_page
from bitrecall.reproduction.plan import Plan
from bitrecall.reproduction.published_results import load_published
from bitrecall.reproduction.results import FILE as RESULTS
from bitrecall.reproduction.results import read_results
from bitrecall.training.errors import StudyError


def gather(plan: Plan, out: Path) -> PageData:
    """Read ``results.json`` in a folder, and the published figures."""
    return PageData(plan, read_results(out), load_published())


def publish(plan: Plan, out: Path, pages: Iterable[Path] = ()) -> list[Path]:
    """Write ``results.md`` and the plots next to ``results.json``, and fill the places of pages.

    Args:
        plan: titles, notes and labels.
        out: the folder; its ``README.md`` is filled too if it exists.
        pages: other pages with marked places.

    Returns:
        The files that changed.

    Raises:
        StudyError: there are no results, or the name of a place is unknown.
    """
    # Imported here: matplotlib is an extra that running a study does not need.
    from bitrecall.reproduction.plots import draw

    if not (out / RESULTS).exists():
        raise StudyError(f"{out} has no results to make tables of")
    findings = gather(plan, out)
    written = {out / "results.md": results_page(findings)}
    for name in plots_of(findings):
        written[out / f"{name}.svg"] = draw(name, findings)
    readme = out / "README.md"
    for page in [readme, *pages] if readme.exists() else pages:
        text = page.read_text("utf-8")
        if not has_places(text):
            raise StudyError(f"{page} has no place '<!-- results: … -->' to fill")
        written[page] = fill(text, findings)
    changed = [path for path, text in written.items() if _text(path) != text]
    for path in changed:
        replace_file(path, written[path])
    return changed


def _text(path: Path) -> str | None:
    return path.read_text("utf-8") if path.exists() else None
