"""What a release is, and how its codes are searched.

Start with `bitrecall.index.store` (publish and open releases), `bitrecall.index.release` (one that
is open), `bitrecall.index.protocol` (what a search backend promises) and `docs/release-format.md`.
Importing this package alone loads nothing else.
"""
