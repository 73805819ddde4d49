"""The HTTP layer: protocol, limits, the fast path and middleware."""
