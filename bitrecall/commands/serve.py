"""``bitrecall serve``: serve recommendations over HTTP."""

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
def serve(**options: object) -> None:
    """Serve recommendations over HTTP.

    The service loads the current release of the store, and swaps to a newer one when it is
    published. It also starts without a release; /readyz returns 503 until one is published.
    The description of the API is at /openapi.json.
    """
    settings = load_settings(**options)

    from bitrecall.service.server import run

    run(settings)
