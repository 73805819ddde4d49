"""``bitrecall serve``: answer requests over HTTP."""

import click

from bitrecall.commands.settings_options import settings_options
from bitrecall.service.environment import load_settings
from bitrecall.service.settings import Settings


@click.command(
    epilog="""\b
Example:
  bitrecall serve --releases releases --port 8000 --workers 2
  curl -s http://127.0.0.1:8000/recommend \\
    -H 'content-type: application/json' -d '{"user_id": "mateo-028", "k": 5}'
"""
)
@settings_options(Settings)
def serve(**given: object) -> None:
    """Answer requests for recommendations over HTTP.

    Serves the current release of the store, and swaps to a newer one when it is published. With
    no release yet it starts all the same, and says so at /readyz until there is one. The
    description of the API is at /openapi.json.
    """
    settings = load_settings(**given)

    from bitrecall.service.server import run

    run(settings)
