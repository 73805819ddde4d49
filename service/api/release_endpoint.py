"""What the endpoints that answer from a release have in common."""

import math
from collections.abc import Callable
from functools import partial
from typing import Final, Generic, TypeVar

import faiss
from anyio import to_thread
from pydantic import BaseModel
from starlette.types import Receive, Scope, Send

from bitrecall.index.errors import FilterError, SearchUnavailableError, UnknownItemError
from bitrecall.index.recommend.recommender import Recommender
from bitrecall.index.recommend.search_steps import SearchSteps
from bitrecall.service.api.parsing import parse_request
from bitrecall.service.api.responses import send_json
from bitrecall.service.api.schemas.requests import QueryOptionsRequest
from bitrecall.service.api.thread_offload import Check, ThreadOffload, no_check
from bitrecall.service.auth.middleware import may_see_histories
from bitrecall.service.errors import (
    FieldError,
    FilterMismatchError,
    HistoryForbiddenError,
    InvalidRequestError,
    ItemNotFoundError,
    NotReadyError,
    SearchNotAnsweringError,
)
from bitrecall.service.http.body import read_body
from bitrecall.service.http.eager import switch_to_task
from bitrecall.service.http.micro_batching import MicroBatcher
from bitrecall.service.online.event_feed import EventFeed
from bitrecall.service.releases.current import CurrentRelease
from bitrecall.service.settings import Settings, variable
from bitrecall.validation_messages import pointer

INLINE_K: Final = 100

# Answers of more items are heavy: they take tens of milliseconds and more.
HEAVY_ITEMS: Final = 5000

Body = TypeVar("Body", bound=BaseModel)
RequestModel = TypeVar("RequestModel", bound=QueryOptionsRequest)


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
    scope: Scope, receive: Receive, settings: Settings, model: type[Body]
) -> Body:
    """The request in a body, read and checked. Raises ``RequestError``."""
    body = await read_body(
        scope, receive, limit=settings.max_body_bytes, seconds=settings.body_timeout
    )
    return parse_request(body, model)


class ReleaseEndpoint(Generic[RequestModel]):
    """``POST`` with a JSON body, answered from the release.

    Short work is done on the event loop, since handing it to a thread takes more of the processor
    than the work. Work that others would have to wait for longer is left to a thread
    (docs/service.md has the measurement), and answers of many items to ``heavy``.

    Args:
        model: the class of the body.
        answer: makes the JSON of the answer; calls what it is given now and then, if the answer
            has many items.
        batcher: runs concurrent requests together, with one search.
        heavy: does the work for answers of more than ``HEAVY_ITEMS``.
        is_short: whether a request is answered on the event loop.
    """

    def __init__(
        self,
        settings: Settings,
        current: CurrentRelease,
        event_feed: EventFeed,
        model: type[RequestModel],
        answer: Callable[[Recommender, RequestModel, Check], SearchSteps[bytes]],
        batcher: MicroBatcher,
        heavy: ThreadOffload,
        is_short: Callable[[Recommender, RequestModel], bool],
    ) -> None:
        self._settings = settings
        self._current = current
        self._event_feed = event_feed
        self._model = model
        self._answer = answer
        self._batcher = batcher
        self._heavy = heavy
        self._max_items = settings.max_answer_items
        self._is_short = is_short

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. Raises ``RequestError`` when it cannot be answered."""
        asked = await read_request(scope, receive, self._settings, self._model)
        size = asked.size()
        if size > self._max_items:
            raise self._too_many(asked, size)
        if asked.shows_history() and not may_see_histories(scope):
            raise HistoryForbiddenError(
                "a key of the role recommend gets neither reasons (explain) nor what the user has "
                "(exclude_seen: false), unless the request itself says what that is (history)"
            )
        recommender = await self._recommender(scope)
        try:
            if recommender.is_fast and self._is_short(recommender, asked):
                content = await self._batcher.answered(self._answer(recommender, asked, no_check))
            elif size > HEAVY_ITEMS:
                await switch_to_task()
                work = partial(self._on_thread, recommender, asked)
                content = await self._heavy.run(work, receive)
            else:
                await switch_to_task()
                content = await to_thread.run_sync(self._on_thread, recommender, asked)
        except FilterError as error:
            place = pointer("filter", "where", error.attribute)
            raise FilterMismatchError(
                f"{place}: {error}", errors=[FieldError(place, str(error))]
            ) from None
        except UnknownItemError as error:
            raise ItemNotFoundError(str(error)) from None
        except SearchUnavailableError:
            raise SearchNotAnsweringError(
                "the server that searches does not answer", headers={"Retry-After": "1"}
            ) from None
        await send_json(send, content)

    async def _recommender(self, scope: Scope) -> Recommender:
        """What answers this request."""
        if self._event_feed.is_behind:
            await self._event_feed.catch_up(self._current)
        return ready_recommender(self._settings, self._current)

    def _too_many(self, asked: RequestModel, size: int) -> InvalidRequestError:
        detail = (
            f"{asked.size_in_words()} would be {size} items, and one answer may have at most "
            f"{self._max_items} ({variable('max_answer_items')})"
        )
        return InvalidRequestError(f"/k: {detail}", errors=[FieldError(pointer("k"), detail)])

    def _on_thread(
        self, recommender: Recommender, asked: RequestModel, check: Check = no_check
    ) -> bytes:
        # The setting is the calling thread's own.
        faiss.omp_set_num_threads(1)
        return self._batcher.alone(self._answer(recommender, asked, check))
