"""``bitrecall loadtest``: measure the maximum load of a running service."""

import asyncio
from pathlib import Path

import click

from bitrecall.commands.options import NonEmptyPath, json_option, option

_SUFFIXES = (".svg", ".png", ".pdf")


@click.command(
    epilog="""\b
Example:
  bitrecall loadtest http://127.0.0.1:8000
  bitrecall loadtest https://shop.example --key-file key.txt --k 50 --plot knee.svg
"""
)
@click.argument("url")
@option("--k", type=click.IntRange(1, 1000), default=10, help="Number of items per request.")
@option(
    "--seconds",
    type=click.FloatRange(0.5, 600),
    default=5.0,
    help="Duration of each rate, in seconds.",
)
@option(
    "--slow",
    type=click.FloatRange(1.1, 1000),
    default=5.0,
    help="The knee is the load at which p99 reaches this multiple of p99 at the lightest load.",
)
@option(
    "--key-file",
    type=NonEmptyPath(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="File with a key of the role read, if the service requires keys.",
)
@option(
    "--plot",
    type=NonEmptyPath(dir_okay=False, writable=True, path_type=Path),
    metavar="FILE",
    help="Plot the result; the suffix of the file selects SVG, PNG or PDF.",
)
@json_option
def loadtest(
    url: str,
    k: int,
    seconds: float,
    slow: float,
    key_file: Path | None,
    plot: Path | None,
    as_json: bool,
) -> None:
    """Measure the maximum load of a service, and what limits it.

    The first part sends requests as fast as they are answered, over more and more connections.
    The second part sends them at fixed rates below and above that maximum, with Poisson arrivals
    (open loop), so that slow responses do not delay later requests. Users are drawn from the first
    thousand. The service runs at full load: do not test one that is in use.
    """
    from bitrecall.loadtest.run import load_test
    from bitrecall.loadtest.target import Target
    from bitrecall.loadtest.verdict import verdict

    def echo(line: str) -> None:
        click.echo(line, err=as_json)

    if plot is not None:
        if plot.suffix not in _SUFFIXES:
            raise click.BadParameter(
                f"{plot} must end in {', '.join(_SUFFIXES[:-1])} or {_SUFFIXES[-1]}"
            )
        # Imported before the test, so that a missing matplotlib is reported at once.
        from bitrecall.loadtest.plot import draw

    key = None if key_file is None else key_file.read_text("utf-8", "replace").strip()
    result = asyncio.run(load_test(Target.at(url, key), k, seconds, slow, echo))
    for line in verdict(result):
        echo(line)
    if as_json:
        click.echo(result.to_json())
    if plot is not None:
        draw(result, plot)
