"""Rows of a table: which of them count, what they weigh, and their numbers."""
