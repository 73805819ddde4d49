"""The extension module in C (``index/search/native``), if it was compiled at installation.

``bitrecall.index.search.scan``, ``bitrecall.index.releases.id_table``,
``bitrecall.index.releases.release`` and ``bitrecall.service.api.rendering`` use it, and also work
without it.
"""

from types import ModuleType

native: ModuleType | None
"""None if no compiler was available."""

try:
    from bitrecall.index.search import _native
except ImportError:
    native = None
else:
    native = _native
