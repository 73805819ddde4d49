"""The ``bitrecall`` command and its sub-commands."""

import click

from bitrecall import __version__
from bitrecall.lazy import LazyGroup

EPILOGUE = """\b
First steps:
  bitrecall train sample --recipe sample --releases releases
  bitrecall recommend mateo-028 -k 5
  bitrecall serve --releases releases
  curl -s http://127.0.0.1:8000/recommend \\
    -H 'content-type: application/json' -d '{"user_id": "mateo-028", "k": 5}'

`bitrecall data describe sample` describes the sample, and `bitrecall COMMAND --help` shows an
example of each command. To use your own data, replace `sample` with a file or a folder.

Options can also be set by environment variables; the help of each option names its variable.
"""


@click.group(
    cls=LazyGroup,
    places={
        "train": "bitrecall.commands.train:train",
        "retrain": "bitrecall.commands.retrain:retrain",
        "scheduler": "bitrecall.commands.scheduler:scheduler",
        "evaluate": "bitrecall.commands.evaluate:evaluate",
        "benchmark": "bitrecall.commands.benchmark:benchmark",
        "recommend": "bitrecall.commands.recommend:recommend",
        "similar": "bitrecall.commands.recommend:similar",
        "popular": "bitrecall.commands.recommend:popular",
        "reproduce": "bitrecall.commands.reproduce:reproduce",
        "serve": "bitrecall.commands.serve:serve",
        "data": "bitrecall.commands.data:data",
        "release": "bitrecall.commands.release:release",
        "events": "bitrecall.commands.events:events",
        "key": "bitrecall.commands.key:key",
        "loadtest": "bitrecall.commands.loadtest:loadtest",
    },
    context_settings={"auto_envvar_prefix": "BITRECALL", "max_content_width": 100},
    epilog=EPILOGUE,
)
@click.version_option(__version__, prog_name="bitrecall")
def bitrecall() -> None:
    """Recommendation retrieval in bits.

    Train hash codes from interactions, publish them as a release, and serve it.
    """


def main() -> None:
    """Run the command line, and exit the process."""
    bitrecall(prog_name="bitrecall")
