import pytest
from pydantic import BaseModel, Field, ValidationError

from bitrecall.validation_messages import explain, pointer


class Colour(BaseModel):
    name: str = Field(pattern="^[a-z]+$")


@pytest.mark.parametrize(
    ("formats", "message"),
    [
        ({"^[a-z]+$": "has to be lower-case letters"}, "has to be lower-case letters"),
        ({}, "has to match ^[a-z]+$"),
    ],
)
def test_explains_a_pattern_in_words_if_there_are_any(formats, message):
    with pytest.raises(ValidationError) as raised:
        Colour(name="Red")
    assert explain(raised.value.errors()[0], Colour, formats) == ("/name", message)


def test_pointer_escapes_separators() -> None:
    assert pointer() == ""
    assert pointer("a", 0, "~/") == "/a/0/~0~1"
