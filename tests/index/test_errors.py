from pathlib import Path

import pytest

from bitrecall.errors import BitrecallError
from bitrecall.index import errors
from bitrecall.index.errors import ReleaseDamagedError, ReleaseError, SearchError


def test_every_error_is_a_bitrecall_error() -> None:
    classes = [value for value in vars(errors).values() if isinstance(value, type)]
    exceptions = [kind for kind in classes if issubclass(kind, Exception)]
    assert len(exceptions) == 11
    assert all(issubclass(kind, BitrecallError) for kind in exceptions)


@pytest.mark.parametrize(
    "name",
    [
        "NoReleaseError",
        "ReleaseContentsError",
        "ReleaseDamagedError",
        "ReleaseNotFoundError",
        "ReleaseVersionError",
    ],
)
def test_every_release_error_is_a_release_error(name: str) -> None:
    assert issubclass(getattr(errors, name), ReleaseError)


def test_a_search_error_is_not_a_release_error() -> None:
    assert not issubclass(SearchError, ReleaseError)


def test_the_message_starts_with_the_path() -> None:
    error = ReleaseDamagedError("was altered", Path("a") / "item_codes.npy")
    assert str(error) == "a/item_codes.npy: was altered"
    assert error.path == Path("a/item_codes.npy")


def test_without_a_path_the_message_is_unchanged() -> None:
    assert str(ReleaseError("cannot keep -1 releases")) == "cannot keep -1 releases"
