"""Responses with problem documents (RFC 9457)."""

from collections.abc import Mapping, Sequence
from uuid import uuid4

from pydantic_core import to_json
from starlette.responses import Response

from bitrecall.service.errors import FieldError, RequestError
from bitrecall.service.http.lingering_close import ClosingResponse
from bitrecall.service.problems import PROBLEM_MEDIA_TYPE, PROBLEMS, ProblemType


def problem_response(
    problem: ProblemType,
    detail: str,
    *,
    errors: Sequence[FieldError] = (),
    headers: Mapping[str, str] | None = None,
    request_id: str | None = None,
    root_path: str = "",
    response: type[Response] = Response,
) -> Response:
    """A response with a problem document.

    Args:
        problem: the problem type.
        detail: what is wrong with this request.
        errors: the errors in the body.
        headers: added to the response.
        request_id: a member of the document; left out if None.
        root_path: path below which a proxy serves the service.
        response: class of the response.
    """
    document: dict[str, object] = {
        "type": root_path + problem.uri,
        "title": problem.title,
        "status": problem.status,
        "detail": detail,
        "instance": f"urn:uuid:{uuid4()}",
    }
    if errors:
        document["errors"] = [
            {"pointer": error.pointer, "detail": error.detail} for error in errors
        ]
    if request_id is not None:
        document["request_id"] = request_id
    return response(
        to_json(document),
        status_code=problem.status,
        headers=dict(headers or {}),
        media_type=PROBLEM_MEDIA_TYPE,
    )


def error_response(error: RequestError, root_path: str = "") -> Response:
    """The response to a failed request.

    Args:
        error: the reason.
        root_path: path below which a proxy serves the service.
    """
    return problem_response(
        PROBLEMS[error.problem],
        error.detail,
        errors=error.errors,
        headers=error.headers,
        root_path=root_path,
        response=ClosingResponse if error.unread else Response,
    )
