"""The code of a user, as compiled and as numpy has it."""

import numpy as np
import pytest

from bitrecall.index.search.native_module import native


@pytest.mark.skipif(native is None, reason="there was no compiler")
def test_signs_are_those_of_every_number_there_is() -> None:
    assert native is not None
    values = np.arange(2**16, dtype=np.uint16).view(np.float16)
    expected = np.packbits(values >= 0, bitorder="little").tobytes()
    assert native.signs(values) == expected
    assert native.signs(values[:8]) == expected[:1]
    assert native.signs(values[:0]) == b""
    with pytest.raises(ValueError, match="multiple of 8"):
        native.signs(values[:7])
