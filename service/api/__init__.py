"""What answers at each path.

They are plain ASGI applications: a FastAPI route for the same work takes more of a processor than
the search itself (``benchmarks/service/event_loop.py``).
"""
