"""What the endpoints that answer from a release have in common."""

import math
from collections.abc import Callable
from typing import Final, Generic, TypeVar

import faiss
from anyio import to_thread
from pydantic import BaseModel
from starlette.types import Receive, Scope, Send

from index.errors import FilterError, SearchUnavailableError
from service.answers.recommender import Recommender
from service.answers.steps import Steps
from service.begun import InATask
from service.body import begin_body, read_body
from service.endpoints.answers import send_json
from service.errors import (
    FieldError,
    FilterMismatchError,
    NotReadyError,
    SearchNotAnsweringError,
)
from service.fresh.live import Live
from service.parsing import parse_request, pointer
from service.releases import CurrentRelease
from service.rounds import Rounds
from service.settings import Settings

INLINE_K: Final = 100

Asked = TypeVar("Asked", bound=BaseModel)


def ready_recommender(settings: Settings, current: CurrentRelease) -> Recommender:
    """What answers now. Raises ``NotReadyError`` when there is no release."""
    if current.recommender is None:
        raise NotReadyError(
            "no release is loaded yet; GET /readyz says why", headers=retry_after(settings)
        )
    return current.recommender


def retry_after(settings: Settings) -> dict[str, str]:
    """The header that says when to look for a release again."""
    return {"Retry-After": str(math.ceil(settings.poll_interval))}


async def read_request(
    scope: Scope, receive: Receive, settings: Settings, model: type[Asked]
) -> Asked:
    """The request in a body, read and checked. Raises ``RequestError``."""
    body = await read_body(
        scope, receive, limit=settings.max_body_bytes, seconds=settings.body_timeout
    )
    return parse_request(body, model)


class FromRelease(Generic[Asked]):
    """``POST`` with a JSON body, answered from the release.

    Short work is done on the event loop, since handing it to a thread takes more of the processor
    than the work. Work that others would have to wait for longer is left to a thread
    (docs/service.md has the measurement).

    Args:
        model: the class of the body.
        answer: makes the JSON of the answer.
        rounds: in which requests that come at once are answered.
        is_short: whether a request is answered on the event loop.
    """

    def __init__(
        self,
        settings: Settings,
        current: CurrentRelease,
        live: Live,
        model: type[Asked],
        answer: Callable[[Recommender, Asked], Steps[bytes]],
        rounds: Rounds,
        is_short: Callable[[Asked], bool],
    ) -> None:
        self._settings = settings
        self._limit, self._seconds = settings.max_body_bytes, settings.body_timeout
        self._current = current
        self._live = live
        self._model = model
        self._answer = answer
        self._rounds = rounds
        self._is_short = is_short

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. Raises ``RequestError`` when it cannot be answered."""
        body = begin_body(scope, receive, limit=self._limit, seconds=self._seconds)
        asked = parse_request(body if isinstance(body, bytes) else await body, self._model)
        recommender = await self._recommender(scope)
        try:
            if recommender.is_quick and self._is_short(asked):
                content = await self._rounds.answered(self._answer(recommender, asked))
            else:
                await InATask()
                content = await to_thread.run_sync(self._on_thread, recommender, asked)
        except FilterError as error:
            place = pointer("filter", "where", error.attribute)
            raise FilterMismatchError(
                f"{place}: {error}", errors=[FieldError(place, str(error))]
            ) from None
        except SearchUnavailableError:
            raise SearchNotAnsweringError(
                "the server that searches does not answer", headers={"Retry-After": "1"}
            ) from None
        await send_json(scope, send, content)

    async def _recommender(self, scope: Scope) -> Recommender:
        """What answers this request."""
        if self._live.is_behind:
            await self._live.catch_up(self._current)
        return ready_recommender(self._settings, self._current)

    def _on_thread(self, recommender: Recommender, asked: Asked) -> bytes:
        # The setting is the calling thread's own.
        faiss.omp_set_num_threads(1)
        return self._rounds.alone(self._answer(recommender, asked))
