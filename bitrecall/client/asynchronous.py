"""``bitrecall.AsyncClient``: query a service over HTTP in asyncio tasks."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any, Literal, Self, TypeVar

from bitrecall.client import calls
from bitrecall.client.base import ServiceClient
from bitrecall.client.calls import Call
from bitrecall.client.connection import Connection, no_response, response_of
from bitrecall.client.event_batches import EventBatches, EventsAccepted
from bitrecall.client.outcome import NoResponse, Response, Retry
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


class AsyncClient(ServiceClient[httpx.AsyncClient]):
    """An HTTP client of a running service, for asyncio.

    The methods, arguments and results are those of ``bitrecall.Model``, but coroutines.

        async with bitrecall.AsyncClient("http://127.0.0.1:8000") as client:
            await client.recommend("ada-017", k=10)
    """

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
        """Like ``Model.recommend``; the service also uses the events after training."""
        return await self._run(
            calls.recommend(
                user_id,
                k,
                exclude_seen=exclude_seen,
                exclude_items=exclude_items,
                conditions=filter,
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
        """Like ``Model.recommend_many``, in requests of up to ``batch_size`` users."""
        requests = calls.recommend_many(
            user_ids,
            k,
            exclude_seen=exclude_seen,
            exclude_items=exclude_items,
            conditions=filter,
            explain=explain,
            batch_size=self._batch_size,
        )
        lists: list[Recommendations] = []
        for call in requests:
            batch = await self._run(call)
            lists += batch
        return RecommendationLists(tuple(lists))

    async def similar(
        self,
        item_id: str | int,
        k: int = 10,
        *,
        exclude_items: Iterable[str | int] = (),
        filter: Mapping[str, Any] | None = None,  # noqa: A002
    ) -> SimilarItems:
        """Like ``Model.similar``."""
        return await self._run(
            calls.similar(item_id, k, exclude_items=exclude_items, conditions=filter)
        )

    async def popular(self, k: int = 10) -> PopularItems:
        """Like ``Model.popular``."""
        return await self._run(calls.popular(k))

    async def user(self, user_id: str | int) -> UserInfo:
        """Like ``Model.user``."""
        return await self._run(calls.user(user_id))

    async def item(self, item_id: str | int) -> ItemInfo:
        """Like ``Model.item``."""
        return await self._run(calls.item(item_id))

    async def find_users(self, prefix: str = "", k: int = 10) -> list[str]:
        """Like ``Model.find_users``."""
        return await self._run(calls.find("users", prefix, k))

    async def find_items(self, prefix: str = "", k: int = 10) -> list[str]:
        """Like ``Model.find_items``."""
        return await self._run(calls.find("items", prefix, k))

    async def send_events(self, events: Iterable[Mapping[str, Any]]) -> EventsAccepted:
        """Send events to the service; returns when they are stored durably.

        Args:
            events: dicts with user_id and item_id, and optionally type, time (a datetime with a
                time zone, or RFC 3339 text) and id. You may send an event with an id again: it
                counts once.

        Raises:
            ArgumentError: an event is invalid. Events are sent in batches of 1,000: the batches
                before that of the invalid event are stored, and the message counts their events.
        """
        batches = EventBatches(events)
        with batches.name_stored():
            for call in batches:
                batches.add(await self._run(call))
        return batches.total

    async def forget(self, user_id: str | int) -> int:
        """Delete a user's events and forget the user; returns the number of deleted events."""
        return await self._run(calls.forget(user_id))

    async def _run(self, call: Call[Result]) -> Result:
        """Send a request, with retries, and return its result."""
        attempt = 0
        while isinstance(outcome := self._outcome(call, await self._send(call), attempt), Retry):
            await asyncio.sleep(outcome.seconds)
            attempt += 1
        return outcome.result

    async def _send(self, call: Call[Any]) -> Response | NoResponse:
        try:
            return response_of(
                await self._http.request(
                    call.method, call.path, content=call.body, headers=call.headers
                )
            )
        except httpx.TransportError as error:
            return no_response(error)

    def _open(self, connection: Connection) -> httpx.AsyncClient:
        transport = (
            None
            if connection.socket is None
            else httpx.AsyncHTTPTransport(uds=connection.socket, limits=connection.limits)
        )
        return httpx.AsyncClient(
            **connection.arguments,
            limits=connection.limits,
            verify=connection.verify,
            transport=transport,
        )
