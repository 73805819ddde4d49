"""The HTTP service: recommendations, events and releases."""
