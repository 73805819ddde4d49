"""Decoding text of a database that other programs may have written."""


def decode_leniently(text: bytes) -> str:
    """Decode UTF-8, and turn invalid bytes into surrogates."""
    return text.decode("utf-8", "surrogateescape")
