from pathlib import Path

from bitrecall.service.api.openapi.operations import OPERATIONS
from bitrecall.service.api.openapi.reference import reference

REFERENCE = Path(__file__).parents[4] / "docs" / "api.md"


def test_the_reference_is_up_to_date() -> None:
    # If this fails: python -m bitrecall.service.api.openapi.reference > docs/api.md
    assert REFERENCE.read_text(encoding="utf-8") == reference()


def test_the_reference_has_every_operation() -> None:
    text = reference()
    for operation in OPERATIONS:
        assert f"\n## {operation.method.upper()} {operation.path}\n" in text
