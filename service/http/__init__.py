"""The HTTP layer: protocol limits, overload, fast responses and middleware."""
