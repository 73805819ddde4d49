"""``bitrecall data``: inspect a data set."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bitrecall.commands.data_options import data_argument, data_options
from bitrecall.commands.options import json_option

if TYPE_CHECKING:
    from bitrecall.training.data.read_options import ReadOptions


@click.group()
def data() -> None:
    """Inspect a data set before training on it."""


@data.command(
    epilog="""\b
Examples:
  bitrecall data describe sample
  bitrecall data describe gowalla/
  bitrecall data describe ratings.csv --user-column customer --item-column sku
"""
)
@data_argument
@data_options
@json_option
def describe(data: tuple[Path | str, ...], read_options: "ReadOptions", as_json: bool) -> None:
    """Describe DATA as training reads it.

    DATA is a folder with train and test files, a folder of parts, one or several files, or the word
    "sample" for the generated sample. The output shows the numbers of users, items and
    interactions, their distribution, the range of times, the test split, which columns were used,
    and warnings.
    """
    import json

    from bitrecall.training.data.describe import describe as describe_dataset
    from bitrecall.training.data.load import load_dataset
    from bitrecall.training.data.plausibility import plausibility_warnings
    from bitrecall.training.data.similar_ids import id_warnings

    dataset = load_dataset(data, read_options)
    description = describe_dataset(dataset)
    warnings, implausible = id_warnings(dataset), plausibility_warnings(dataset)
    if as_json:
        document = {
            **description.as_dict(),
            "id_warnings": warnings,
            "implausible": implausible,
        }
        click.echo(json.dumps(document, indent=2))
        return
    click.echo(description.render())
    for warning in warnings:
        click.echo(f"warning: {warning}")
    for reason in implausible:
        click.echo(f"implausible; train rejects it without --allow-implausible: {reason}")
