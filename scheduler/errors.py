"""What can go wrong with a schedule."""

from bitrecall.errors import BitrecallError


class ScheduleError(BitrecallError):
    """A schedule that makes no sense: no such time of day, or no such time zone."""
