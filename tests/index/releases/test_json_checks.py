from pathlib import Path
from typing import Any

import pytest

from bitrecall.index.errors import ReleaseDamagedError
from bitrecall.index.releases.json_checks import Checks

checks = Checks(Path("manifest.json"))


def test_returns_valid_values() -> None:
    assert checks.mapping({"a": 1}, "x") == {"a": 1}
    assert checks.text("é", "x") == "é"
    assert checks.optional_text(None, "x") is None
    assert checks.integer(0, "x") == 0
    assert checks.shape([2, 0], "x") == (2, 0)
    assert checks.texts(["é", ""], "x") == ("é", "")
    checks.keys({"a": 1, "b": 2}, {"a", "b"}, "x")


@pytest.mark.parametrize(
    ("check", "value"),
    [
        ("mapping", []),
        ("text", 3),
        ("text", None),
        ("optional_text", 3),
        ("integer", -1),
        ("integer", True),
        ("integer", 1.0),
        ("integer", "1"),
        ("shape", 3),
        ("shape", [1, -1]),
        ("shape", [1, "2"]),
        ("texts", "é"),
        ("texts", ["é", 3]),
    ],
)
def test_rejects_invalid_values_and_names_the_field(check: str, value: Any) -> None:
    with pytest.raises(ReleaseDamagedError, match=r"manifest\.json: the field must be"):
        getattr(checks, check)(value, "the field")


def test_names_missing_and_unknown_keys() -> None:
    with pytest.raises(ReleaseDamagedError, match="lacks b"):
        checks.keys({"a": 1}, {"a", "b"}, "x")
    with pytest.raises(ReleaseDamagedError, match="unknown c"):
        checks.keys({"a": 1, "c": 1}, {"a"}, "x")


def test_shortens_a_long_value_in_the_message() -> None:
    with pytest.raises(ReleaseDamagedError) as caught:
        checks.integer("x" * 10_000, "size")
    assert len(str(caught.value)) < 300
