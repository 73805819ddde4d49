import pytest

from bitrecall.errors import BitrecallError
from bitrecall.service import errors
from bitrecall.service.errors import RequestError
from bitrecall.service.problem_responses import error_response
from bitrecall.service.problems import PROBLEMS

ERROR_TYPES = [value for value in vars(errors).values() if isinstance(value, type)]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.MalformedJsonError, 400),
        (errors.ForbiddenError, 403),
        (errors.ItemNotFoundError, 404),
        (errors.UnknownReleaseError, 404),
        (errors.FilterMismatchError, 409),
        (errors.ReleaseRefusedError, 409),
        (errors.RequestTimeoutError, 408),
        (errors.BodyTooLargeError, 413),
        (errors.UnsupportedMediaTypeError, 415),
        (errors.InvalidRequestError, 422),
        (errors.NotReadyError, 503),
    ],
)
def test_an_error_becomes_a_problem_with_its_status(error: type[RequestError], status: int) -> None:
    response = error_response(error("what is wrong", headers={"X-Extra": "value"}))
    assert response.status_code == status
    assert response.headers["x-extra"] == "value"
    assert b'"detail":"what is wrong"' in response.body


def test_every_error_is_a_bitrecall_error_in_the_drawn_tree() -> None:
    tree = errors.__doc__ or ""
    for error in ERROR_TYPES:
        if issubclass(error, Exception):
            assert issubclass(error, BitrecallError)
            assert f" {error.__name__}" in tree or f"    {error.__name__}" in tree


def test_every_request_error_has_a_problem_type() -> None:
    problem_names = {
        error.problem for error in ERROR_TYPES if error in RequestError.__subclasses__()
    }
    raw = {"malformed-http", "uri-too-long", "headers-too-large"}
    others = {"not-found", "method-not-allowed", "internal-error"} | raw
    assert problem_names | others == PROBLEMS.keys()
