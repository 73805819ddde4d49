"""Columns of a table: their names, and the ids, times and values in them."""
