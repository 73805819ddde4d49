"""The interface between the HTTP layer and the application that it serves."""

from typing import Protocol

from starlette.types import ASGIApp, Receive, Scope, Send

from bitrecall.service.http.connection_budget import ConnectionBudget
from bitrecall.service.http.limiter import ConcurrencyLimiter
from bitrecall.service.http.micro_batching import MicroBatcher
from bitrecall.service.http.write_coalescing import WriteCoalescer


class HttpApplication(Protocol):
    """An ASGI application that ``HttpProtocol`` can serve.

    All connections of a process share these objects, and use them on the event loop only.
    """

    @property
    def connection_budget(self) -> ConnectionBudget:
        """Limits the number of connections and the memory that they use."""

    @property
    def limiter(self) -> ConcurrencyLimiter:
        """Limits the number of concurrent requests."""

    @property
    def batcher(self) -> MicroBatcher:
        """Runs concurrent requests of the fast path together."""

    @property
    def write_coalescer(self) -> WriteCoalescer:
        """Combines the writes of all connections."""

    def fast_application_for(self, scope: Scope) -> ASGIApp | None:
        """The application for a request that does not need the framework; None for all others.

        It has to send one ``http.response.start`` with a correct ``content-length`` and one
        ``http.response.body``. Its headers are sent unchecked.
        """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request on the plain path."""
