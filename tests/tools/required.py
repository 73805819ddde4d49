"""Programs that some tests need, and that may not be installed."""

import os
from typing import NoReturn

import pytest


def skip_or_fail(name: str, message: str) -> NoReturn:
    """Skip the test, or fail it if ``BITRECALL_TESTS_NEED_{name}`` is set, as in CI.

    Args:
        name: name of the program in the variable, such as ``"POSTGRES"``.
        message: what is missing and how to install it.
    """
    if os.environ.get(f"BITRECALL_TESTS_NEED_{name}"):
        pytest.fail(message)
    pytest.skip(message)
