"""The fingerprint of the interactions that a release was trained on."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import fields as dataclass_fields
from typing import Any, Self

from bitrecall.index.releases.json_checks import Checks


@dataclass(frozen=True)
class DataFingerprint:
    """Identifies the interactions that a release was trained on.

    Attributes:
        sha256: of the interactions, in any order.
        users: number of users.
        items: number of items.
        interactions: number of user-item pairs.
        first_time: ISO 8601 in UTC; None if the data has no times.
        last_time: ISO 8601 in UTC; None if the data has no times.
        last_event: number of the last event among them; 0 without events.
        events_id: id of the events database; None without events.
        last_event_digest: digest of the last event; tells whether that number still belongs to the
            same event (``bitrecall.events.log``).
    """

    sha256: str
    users: int
    items: int
    interactions: int
    first_time: str | None = None
    last_time: str | None = None
    last_event: int = 0
    events_id: str | None = None
    last_event_digest: str | None = None

    @classmethod
    def from_fields(cls, fields: dict[str, Any], checks: Checks) -> Self:
        """Read a fingerprint from the JSON of a manifest. Raises ReleaseDamagedError."""
        checks.keys(fields, {field.name for field in dataclass_fields(cls)}, "data")
        first = checks.optional_instant(fields["first_time"], "data.first_time")
        last = checks.optional_instant(fields["last_time"], "data.last_time")
        if first is not None and last is not None:
            checks.in_order(first, last, "data.first_time and data.last_time")
        return cls(
            sha256=checks.digest(fields["sha256"], "data.sha256"),
            users=checks.integer(fields["users"], "data.users"),
            items=checks.integer(fields["items"], "data.items"),
            interactions=checks.integer(fields["interactions"], "data.interactions"),
            first_time=first,
            last_time=last,
            last_event=checks.integer(fields["last_event"], "data.last_event"),
            events_id=checks.optional_text(fields["events_id"], "data.events_id"),
            last_event_digest=checks.optional_text(
                fields["last_event_digest"], "data.last_event_digest"
            ),
        )
