"""``bitrecall reproduce``: the paper's table and the studies, run part by part."""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bitrecall.commands.options import option
from bitrecall.lazy import INTERRUPTED, Failure
from bitrecall.tables import aligned

if TYPE_CHECKING:
    from bitrecall.reproduction.part_selection import PlannedRun
    from bitrecall.reproduction.progress import StudyProgress
    from bitrecall.reproduction.study import StudyReport

_folder = click.Path(exists=True, path_type=Path)


@click.command(
    epilog="""\b
Examples:
  bitrecall reproduce --list
  bitrecall reproduce --gowalla gowalla/ --yelp2018 yelp2018/
  bitrecall reproduce --gowalla gowalla/ --only gowalla/bitrecall/256 --seed 1
  bitrecall reproduce --gowalla gowalla/ --only 'gowalla/study/*' --out /tmp/reproduction
  bitrecall reproduce --tables --page README.md

\b
A part is DATASET/METHOD/BITS, scored once on the test split, or DATASET/study/STUDY/VARIANT,
scored on a validation split cut from train. Each run of a part has a folder of its own under
--runs, with its recipe, log, checkpoint and release. When it is finished its row goes to
OUT/results.json, and at the end the tables and plots beside that are made again.

A finished run is not run again: one whose own folder has a row of the same recipe, data and seed.
Ctrl-C writes a checkpoint and stops; the same command resumes it. Exit code 1 means that some
part failed; the others were run.
"""
)
@option("--gowalla", type=_folder, metavar="DIR", help="Folder of Gowalla, the LightGCN split.")
@option("--yelp2018", type=_folder, metavar="DIR", help="Folder of Yelp2018, the LightGCN split.")
@option(
    "--only",
    multiple=True,
    metavar="PATTERN",
    help="Run these parts: a name, the beginning of one up to a slash, or a glob; may be given "
    "several times.",
)
@option(
    "--seed",
    multiple=True,
    type=click.IntRange(min=0),
    metavar="N",
    show_default="the plan's",
    help="Run with this seed; may be given several times.",
)
@option(
    "--list",
    "listing",
    is_flag=True,
    envvar="BITRECALL_REPRODUCE_LIST",
    help="Show the parts and how far each is; run nothing.",
)
@option(
    "--tables",
    is_flag=True,
    help="Make tables and plots from OUT/results.json; run nothing.",
)
@option(
    "--page",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Fill the marked places of this page too; may be given several times.",
)
@option("--again", is_flag=True, help="Run finished parts once more, from the start.")
@option(
    "--skip-recorded",
    is_flag=True,
    help="Leave out what OUT/results.json has of the same recipe and data, whoever ran it.",
)
@option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("docs/reproduction"),
    metavar="DIR",
    help="Folder of results.json, the tables and the plots.",
)
@option(
    "--runs",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("runs/reproduction"),
    metavar="DIR",
    help="Folder of the runs' own folders.",
)
@option(
    "--plan",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    show_default="the built-in plan",
    help="Another plan, in TOML.",
)
@option(
    "--threads",
    type=click.IntRange(min=1),
    metavar="N",
    show_default="one a core",
    help="Threads that a run uses.",
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
    """Run the paper's table and the studies, or resume them.

    Finished parts are not run again; --list shows all parts. Needs a checkout of Bitrecall.
    """
    if find_spec("bitrecall.reproduction") is None:
        raise Failure(
            "the study of the paper is not installed with Bitrecall: run this from a checkout, "
            "where the folder reproduction/ is"
        )
    from bitrecall.reproduction.part_selection import select_runs
    from bitrecall.reproduction.plan import load_plan
    from bitrecall.reproduction.study import Study, StudyOptions
    from bitrecall.reproduction.write_pages import publish

    chosen = load_plan(plan)
    selected = select_runs(chosen, only, seed)
    given = {"gowalla": gowalla, "yelp2018": yelp2018}
    options = StudyOptions(
        data={name: folder for name, folder in given.items() if folder is not None},
        runs=runs,
        out=out,
        again=again,
        skip_recorded=skip_recorded,
        threads=threads,
        progress_bar=progress,
    )
    study = Study(chosen, options, click.echo)
    if listing:
        click.echo(_listing(study.progress, selected))
        return
    report = None if tables else study.run(selected)
    if report is None or report.finished or report.skipped:
        for path in publish(chosen, out, page):
            click.echo(f"wrote {path}")
    if report is not None:
        _end(report)


def _listing(progress: "StudyProgress", selected: "list[PlannedRun]") -> str:
    rows = [
        [run.part.name, str(run.seed), run.part.split, f"{run.part.minutes:g}", progress.state(run)]
        for run in selected
    ]
    left = sum(
        run.part.minutes for run, row in zip(selected, rows, strict=True) if row[-1] != "done"
    )
    table = aligned(["part", "seed", "scored on", "minutes", "state"], rows, right="<><><")
    total = sum(run.part.minutes for run in selected)
    return (
        f"{table}\n{len(selected)} runs, about {total / 60:.1f} hours on two cores, "
        f"of them {left / 60:.1f} not done here"
    )


def _end(report: "StudyReport") -> None:
    counts = {
        "finished": len(report.finished),
        "skipped": len(report.skipped),
        "failed": len(report.failed),
    }
    click.echo(", ".join(f"{count} {what}" for what, count in counts.items()))
    for name, reason in report.failed.items():
        click.echo(f"{name}: {reason}", err=True)
    if report.interrupted:
        click.echo("interrupted: the same command resumes", err=True)
        raise click.exceptions.Exit(INTERRUPTED)
    if report.failed:
        raise click.exceptions.Exit(1)
