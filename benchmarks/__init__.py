"""What Bitrecall costs and how it compares, measured; and end-to-end checks that take minutes.

Each module says with ``--help`` what it measures and takes, and runs from the repository root:
``python -m benchmarks.service.request_cost RELEASES``.
"""
