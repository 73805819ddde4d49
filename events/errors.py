"""Errors of an event store.

BitrecallError
 └─ EventsError
     ├─ EventsUnavailableError   the database cannot be reached, or does not respond
     └─ EventsSchemaError        its tables are missing or of another version
"""

from bitrecall.errors import BitrecallError


class EventsError(BitrecallError):
    """Base class of the errors of an event store; by itself, invalid input."""


class EventsUnavailableError(EventsError):
    """The database cannot be reached, does not respond in time, or cannot write."""


class EventsSchemaError(EventsError):
    """The tables in the database are missing, or belong to another version of Bitrecall."""
