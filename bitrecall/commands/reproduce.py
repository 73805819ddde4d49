"""``bitrecall reproduce``: reproduce the paper's table and the studies."""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bitrecall.aligned_text import aligned
from bitrecall.commands.options import NonEmptyPath, option
from bitrecall.lazy import INTERRUPTED, Failure

if TYPE_CHECKING:
    from bitrecall.reproduction.part_selection import PlannedRun
    from bitrecall.reproduction.progress import StudyProgress
    from bitrecall.reproduction.study import StudyReport

_folder = NonEmptyPath(exists=True, path_type=Path)


@click.command(
    epilog="""\b
Examples:
  bitrecall reproduce --list
  bitrecall reproduce --gowalla gowalla/ --yelp2018 yelp2018/
  bitrecall reproduce --gowalla gowalla/ --only gowalla/bitrecall/256 --seed 1
  bitrecall reproduce --gowalla gowalla/ --only 'gowalla/study/*' --out /tmp/reproduction
  bitrecall reproduce --tables --page README.md

\b
A part is DATASET/METHOD/BITS, evaluated once on the test split, or DATASET/study/STUDY/VARIANT,
evaluated on a validation split of the training data. Each run of a part has its own folder in
--runs, with its recipe, log, checkpoint and release. A finished run adds a row to
OUT/results.json. At the end, the tables and plots in OUT are updated.

Finished runs are skipped: those whose folder has a row with the same recipe, data and seed.
Ctrl-C writes a checkpoint and stops; the same command resumes from it. Exit code 1 means that at
least one part failed; all others were run.
"""
)
@option(
    "--gowalla",
    type=_folder,
    metavar="DIR",
    help="Folder of the Gowalla data, in the LightGCN split.",
)
@option(
    "--yelp2018",
    type=_folder,
    metavar="DIR",
    help="Folder of the Yelp2018 data, in the LightGCN split.",
)
@option(
    "--only",
    multiple=True,
    metavar="PATTERN",
    help="Run only these parts: a name, a prefix of names up to a slash, or a glob; may be given "
    "several times.",
)
@option(
    "--seed",
    multiple=True,
    type=click.IntRange(min=0),
    metavar="N",
    show_default="the seeds of the plan",
    help="Seed to run with; may be given several times.",
)
@option(
    "--list",
    "listing",
    is_flag=True,
    envvar="BITRECALL_REPRODUCE_LIST",
    help="List the parts and their state; run nothing.",
)
@option(
    "--tables",
    is_flag=True,
    help="Only update tables and plots from OUT/results.json; run nothing.",
)
@option(
    "--page",
    multiple=True,
    type=NonEmptyPath(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Also fill the marked places of this page; may be given several times.",
)
@option("--again", is_flag=True, help="Run finished parts again, from the beginning.")
@option(
    "--skip-recorded",
    is_flag=True,
    help="Also skip runs that OUT/results.json has with the same recipe and data, even if their "
    "folder is missing.",
)
@option(
    "--out",
    type=NonEmptyPath(file_okay=False, path_type=Path),
    default=Path("docs/reproduction"),
    metavar="DIR",
    help="Folder of results.json, the tables and the plots.",
)
@option(
    "--runs",
    type=NonEmptyPath(file_okay=False, path_type=Path),
    default=Path("runs/reproduction"),
    metavar="DIR",
    help="Folder that contains one folder per run.",
)
@option(
    "--plan",
    type=NonEmptyPath(dir_okay=False, path_type=Path),
    metavar="FILE",
    show_default="the built-in plan",
    help="Plan to run, a TOML file.",
)
@option(
    "--threads",
    type=click.IntRange(min=1),
    metavar="N",
    show_default="one per core",
    help="Number of threads per run.",
)
@option(
    "--progress/--no-progress",
    default=None,
    show_default="in a terminal",
    help="Show progress bars on stderr.",
)
def reproduce(
    gowalla: Path | None,
    yelp2018: Path | None,
    only: tuple[str, ...],
    seed: tuple[int, ...],
    listing: bool,
    tables: bool,
    page: tuple[Path, ...],
    again: bool,
    skip_recorded: bool,
    out: Path,
    runs: Path,
    plan: Path | None,
    threads: int | None,
    progress: bool | None,
) -> None:
    """Run or resume the experiments on the paper's method.

    Finished parts are skipped; --list shows all parts. Requires a checkout of Bitrecall.
    """
    if find_spec("bitrecall.reproduction") is None:
        raise Failure(
            "the experiments are not part of the installed package: run this command in a checkout "
            "of Bitrecall, which contains the folder reproduction/"
        )
    from bitrecall.reproduction.part_selection import select_runs
    from bitrecall.reproduction.plan import load_plan
    from bitrecall.reproduction.study import Study, StudyOptions
    from bitrecall.reproduction.write_pages import publish

    loaded_plan = load_plan(plan)
    selected = select_runs(loaded_plan, only, seed)
    folders = {"gowalla": gowalla, "yelp2018": yelp2018}
    options = StudyOptions(
        data={name: folder for name, folder in folders.items() if folder is not None},
        runs=runs,
        out=out,
        again=again,
        skip_recorded=skip_recorded,
        threads=threads,
        progress_bar=progress,
    )
    study = Study(loaded_plan, options, click.echo)
    if listing:
        click.echo(_listing(study.progress, selected))
        return
    report = None if tables else study.run(selected)
    if report is None or report.finished or report.skipped:
        for path in publish(loaded_plan, out, page):
            click.echo(f"wrote {path}")
    if report is not None:
        _finish(report)


def _listing(progress: "StudyProgress", selected: "list[PlannedRun]") -> str:
    rows = [
        [run.part.name, str(run.seed), run.part.split, f"{run.part.minutes:g}", progress.state(run)]
        for run in selected
    ]
    remaining = sum(
        run.part.minutes for run, row in zip(selected, rows, strict=True) if row[-1] != "done"
    )
    table = aligned(["part", "seed", "split", "minutes", "state"], rows, right="<><><")
    total = sum(run.part.minutes for run in selected)
    return (
        f"{table}\n{len(selected)} runs, about {total / 60:.1f} hours on two cores, "
        f"{remaining / 60:.1f} hours remaining"
    )


def _finish(report: "StudyReport") -> None:
    counts = {
        "finished": len(report.finished),
        "skipped": len(report.skipped),
        "failed": len(report.failed),
    }
    click.echo(", ".join(f"{count} {state}" for state, count in counts.items()))
    for name, reason in report.failed.items():
        click.echo(f"{name}: {reason}", err=True)
    if report.interrupted:
        click.echo("interrupted; the same command resumes", err=True)
        raise click.exceptions.Exit(INTERRUPTED)
    if report.failed:
        raise click.exceptions.Exit(1)
