"""Load tests of a running service: its maximum throughput, and what limits it."""
