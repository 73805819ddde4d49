import pytest

from bitrecall.errors import BitrecallError
from bitrecall.keyword_messages import as_keywords, errors_as_keywords


@pytest.mark.parametrize(
    ("option", "keyword"),
    [
        ("Name it with --user-column NAME", "Name it with user_column=NAME"),
        ("one of them with --user-column; the", "one of them with user_column; the"),
        ("all the same: --allow-implausible", "all the same: allow_implausible=True"),
        ("such as --columns user_id,item_id", "such as columns='user_id,item_id'"),
        ("--query 'select a from b'", "query='select a from b'"),
        ("pass --format lightgcn", "pass format='lightgcn'"),
        ("use --device cpu or --device cuda", "use device='cpu' or device='cuda'"),
        ("--min-rating must be finite", "min_rating must be finite"),
        (
            "pass --split latest with --lines-in-order if",
            "pass split='latest' with lines_in_order=True if",
        ),
        ("see --time-unit and --ignore-times", "see time_unit and use_times=False"),
        ("--set fit.epochs", "overrides fit.epochs"),
        ("a -- b, --", "a -- b, --"),
    ],
)
def test_rewrites_options_as_keyword_arguments(option, keyword):
    assert as_keywords(option) == keyword


def test_rewrites_an_error_and_keeps_its_type():
    class SubclassError(BitrecallError):
        pass

    with pytest.raises(SubclassError, match=r"^name it with items=FILE$"), errors_as_keywords():
        raise SubclassError("name it with --items FILE")
