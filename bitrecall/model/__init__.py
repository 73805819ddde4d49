"""A model in Python: from a click log to recommendations, without a service."""
