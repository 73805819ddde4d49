"""Readers of tables of interactions, one module per format."""
