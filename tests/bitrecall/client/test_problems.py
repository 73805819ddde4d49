import pytest

import bitrecall
from bitrecall.client.problems import error_of
from bitrecall.index.errors import FilterError
from bitrecall.service.problem_responses import problem_response
from bitrecall.service.problems import PROBLEMS

CLASSES = {
    "filter-mismatch": bitrecall.FilterError,
    "forbidden": bitrecall.NotPermittedError,
    "invalid-request": bitrecall.ArgumentError,
    "not-ready": bitrecall.NoReleaseError,
    "search-unavailable": bitrecall.SearchUnavailableError,
    "too-busy": bitrecall.ServiceBusyError,
    "unauthorized": bitrecall.NotPermittedError,
    "unknown-item": bitrecall.UnknownItemError,
}


@pytest.mark.parametrize("name", PROBLEMS)
@pytest.mark.parametrize("root_path", ["", "/below"])
def test_every_problem_of_the_service_has_its_class(name, root_path):
    response = problem_response(PROBLEMS[name], "what is wrong", root_path=root_path)
    error = error_of(response.status_code, bytes(response.body))
    assert type(error) is CLASSES.get(name, bitrecall.ProblemError)
    assert str(error).startswith("what is wrong")
    if isinstance(error, bitrecall.ProblemError):
        assert error.problem["title"] == PROBLEMS[name].title


def test_a_filter_says_which_attribute():
    content = b'{"type": "/problems/filter-mismatch", "detail": "d", "errors": [{"pointer": '
    error = error_of(409, content + b'"/filter/where/a~1b~0c", "detail": "d"}]}')
    assert isinstance(error, FilterError)
    assert error.attribute == "a/b~c"


@pytest.mark.parametrize("content", [b"", b"<html>Bad gateway</html>", b"[1]", b"\xff"])
def test_what_is_no_problem_document_is_shown(content):
    error = error_of(502, content)
    assert isinstance(error, bitrecall.ProblemError)
    assert (error.status, dict(error.problem)) == (502, {})
    assert "does not look like an answer of Bitrecall" in str(error)
