"""Releases, search and recommendation.

Start with ``bitrecall.index.releases.store`` (publish and open releases),
``bitrecall.index.releases.release`` (an opened release), ``bitrecall.index.search.protocol`` (the
interface of search backends), ``bitrecall.index.recommend.recommender`` and
``docs/release-format.md``. Importing this package loads nothing else.
"""
