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
def test_raises_the_class_of_every_problem_of_the_service(name, root_path):
    response = problem_response(PROBLEMS[name], "what is wrong", root_path=root_path)
    error = error_of(response.status_code, bytes(response.body))
    assert type(error) is CLASSES.get(name, bitrecall.ProblemError)
    assert str(error).startswith("what is wrong")
    if isinstance(error, bitrecall.ProblemError):
        assert error.problem["title"] == PROBLEMS[name].title


def test_filter_error_names_the_attribute():
    content = b'{"type": "/problems/filter-mismatch", "detail": "/x: d", "errors": [{"pointer": '
    error = error_of(409, content + b'"/filter/where/a~1b~0c", "detail": "d"}]}')
    assert isinstance(error, FilterError)
    assert (error.attribute, str(error)) == ("a/b~c", "d")


@pytest.mark.parametrize("content", [b"", b"<html>Bad gateway</html>", b"[1]", b"\xff"])
def test_quotes_a_response_that_is_not_a_problem_document(content):
    error = error_of(502, content)
    assert isinstance(error, bitrecall.ProblemError)
    assert (error.status, dict(error.problem)) == (502, {})
    assert "is not a response of Bitrecall" in str(error)
