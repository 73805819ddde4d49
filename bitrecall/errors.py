"""The base class of Bitrecall's errors. Each package derives its own in its ``errors`` module."""


class BitrecallError(Exception):
    """Base of every error that Bitrecall raises on purpose; its text is fit to show a user."""
