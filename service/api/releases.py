"""``GET /releases``, ``POST /releases/{id}/activate`` and ``/releases/rollback``."""

import asyncio
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from bitrecall.index.errors import NoReleaseError, ReleaseError, ReleaseNotFoundError
from bitrecall.index.releases.reader import ReleaseSummary
from bitrecall.index.releases.retraining_status import RetrainingStatus
from bitrecall.index.releases.store import ReleaseStore
from bitrecall.service.api.json_responses import json_response
from bitrecall.service.api.parsing import parse_request
from bitrecall.service.api.schemas.requests import MoveRequest
from bitrecall.service.errors import ReleaseRefusedError, UnknownReleaseError
from bitrecall.service.http.body import read_body
from bitrecall.service.releases.current import CurrentRelease
from bitrecall.service.settings import Settings


def release_routes(settings: Settings, current: CurrentRelease) -> list[BaseRoute]:
    """The routes that list releases and change which one is served."""
    store = current.store

    async def releases(request: Request) -> Response:
        """``GET /releases``: all releases."""
        summaries = await asyncio.to_thread(lambda: store.list(verify=False))
        retraining = await asyncio.to_thread(RetrainingStatus.read, store.root)
        return json_response(
            {
                "releases": [_summary_json(summary) for summary in summaries],
                "serving": current.recommender and current.recommender.release_id,
                "last_retraining": None if retraining is None else asdict(retraining),
            }
        )

    async def activate(request: Request) -> Response:
        """``POST /releases/{id}/activate``: serve a release."""
        await _read_empty_body(request, settings)
        release_id = request.path_params["id"]

        def change(store: ReleaseStore) -> str:
            store.activate(release_id)
            return str(release_id)

        return json_response({"release_id": await _activate(current, change)})

    async def rollback(request: Request) -> Response:
        """``POST /releases/rollback``: serve the previous release."""
        await _read_empty_body(request, settings)
        return json_response(
            {"release_id": await _activate(current, lambda store: store.rollback())}
        )

    return [
        Route("/releases", releases, methods=["GET"]),
        Route("/releases/rollback", rollback, methods=["POST"]),
        Route("/releases/{id}/activate", activate, methods=["POST"]),
    ]


async def _read_empty_body(request: Request, settings: Settings) -> None:
    """Read a body that may be empty. The content type has to be JSON, which forms cannot send.

    Raises:
        RequestError: the content type is not JSON, or the body is invalid.
    """
    body = await read_body(
        request.scope,
        request.receive,
        limit=settings.max_body_bytes,
        seconds=settings.body_timeout,
    )
    if body:
        parse_request(body, MoveRequest)


async def _activate(current: CurrentRelease, change: Callable[[ReleaseStore], str]) -> str:
    """Change the current release of the store, and load it at once."""
    try:
        release_id = await asyncio.to_thread(change, current.store)
    except (ReleaseNotFoundError, NoReleaseError) as error:
        raise UnknownReleaseError(_without_folder(error)) from None
    except ReleaseError as error:
        raise ReleaseRefusedError(_without_folder(error)) from None
    await asyncio.to_thread(current.refresh)
    return release_id


def _without_folder(error: ReleaseError) -> str:
    """The message of an error with the name of the damaged file, but not the path of the store."""
    if error.path is None:
        return str(error)
    return str(error).replace(str(error.path), error.path.name)


def _summary_json(summary: ReleaseSummary) -> dict[str, Any]:
    manifest = summary.manifest
    return {
        "id": summary.id,
        "created_at": manifest and manifest.created_at,
        "current": summary.current,
        "users": manifest and manifest.users,
        "items": manifest and manifest.items,
        "bits": manifest and manifest.bits,
        "metrics": {} if manifest is None else dict(manifest.metrics),
        "damage": None if summary.damage is None else "it is damaged: 'bitrecall release verify'",
    }
