"""Rows of a table: filters, weights and the encoding of ids."""
