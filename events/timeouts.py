"""How long to wait for the events database."""

from typing import Final

TIMEOUT_S: Final = 10
"""Seconds to wait for a lock, for a connection and for the result of a statement."""
