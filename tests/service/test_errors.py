import pytest

from bitrecall.errors import BitrecallError
from bitrecall.service import errors
from bitrecall.service.errors import RequestError
from bitrecall.service.problem_responses import error_response
from bitrecall.service.problems import PROBLEMS

EVERY = [value for value in vars(errors).values() if isinstance(value, type)]


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
def test_an_error_becomes_a_problem_of_its_status(error: type[RequestError], status: int) -> None:
    response = error_response(error("what is wrong", headers={"X-Told": "so"}))
    assert response.status_code == status
    assert response.headers["x-told"] == "so"
    assert b'"detail":"what is wrong"' in response.body


def test_every_error_is_a_bitrecall_error_and_drawn_in_the_tree() -> None:
    drawn = errors.__doc__ or ""
    for error in EVERY:
        if issubclass(error, Exception):
            assert issubclass(error, BitrecallError)
            assert f" {error.__name__}" in drawn or f"    {error.__name__}" in drawn


def test_every_refusal_has_a_problem_type() -> None:
    refusals = {error.problem for error in EVERY if error in RequestError.__subclasses__()}
    raw = {"malformed-http", "uri-too-long", "headers-too-large"}
    others = {"not-found", "method-not-allowed", "internal-error"} | raw
    assert refusals | others == PROBLEMS.keys()
