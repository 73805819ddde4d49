"""The endpoints of the service.

They are plain ASGI applications: a FastAPI route for the same work costs more than the search
itself (``benchmarks/service/event_loop.py``).
"""
