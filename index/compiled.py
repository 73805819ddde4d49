"""The loops in C (`index/native`), where there was a compiler when Bitrecall was installed.

`bitrecall.index.scan`, `bitrecall.index.ids`, `bitrecall.index.release` and
`bitrecall.service.rendering` use them, and do without.
"""

from types import ModuleType

native: ModuleType | None
"""None where there was none."""

try:
    from bitrecall.index import _native
except ImportError:
    native = None
else:
    native = _native
