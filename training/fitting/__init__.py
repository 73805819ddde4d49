"""Fitting a method: epochs, validation, early stopping, checkpoints and warm starts."""
