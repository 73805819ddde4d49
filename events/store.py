"""Appending events, reading those after a point, and forgetting people."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from threading import Lock
from typing import Final, cast

from sqlalchemy import ColumnElement, Connection, Insert, delete, func, literal_column, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.pool import QueuePool

from bitrecall.events.database import PATIENCE, engine_of, file_of, reading, rows_of, writing
from bitrecall.events.errors import EventsError, EventsUnavailableError
from bitrecall.events.event import FORGET, HIDE, Appended, Event, StoredEvent
from bitrecall.events.log import LogState, numbers_lag, renew_id, skip_to, start_of, state_of
from bitrecall.events.migration import check_schema, migrate, version_of
from bitrecall.events.position import LogPosition, ReadingStart
from bitrecall.events.rules import id_fault
from bitrecall.events.sqlite_file import Identity, identity_of
from bitrecall.events.tables import EVENTS

# Rows in one statement; SQLite takes 32,766 values.
_ROWS: Final = 1000


_STORED: Final = (
    *(EVENTS.c.sequence, EVENTS.c.user_id, EVENTS.c.item_id, EVENTS.c.type),
    EVENTS.c.at,
)


@dataclass(frozen=True)
class Page:
    """Some events, and what the database was when they were read.

    Attributes:
        state: of the database.
        events: in order.
    """

    state: LogState
    events: list[StoredEvent]


class EventStore:
    """Events in a database; safe to use from several threads and processes.

    Nothing is opened before it is needed. At the first use tables are made where there are none,
    and those of an earlier version are brought up to date.

    Args:
        url: ``sqlite:///PATH`` or ``postgresql://USER:PASSWORD@HOST/NAME``.
        create: whether to make tables; they have to be there where not.

    Raises EventsError where the URL is none. Every method raises EventsUnavailableError where the
    database cannot be reached or cannot do what is asked, and EventsSchemaError where its tables
    are missing or of another version.
    """

    def __init__(self, url: str, *, create: bool = True) -> None:
        self._engine = engine_of(url)
        self._create = create
        self._opening = Lock()
        self._is_open = self._was_open = False
        self._file = file_of(self._engine)
        self._identity: Identity = None
        if self._file is not None:
            self._file.must_exist = not create

    def open(self) -> None:
        """Do now what is otherwise done at the first use.

        A database that goes away later is not made anew: it has to be put back.
        """
        with self._opening:
            identity = None if self._file is None else identity_of(self._file.path)
            if self._is_open and identity == self._identity:
                return
            self._is_open = False
            if self._create and (not self._was_open or version_of(self._engine) is not None):
                migrate(self._engine)
            check_schema(self._engine)
            if self._create:
                self._align_numbers()
            self._is_open = self._was_open = True
            if self._file is not None:
                self._file.must_exist = self._file.was_open = True
                self._identity = identity_of(self._file.path)

    def close(self) -> None:
        """Let go of all connections, once what other threads are doing with them is done."""
        give_up = time.monotonic() + PATIENCE
        pool = cast(QueuePool, self._engine.pool)
        while pool.checkedout() and time.monotonic() < give_up:
            time.sleep(0.005)
        self._engine.dispose()

    def append(self, events: Sequence[Event]) -> Appended:
        """Make events durable, in this order; once it returns, they are."""
        return self.append_all([events])[0]

    def append_all(self, groups: Sequence[Sequence[Event]]) -> list[Appended]:
        """Make several groups of events durable at once, all or none; say what became of each."""
        rows = [
            {
                "user_id": one.user_id,
                "item_id": one.item_id,
                "type": one.type,
                "at": one.at,
                "event_id": one.id,
            }
            for group in groups
            for one in group
        ]
        new: set[str | None] = set()
        with self.writing() as connection:
            for start in range(0, len(rows), _ROWS):
                statement = self._insert().values(rows[start : start + _ROWS])
                new.update(connection.execute(statement).scalars())
        outcomes = []
        for group in groups:
            accepted = 0
            for one in group:
                if one.id is None or one.id in new:
                    accepted += 1
                    # Of an id given twice the first is the one that was taken.
                    new.discard(one.id)
            outcomes.append(Appended(accepted, len(group) - accepted))
        return outcomes

    def start_after(self, position: LogPosition) -> ReadingStart:
        """Where to go on reading after a position, such as that of a release.

        A database that has parted from the log of the position, since an older copy of it was
        restored, gets a new id. Otherwise new events would be given numbers that the release has
        been trained on, and nothing would show it once they are past its position.
        """
        with self.reading() as connection:
            start = start_of(connection, position)
        parted = start.reason is not None and position.log_id == start.log_id
        if parted or not start.log_id:
            with self.writing() as connection:
                start = replace(start, log_id=renew_id(connection, start.log_id))
        return start

    def state(self) -> LogState:
        """The id of the database and the greatest number given out."""
        with self.reading() as connection:
            return state_of(connection)

    def page(self, sequence: int, *, at_most: int = 10_000) -> Page:
        """The first events with a greater number, in order, and the database's state before."""
        with self.reading() as connection:
            state = state_of(connection)
            return Page(state, _read(connection, EVENTS.c.sequence > sequence, at_most))

    def after(self, sequence: int, *, at_most: int = 10_000) -> list[StoredEvent]:
        """The first events with a greater number, in order."""
        return self._read(EVENTS.c.sequence > sequence, at_most)

    def hides(self, sequence: int) -> list[StoredEvent]:
        """All events up to this number that hide an item from a user, in order."""
        # As a literal, so that the database sees that its index has them all.
        hides = EVENTS.c.type == literal_column(f"'{HIDE}'")
        return self._read(hides & (EVENTS.c.sequence <= sequence), None)

    def forgotten(self) -> set[str]:
        """Everybody who ever asked to be forgotten."""
        with self.reading() as connection:
            asked = select(EVENTS.c.user_id).where(EVENTS.c.type == FORGET)
            return {user for (user,) in rows_of(connection, asked)}

    def all_after(self, sequence: int) -> Iterator[StoredEvent]:
        """All events with a greater number, in order, read as they are taken."""
        while some := self.after(sequence):
            yield from some
            sequence = some[-1].sequence

    def last(self) -> int:
        """The greatest number given out so far to an event that is there; 0 where there is none."""
        with self.reading() as connection:
            return connection.execute(select(func.max(EVENTS.c.sequence))).scalar() or 0

    def forget(self, user_id: str) -> int:
        """Remove all events of a user, and leave a mark that they want to be forgotten.

        Returns:
            How many events were removed, marks not counted.

        Raises EventsError if no user can have the id.
        """
        if fault := id_fault(user_id, longest=None):
            raise EventsError(f"the user id {fault}")
        with self.writing() as connection:
            own = EVENTS.c.user_id == user_id
            removed = connection.execute(
                select(func.count()).where(own, EVENTS.c.type != FORGET)
            ).scalar_one()
            connection.execute(delete(EVENTS).where(own))
            mark = {"user_id": user_id, "item_id": "", "type": FORGET, "at": time.time()}
            connection.execute(EVENTS.insert().values(mark))
        return removed

    def count_types(self) -> list[tuple[str, int]]:
        """How many events there are of each type, requests to be forgotten among them."""
        counted = select(EVENTS.c.type, func.count()).group_by(EVENTS.c.type)
        with self.reading() as connection:
            return sorted((str(kind), count) for kind, count in rows_of(connection, counted))

    def count(self, after: int, until: int) -> int:
        """How many events ``remove`` would remove."""
        with self.reading() as connection:
            counted = select(func.count()).select_from(EVENTS).where(_between(after, until))
            return connection.execute(counted).scalar_one()

    def find(
        self,
        *,
        user: str | None = None,
        item: str | None = None,
        kind: str | None = None,
        after: int = 0,
        until: int | None = None,
        at_most: int | None = None,
    ) -> list[StoredEvent]:
        """Events in order: of a user, of an item, of a type, with numbers in a range.

        Args:
            user: id of the user, None for all.
            item: id of the item, None for all.
            kind: type, None for all.
            after: only greater numbers.
            until: only numbers up to this one, None for all.
            at_most: how many, None for all.
        """
        which = EVENTS.c.sequence > after
        if until is not None:
            which &= EVENTS.c.sequence <= until
        for column, value in (
            (EVENTS.c.user_id, user),
            (EVENTS.c.item_id, item),
            (EVENTS.c.type, kind),
        ):
            if value is not None:
                which &= column == value
        return self._read(which, at_most)

    def remove(self, after: int, until: int) -> int:
        """Remove the events with numbers above ``after`` and up to ``until``; how many there were.

        Marks of those who asked to be forgotten stay.
        """
        with self.writing() as connection:
            return connection.execute(delete(EVENTS).where(_between(after, until))).rowcount

    def count_numbers(self, numbers: Collection[int]) -> int:
        """How many events ``remove_numbers`` would remove."""
        with self.reading() as connection:
            counted = select(func.count()).select_from(EVENTS).where(_among(numbers))
            return connection.execute(counted).scalar_one()

    def remove_numbers(self, numbers: Collection[int]) -> int:
        """Remove single events; how many there were. Marks of those to be forgotten stay."""
        with self.writing() as connection:
            return connection.execute(delete(EVENTS).where(_among(numbers))).rowcount

    def _read(self, which: ColumnElement[bool], at_most: int | None) -> list[StoredEvent]:
        with self.reading() as connection:
            return _read(connection, which, at_most)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection to read from."""
        self.open()
        with self._looking_again(), reading(self._engine) as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that no other writer's runs beside."""
        self.open()
        with self._looking_again(), writing(self._engine) as connection:
            yield connection

    @contextmanager
    def _looking_again(self) -> Iterator[None]:
        """Have the tables checked again after a failure: another database may have taken over."""
        try:
            yield
        except EventsUnavailableError:
            self._is_open = False
            raise

    def _align_numbers(self) -> None:
        with reading(self._engine) as connection:
            if not numbers_lag(connection):
                return
        with writing(self._engine) as connection:
            skip_to(connection, state_of(connection).last)

    def _insert(self) -> Insert:
        dialect = postgresql if self._engine.dialect.name == "postgresql" else sqlite
        insert = dialect.insert(EVENTS).on_conflict_do_nothing(index_elements=["event_id"])
        statement: Insert = insert.returning(EVENTS.c.event_id)
        return statement


def _among(numbers: Collection[int]) -> ColumnElement[bool]:
    return EVENTS.c.sequence.in_(numbers) & (EVENTS.c.type != FORGET)


def _between(after: int, until: int) -> ColumnElement[bool]:
    number = EVENTS.c.sequence
    return (number > after) & (number <= until) & (EVENTS.c.type != FORGET)


def _read(
    connection: Connection, which: ColumnElement[bool], at_most: int | None
) -> list[StoredEvent]:
    statement = select(*_STORED).where(which).order_by(EVENTS.c.sequence).limit(at_most)
    return list(map(StoredEvent._make, rows_of(connection, statement)))
