"""The losses that codes are trained to minimise."""
