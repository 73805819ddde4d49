"""What can go wrong with a load test."""

from bitrecall.errors import BitrecallError


class LoadTestError(BitrecallError):
    """The service cannot be asked: no answer, a key refused, or nobody to ask for."""
