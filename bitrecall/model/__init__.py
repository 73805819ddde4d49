"""``Model`` and its functions: recommendations in Python, without a service."""
