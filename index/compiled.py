"""The loops in C (`index/native`), where there was a compiler when Bitrecall was installed.

`index.scan`, `index.ids`, `index.release` and `service.rendering` use them, and do without.
"""

from types import ModuleType

native: ModuleType | None
"""None where there was none."""

try:
    from index import _native
except ImportError:
    native = None
else:
    native = _native
