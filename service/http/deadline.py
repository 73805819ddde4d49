"""A timer that is cheap to move, for each connection."""

import asyncio
import math
from collections.abc import Callable


class Deadline:
    """Calls a function at a moment that is moved more often than it is reached.

    Moving it to a later moment only sets an attribute: the timer of the event loop stays, and is
    set again when it fires early. A timer per request would cost 2% of a request.

    Args:
        loop: the event loop, whose clock is used.
        act: called once the moment has passed.

    Attributes:
        moment: in seconds on the loop's clock; infinite without a deadline.
    """

    __slots__ = ("_act", "_due", "_loop", "_timer", "moment")

    def __init__(self, loop: asyncio.AbstractEventLoop, act: Callable[[], None]) -> None:
        self._loop = loop
        self._act = act
        self._timer: asyncio.TimerHandle | None = None
        self._due = math.inf
        self.moment = math.inf

    def after(self, seconds: float) -> None:
        """Set the deadline to ``seconds`` from now."""
        now = self._loop.time()
        self.moment = now + seconds
        if self._timer is None or self.moment < self._due:
            self._set(seconds)

    def clear(self) -> None:
        """Remove the deadline, and keep the timer for the next one."""
        self.moment = math.inf

    def cancel(self) -> None:
        """Remove the deadline and the timer."""
        self.moment = math.inf
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _set(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._due = self._loop.time() + seconds
        self._timer = self._loop.call_later(seconds, self._fire)

    def _fire(self) -> None:
        self._timer = None
        if self.moment == math.inf:
            return
        left = self.moment - self._loop.time()
        if left > 0:
            self._set(left)
        else:
            self.moment = math.inf
            self._act()
