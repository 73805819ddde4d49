import pytest

from bitrecall.training.data.rows.where_tokens import split_filter
from bitrecall.training.errors import DataError


def test_splits_operators_marks_quoted_text_and_words():
    tokens = split_filter("a<=1 AND `b c` in ('it''s', d)")
    assert [(token.kind, token.text) for token in tokens] == [
        ("word", "a"),
        ("operator", "<="),
        ("word", "1"),
        ("word", "AND"),
        ("quoted", "`b c`"),
        ("word", "in"),
        ("mark", "("),
        ("quoted", "'it''s'"),
        ("mark", ","),
        ("word", "d"),
        ("mark", ")"),
        ("end", ""),
    ]
    assert [token.start for token in tokens] == [0, 1, 3, 5, 9, 15, 18, 19, 26, 28, 29, 30]
    assert tokens[7].unquoted == "it's"


def test_keywords_match_in_any_case_but_not_in_quotes():
    bare, quoted, _ = split_filter("AND 'and'")
    assert bare.matches("and", "or")
    assert not quoted.matches("and", "'and'")


@pytest.mark.parametrize(
    ("text", "problem", "character"),
    [
        ("event = 'buy", "this quote is not closed", 9),
        ("event ! 3", "this character is invalid here", 7),
    ],
)
def test_an_error_names_the_problem_and_its_position(text, problem, character):
    with pytest.raises(DataError, match=rf"at character {character} ") as caught:
        split_filter(text)
    assert problem in str(caught.value)
    assert repr(text) in str(caught.value)
