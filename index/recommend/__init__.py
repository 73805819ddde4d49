"""Recommendations from a release: users to items, items to similar items. No HTTP, no events."""
