"""What a release is, and how its codes are searched.

Start with ``bitrecall.index.releases.store`` (publish and open releases),
``bitrecall.index.releases.release`` (one that is open), ``bitrecall.index.search.protocol`` (what a
search backend promises) and ``docs/release-format.md``. Importing this package alone loads nothing
else.
"""
