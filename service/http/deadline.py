"""A timer per connection that can be moved at little cost."""

import asyncio
import math
from collections.abc import Callable


class Deadline:
    """Calls a function at a time that is usually moved before it is reached.

    Moving it to a later time only sets an attribute: the timer of the event loop stays, and is set
    again when it fires early. A timer per request would cost 2% of a request.

    Args:
        loop: the event loop, whose clock is used.
        on_expiry: called once the deadline has passed.

    Attributes:
        due: the deadline in seconds on the loop's clock; infinite without a deadline.
    """

    __slots__ = ("_loop", "_on_expiry", "_timer", "_timer_due", "due")

    def __init__(self, loop: asyncio.AbstractEventLoop, on_expiry: Callable[[], None]) -> None:
        self._loop = loop
        self._on_expiry = on_expiry
        self._timer: asyncio.TimerHandle | None = None
        self._timer_due = math.inf
        self.due = math.inf

    def after(self, seconds: float) -> None:
        """Set the deadline to ``seconds`` from now."""
        now = self._loop.time()
        self.due = now + seconds
        if self._timer is None or self.due < self._timer_due:
            self._set(seconds)

    def clear(self) -> None:
        """Remove the deadline, and keep the timer for the next one."""
        self.due = math.inf

    def cancel(self) -> None:
        """Remove the deadline and the timer."""
        self.due = math.inf
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _set(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer_due = self._loop.time() + seconds
        self._timer = self._loop.call_later(seconds, self._fire)

    def _fire(self) -> None:
        self._timer = None
        if self.due == math.inf:
            return
        left = self.due - self._loop.time()
        if left > 0:
            self._set(left)
        else:
            self.due = math.inf
            self._on_expiry()
