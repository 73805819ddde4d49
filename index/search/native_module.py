"""The loops in C (`index/search/native`), where there was a compiler when Bitrecall was installed.

`bitrecall.index.search.scan`, `bitrecall.index.releases.id_table`,
`bitrecall.index.releases.release` and `bitrecall.service.api.rendering` use them, and do without.
"""

from types import ModuleType

native: ModuleType | None
"""None where there was none."""

try:
    from bitrecall.index.search import _native
except ImportError:
    native = None
else:
    native = _native
