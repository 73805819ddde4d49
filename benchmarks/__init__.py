"""Measurements of what Bitrecall costs and how it compares, and long end-to-end checks.

Run a module from the repository root, such as ``python -m benchmarks.service.request_cost --help``.
"""
