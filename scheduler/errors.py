"""Errors of the scheduler."""

from bitrecall.errors import BitrecallError


class ScheduleError(BitrecallError):
    """An invalid schedule: an unknown time zone, or a port that cannot be used."""
