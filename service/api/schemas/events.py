"""The bodies of ``POST /events`` and ``DELETE /users/{id}``."""

import re
import time
from datetime import UTC, datetime
from typing import Annotated, Final

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
)
from pydantic_core import PydanticCustomError

from bitrecall.events.event import Event
from bitrecall.events.rules import MAX_ID_LENGTH, TYPE_PATTERN, time_fault

# PostgreSQL cannot store U+0000.
_TEXT_PATTERN: Final = r"^[^\x00]+$"
EventText = Annotated[
    str,
    StringConstraints(strip_whitespace=True),
    Field(min_length=1, max_length=MAX_ID_LENGTH, pattern=_TEXT_PATTERN),
]
EventType = Annotated[str, Field(pattern=TYPE_PATTERN)]

FORMATS: Final = {
    _TEXT_PATTERN: "must not contain U+0000",
    TYPE_PATTERN: "has to be at most 64 lower-case letters, digits, _ . - and begin with a letter",
}
"""The message for a text that does not match, by pattern."""


# The dates that pydantic parses. Without this check it parses "20261128" as seconds since 1970.
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt _][0-9]")


def _require_date(value: object) -> object:
    if isinstance(value, str) and _DATE.match(value):
        return value
    raise PydanticCustomError(
        "event_time_form", "has to be an RFC 3339 time, such as 2026-11-23T18:00:00Z"
    )


def _check_range(value: datetime) -> datetime:
    if fault := time_fault(value.timestamp(), time.time()):
        raise PydanticCustomError(
            "event_time",
            "{fault}: has to be from 1900-01-01T00:00:00Z to a day from now",
            {"fault": fault},
        )
    return value


EventTime = Annotated[
    AwareDatetime, Field(strict=False), BeforeValidator(_require_date), AfterValidator(_check_range)
]


class EventRequest(BaseModel):
    """One event: a user did something with an item."""

    model_config = ConfigDict(strict=True, extra="forbid")

    user_id: EventText = Field(description="The user. An unknown user is accepted.")
    item_id: EventText = Field(description="The item. An unknown item is accepted.")
    type: EventType = Field(
        "interaction",
        description="What the user did. 'hide' means that the item is never recommended to the "
        "user again; any other type counts as an interaction.",
    )
    time: EventTime | None = Field(
        None,
        description="Time of the event, as RFC 3339 with a time zone, from 1900 to a day from now; "
        "by default now.",
    )
    id: EventText | None = Field(
        None,
        description="Id of the event: a second event with the same id is ignored as a duplicate.",
    )

    def event(self, now: float) -> Event:
        """The event for the event store.

        Args:
            now: seconds since 1970-01-01 UTC, for an event without a time.
        """
        at = now if self.time is None else self.time.timestamp()
        return Event(self.user_id, self.item_id, self.type, at, self.id)


class EventsRequest(BaseModel):
    """One or more events."""

    model_config = ConfigDict(strict=True, extra="forbid")

    events: list[EventRequest] = Field(
        min_length=1,
        max_length=1000,
        description="The events, in the order in which they happened.",
    )

    def all(self) -> list[Event]:
        """The events for the event store."""
        now = datetime.now(UTC).timestamp()
        return [event.event(now) for event in self.events]


class EventsResponse(BaseModel):
    """The events are stored durably."""

    accepted: int = Field(description="Number of new events.")
    duplicates: int = Field(description="Number of events with the id of an earlier event.")


class ForgottenResponse(BaseModel):
    """The user has been forgotten."""

    id: str = Field(description="The user.")
    events: int = Field(description="Number of removed events.")
