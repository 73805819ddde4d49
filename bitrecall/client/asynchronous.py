"""``bitrecall.AsyncClient``: a service asked over HTTP by a task."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any, Literal, Self, TypeVar

from bitrecall.client import calls
from bitrecall.client.calls import Call, EventsAccepted
from bitrecall.client.connection import answer_of, broken, connection
from bitrecall.client.exchange import Answer, Broken, RetryPolicy, Send, exchange
from bitrecall.extras import extra_needed
from bitrecall.results import (
    ItemInfo,
    PopularItems,
    RecommendationLists,
    Recommendations,
    SimilarItems,
    UserInfo,
)

with extra_needed("bitrecall.AsyncClient", "client"):
    import httpx

__all__ = ["AsyncClient"]

Result = TypeVar("Result")


class AsyncClient:
    """A service, asked over HTTP by tasks of asyncio.

    The verbs, their arguments and results are those of ``bitrecall.Model``, awaited.

        async with bitrecall.AsyncClient("http://127.0.0.1:8000") as client:
            await client.recommend("ada-017", k=10)

    Args:
        url: ``http://HOST:PORT``, with a path if the service is below one, or ``unix:PATH`` for a
            unix socket.
        key: of ``bitrecall key new``, if the service asks for keys.
        timeout: seconds to wait for a connection and for each part of an answer.
        retries: how often a request is sent again after 503, 429 or a broken connection.
        max_wait: seconds to wait before each of them at most, also if Retry-After says more.
        max_connections: connections that are kept open.
        batch_size: users asked for in one request at most.
        verify: whether certificates are checked.
        headers: sent with every request.

    Raises:
        MissingExtraError: the extra ``client`` is not installed.
        ArgumentError: the URL or the key cannot be used.
    """

    def __init__(
        self,
        url: str = "http://127.0.0.1:8000",
        *,
        key: str | None = None,
        timeout: float = 10.0,
        retries: int = 3,
        max_wait: float = 10.0,
        max_connections: int = 100,
        batch_size: int = 1000,
        verify: bool = True,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        made = connection(url, key, timeout, max_connections, verify, headers)
        transport = (
            None
            if made.socket is None
            else httpx.AsyncHTTPTransport(uds=made.socket, limits=made.limits)
        )
        self._http = httpx.AsyncClient(
            **made.arguments, limits=made.limits, verify=made.verify, transport=transport
        )
        self._url = url.rstrip("/")
        self._policy = RetryPolicy(retries, max_wait)
        self._batch_size = batch_size

    def __repr__(self) -> str:
        return f"<AsyncClient of {self._url}>"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def recommend(
        self,
        user_id: str | int | None = None,
        k: int = 10,
        *,
        exclude_seen: bool = True,
        exclude_items: Iterable[str | int] = (),
        filter: Mapping[str, Any] | None = None,  # noqa: A002 - as in the HTTP API
        history: Iterable[str | int] | None = None,
        history_mode: Literal["instead", "add"] = "instead",
        explain: bool = False,
    ) -> Recommendations:
        """As ``Model.recommend``, from the release and the events that the service has."""
        return await self._do(
            calls.recommend(
                user_id,
                k,
                exclude_seen=exclude_seen,
                exclude_items=exclude_items,
                wanted=filter,
                history=history,
                history_mode=history_mode,
                explain=explain,
            )
        )

    async def recommend_many(
        self,
        user_ids: Iterable[str | int],
        k: int = 10,
        *,
        exclude_seen: bool = True,
        exclude_items: Iterable[str | int] = (),
        filter: Mapping[str, Any] | None = None,  # noqa: A002
        explain: bool = False,
    ) -> RecommendationLists:
        """As ``Model.recommend_many``; many users are asked for in several requests."""
        batches = calls.recommend_many(
            user_ids,
            k,
            exclude_seen=exclude_seen,
            exclude_items=exclude_items,
            wanted=filter,
            explain=explain,
            batch_size=self._batch_size,
        )
        lists: list[Recommendations] = []
        for call in batches:
            answered = await self._do(call)
            lists += answered
        return RecommendationLists(tuple(lists))

    async def similar(
        self,
        item_id: str | int,
        k: int = 10,
        *,
        exclude_items: Iterable[str | int] = (),
        filter: Mapping[str, Any] | None = None,  # noqa: A002
    ) -> SimilarItems:
        """As ``Model.similar``."""
        return await self._do(calls.similar(item_id, k, exclude_items=exclude_items, wanted=filter))

    async def popular(self, k: int = 10) -> PopularItems:
        """As ``Model.popular``."""
        return await self._do(calls.popular(k))

    async def user(self, user_id: str | int) -> UserInfo:
        """As ``Model.user``."""
        return await self._do(calls.user(user_id))

    async def item(self, item_id: str | int) -> ItemInfo:
        """As ``Model.item``."""
        return await self._do(calls.item(item_id))

    async def find_users(self, prefix: str = "", k: int = 10) -> list[str]:
        """As ``Model.find_users``."""
        return await self._do(calls.find("users", prefix, k))

    async def find_items(self, prefix: str = "", k: int = 10) -> list[str]:
        """As ``Model.find_items``."""
        return await self._do(calls.find("items", prefix, k))

    async def send_events(self, events: Iterable[Mapping[str, Any]]) -> EventsAccepted:
        """Tell the service what users did; returns when that is durable.

        Args:
            events: each a dict of user_id and item_id, and optionally type, time (a datetime with
                a time zone, or text in RFC 3339) and id. Events with an id may be sent again: each
                counts once.

        Raises:
            ArgumentError: an event is not valid; those before it by a thousand or more were kept.
        """
        accepted = duplicates = 0
        for call in calls.send_events(events):
            kept = await self._do(call)
            accepted, duplicates = accepted + kept.accepted, duplicates + kept.duplicates
        return EventsAccepted(accepted, duplicates)

    async def forget(self, user_id: str | int) -> int:
        """Have the service forget a user; returns the number of events removed."""
        return await self._do(calls.forget(user_id))

    async def _do(self, call: Call[Result]) -> Result:
        """Carry out the steps of a call."""
        steps = exchange(call, self._policy, self._url)
        answer: Answer | Broken | None = None
        while True:
            try:
                step = next(steps) if answer is None else steps.send(answer)
            except StopIteration as done:
                result: Result = done.value
                return result
            if isinstance(step, Send):
                answer = await self._send(step)
            else:
                await asyncio.sleep(step.seconds)
                answer = None

    async def _send(self, request: Send) -> Answer | Broken:
        headers = {} if request.body is None else {"Content-Type": "application/json"}
        try:
            return answer_of(
                await self._http.request(
                    request.method, request.path, content=request.body, headers=headers
                )
            )
        except httpx.TransportError as error:
            return broken(error)
