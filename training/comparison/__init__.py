"""Codes compared with common float recommenders on the same held-out interactions."""
