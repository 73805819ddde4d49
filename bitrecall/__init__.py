"""The ``bitrecall`` command: one way in to the three rooms."""

__version__ = "0.2.0"
