"""Recommendations for users, and similar items, from a release. No HTTP, no events."""
