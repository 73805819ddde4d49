"""The command of the studies, ``python -m bitrecall.reproduction.log_studies``."""

import sys
from pathlib import Path

import click

from bitrecall.aligned_text import aligned
from bitrecall.errors import BitrecallError

_INTERRUPTED = 130


def _named_paths(
    context: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> dict[str, Path]:
    """Parse values of the form ``NAME=PATH``."""
    paths = {}
    for value in values:
        name, equals, path = value.partition("=")
        if not equals or not path or not name.replace("-", "").replace("_", "").isalnum():
            raise click.BadParameter(
                f"{value!r} is not NAME=PATH, such as ml100k=path/to/ml100k", context, parameter
            )
        if not Path(path).exists():
            raise click.BadParameter(f"{path} does not exist", context, parameter)
        paths[name] = Path(path)
    return paths


@click.command(
    epilog="""\b
Examples:
  python -m bitrecall.reproduction.log_studies --data ml100k=path/to/ml100k --list
  python -m bitrecall.reproduction.log_studies --data ml100k=path/to/ml100k
  python -m bitrecall.reproduction.log_studies --data ml100k=path/to/ml100k --only codes
  python -m bitrecall.reproduction.log_studies --tables

\b
A cell is STUDY/DATASET or STUDY/DATASET/VARIANT. A finished cell adds its rows to
OUT/results.json, and is skipped if that file has rows with the same data, recipe and settings.
After Ctrl-C, the same command continues with the interrupted cell. At the end, the page
OUT/README.md and the plots in OUT are updated. Exit code 1 means that at least one cell failed.
"""
)
@click.option(
    "--data",
    "data",
    multiple=True,
    callback=_named_paths,
    metavar="NAME=PATH",
    help="A data set: its name in the tables, and its folder or file; may be given several times.",
)
@click.option(
    "--only",
    multiple=True,
    metavar="PATTERN",
    help="Run only these cells: a name, its beginning up to a slash, or a glob; may be given "
    "several times.",
)
@click.option("--list", "listing", is_flag=True, help="List the cells and their state.")
@click.option("--tables", is_flag=True, help="Only update the page and the plots.")
@click.option("--again", is_flag=True, help="Run finished cells again, from the beginning.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, metavar="N")
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Change a value of the recipe 'default'; may be given several times.",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("docs/reproduction/log-studies"),
    show_default=True,
    metavar="DIR",
    help="Folder of results.json, the page and the plots.",
)
@click.option(
    "--runs",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("runs/log-studies"),
    show_default=True,
    metavar="DIR",
    help="Folder of logs and checkpoints.",
)
@click.option("--threads", type=click.IntRange(min=1), metavar="N", help="Number of threads.")
@click.option("--progress/--no-progress", default=None, help="Show progress bars on stderr.")
def log_studies(
    data: dict[str, Path],
    only: tuple[str, ...],
    listing: bool,
    tables: bool,
    again: bool,
    seed: int,
    overrides: tuple[str, ...],
    out: Path,
    runs: Path,
    threads: int | None,
    progress: bool | None,
) -> None:
    """Run or resume the studies of the recipe 'default' on logs."""
    from bitrecall.training.runtime.openmp import wait_briefly

    wait_briefly()
    import torch

    from bitrecall.reproduction.log_studies.page import publish
    from bitrecall.reproduction.log_studies.run_cells import CellOptions, CellRunner
    from bitrecall.reproduction.log_studies.studies import select_cells
    from bitrecall.training.runtime.allocator import keep_freed_memory

    if not data and not tables:
        raise click.UsageError("name a data set with --data NAME=PATH")
    keep_freed_memory()
    if threads is not None:
        torch.set_num_threads(threads)
    options = CellOptions(data, runs, out, seed, overrides, again, progress)
    report = None
    if not tables:
        runner = CellRunner(options, click.echo)
        cells = select_cells(options.data, only)
        if listing:
            rows = [[cell.name, runner.state(cell)] for cell in cells]
            click.echo(aligned(["cell", "state"], rows))
            return
        report = runner.run(cells)
    for path in publish(out):
        click.echo(f"wrote {path}")
    if report is None:
        return
    counts = {
        "finished": len(report.finished),
        "skipped": len(report.skipped),
        "failed": len(report.failed),
    }
    click.echo(", ".join(f"{count} {state}" for state, count in counts.items()))
    if report.interrupted:
        click.echo("interrupted; the same command resumes", err=True)
        sys.exit(_INTERRUPTED)
    if report.failed:
        sys.exit(1)


def main() -> None:
    """Run the command; an error of Bitrecall ends it with its message."""
    try:
        log_studies(prog_name="python -m bitrecall.reproduction.log_studies")
    except BitrecallError as error:
        sys.exit(f"error: {error}")
