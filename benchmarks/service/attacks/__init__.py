"""Attacks on a separate service on loopback, and the cost of each (docs/security.md)."""
