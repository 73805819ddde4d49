"""Errors of a load test."""

from bitrecall.errors import BitrecallError


class LoadTestError(BitrecallError):
    """The service cannot be tested: no response, a rejected key, or no users."""
