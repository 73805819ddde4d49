"""Codes of users and items that were not in the training data."""
