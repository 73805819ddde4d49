"""What can go wrong with a store of events.

BitrecallError
 └─ EventsError
     ├─ EventsUnavailableError   the database cannot be reached, or does not answer
     └─ EventsSchemaError        its tables are not those of this version
"""

from bitrecall.errors import BitrecallError


class EventsError(BitrecallError):
    """Something is wrong with a store of events."""


class EventsUnavailableError(EventsError):
    """The database cannot be reached, does not answer in time, or cannot write."""


class EventsSchemaError(EventsError):
    """The tables in the database are missing, or those of another version of Bitrecall."""
