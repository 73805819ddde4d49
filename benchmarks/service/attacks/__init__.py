"""Attacks on a service of its own, on loopback: what each costs (docs/security.md)."""
