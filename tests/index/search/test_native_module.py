"""The compiled signs, compared with those of numpy."""

import numpy as np
import pytest

from bitrecall.index.search.native_module import native


@pytest.mark.skipif(native is None, reason="installed without a C compiler")
def test_signs_agree_with_numpy_for_every_float16() -> None:
    assert native is not None
    values = np.arange(2**16, dtype=np.uint16).view(np.float16)
    expected = np.packbits(values >= 0, bitorder="little").tobytes()
    assert native.signs(values) == expected
    assert native.signs(values[:8]) == expected[:1]
    assert native.signs(values[:0]) == b""
    with pytest.raises(ValueError, match="multiple of 8"):
        native.signs(values[:7])
