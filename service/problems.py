"""Problem documents (RFC 9457): the types, their documents and the pages that explain them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from types import MappingProxyType
from typing import Final
from uuid import uuid4

from pydantic_core import to_json
from starlette.responses import Response

from bitrecall.service.errors import FieldError, RequestError
from bitrecall.service.http.lingering_close import ClosingResponse

PROBLEM_MEDIA_TYPE: Final = "application/problem+json"


@dataclass(frozen=True)
class ProblemType:
    """A kind of problem: its name in the type URI, its status, and what a caller can do."""

    name: str
    status: int
    title: str
    explanation: str

    @property
    def uri(self) -> str:
        """The ``type`` member: a relative reference that this service answers."""
        return f"/problems/{self.name}"

    def page(self) -> str:
        """What ``GET /problems/{name}`` answers, as plain text."""
        phrase = HTTPStatus(self.status).phrase
        return f"{self.title}\n\nStatus: {self.status} {phrase}\n\n{self.explanation}\n"


def _by_name(*types: ProblemType) -> Mapping[str, ProblemType]:
    return MappingProxyType({problem.name: problem for problem in types})


PROBLEMS: Final = _by_name(
    ProblemType(
        "malformed-json",
        400,
        "The body is not JSON",
        "The body could not be read as one JSON value in UTF-8. NaN and Infinity are not JSON,\n"
        "and nesting deeper than any request needs is refused. Send one JSON object.",
    ),
    ProblemType(
        "malformed-http",
        400,
        "The request is not HTTP/1.1",
        "What arrived could not be read as a request of HTTP/1.1, for example because it is TLS\n"
        "or HTTP/2, has a header that is not allowed, or says twice how long its body is. The\n"
        "connection is closed. The service speaks plain HTTP/1.1.",
    ),
    ProblemType(
        "unauthorized",
        401,
        "A key is needed",
        "Send the key that you were given as the header 'Authorization: Bearer KEY'. Keys are\n"
        "made by whoever runs the service, with 'bitrecall key new', and can be taken back.",
    ),
    ProblemType(
        "forbidden",
        403,
        "The key may not do this",
        "Keys of the role recommend ask for recommendations, and not for what a user has; of the\n"
        "role read, they also see users, items and metrics; of the role write, they also send\n"
        "events and forget users; of the role admin, they also change which release is served.",
    ),
    ProblemType(
        "cross-origin",
        403,
        "A page of another origin may not change anything",
        "A browser says that this request comes from a page of another origin than the service's\n"
        "own. Its user may not know of it, so nothing was changed. If the page is yours, name its\n"
        "origin in BITRECALL_ALLOWED_ORIGINS.",
    ),
    ProblemType(
        "not-found",
        404,
        "There is nothing at this path",
        "The paths are listed in /openapi.json. A trailing slash makes another path.",
    ),
    ProblemType(
        "unknown-item",
        404,
        "There is no such item",
        "The release that answers has no item of this id, and none has come up since. Ids are\n"
        "those of the training data and of events, letter for letter. GET /items/{id} tells\n"
        "whether an item is known.",
    ),
    ProblemType(
        "unknown-release",
        404,
        "There is no such release",
        "The store has no release of this id, or none that was current before the one that is.\n"
        "GET /releases lists those that there are.",
    ),
    ProblemType(
        "method-not-allowed",
        405,
        "This path does not answer this method",
        "The Allow header of the response names the methods that it does answer.",
    ),
    ProblemType(
        "request-timeout",
        408,
        "The request came too slowly",
        "The request line and headers have to arrive within BITRECALL_HEAD_TIMEOUT, and the whole\n"
        "body within BITRECALL_BODY_TIMEOUT. Send the request again over a new connection.",
    ),
    ProblemType(
        "filter-mismatch",
        409,
        "The filter does not fit the release",
        "It asks for an attribute that no item of the release has, sets bounds to a text, or\n"
        "compares a number with a text. The member 'errors' says where, and what there is. With\n"
        "another release the same request may be answered.",
    ),
    ProblemType(
        "release-refused",
        409,
        "The release cannot be served",
        "It is damaged, or the service may not write to the store. What was served before still\n"
        "is. The member 'detail' says what is wrong.",
    ),
    ProblemType(
        "body-too-large",
        413,
        "The body is too large",
        "The body is longer than BITRECALL_MAX_BODY_BYTES allows. A request needs some hundred\n"
        "bytes. The rest of the body is not read and the connection is closed.",
    ),
    ProblemType(
        "uri-too-long",
        414,
        "The URL is too long",
        "The URL makes the request line and headers longer than BITRECALL_MAX_HEAD_BYTES. The\n"
        "connection is closed.",
    ),
    ProblemType(
        "unsupported-media-type",
        415,
        "The body is not declared as JSON",
        "Send the header 'Content-Type: application/json' and an uncompressed body in UTF-8.",
    ),
    ProblemType(
        "misdirected-request",
        421,
        "The service does not answer for this host",
        "The Host header names a host that is not this service's. On this machine alone and\n"
        "without keys it answers to local names, so that no page can have a browser ask it under\n"
        "a name of its own. Behind a proxy, name the public hosts in BITRECALL_ALLOWED_HOSTS.",
    ),
    ProblemType(
        "invalid-request",
        422,
        "The request is not valid",
        "The body is JSON, but not a request that can be answered. The member 'errors' lists\n"
        "what is wrong: 'pointer' is a JSON pointer into the body (empty for the whole of it),\n"
        "'detail' says what was expected there. The same body will get the same answer.",
    ),
    ProblemType(
        "headers-too-large",
        431,
        "The headers are too large",
        "The request line and headers are longer than BITRECALL_MAX_HEAD_BYTES, or there are more\n"
        "than BITRECALL_MAX_HEADERS of them. Chunk extensions and trailers count, too. The\n"
        "connection is closed.",
    ),
    ProblemType(
        "internal-error",
        500,
        "The service failed",
        "This is a fault in the service, not in the request. The log of the service has a trace\n"
        "under the same identifier as the member 'request_id'.",
    ),
    ProblemType(
        "events-not-kept",
        503,
        "Events cannot be kept now",
        "The database of the events does not answer, or the service was started without one.\n"
        "Nothing of the request was kept. Send it again later, with the same ids: an event with\n"
        "an id counts once however often it is sent.",
    ),
    ProblemType(
        "too-busy",
        503,
        "There are too many requests at once",
        "More requests came at once than BITRECALL_MAX_CONCURRENT allows, or more for many items\n"
        "than BITRECALL_MAX_HEAVY_REQUESTS has done and waiting, or three quarters of the former\n"
        "wait for the database of the events: nothing of this one was done.\n"
        "Send it again after the seconds that Retry-After names.",
    ),
    ProblemType(
        "search-unavailable",
        503,
        "The search does not answer now",
        "The server that searches cannot be reached, or is not ready yet. /recommend goes on with\n"
        "the most popular items meanwhile, and says so; there is no such list of items like one.\n"
        "Send the request again after the seconds that Retry-After names.",
    ),
    ProblemType(
        "not-ready",
        503,
        "No release is loaded",
        "The service has no release to answer from yet. The member 'detail' says why. It looks\n"
        "for one at an interval; the header Retry-After says when to ask again.",
    ),
)


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
    """A response that holds one problem document.

    ``instance`` is a URN of this one occurrence; ``request_id``, if there is one, is a member.
    ``root_path`` is the path below which the client reaches the service.
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
    """The response to a request that cannot be answered; ``root_path`` as ``problem_response``."""
    return problem_response(
        PROBLEMS[error.problem],
        error.detail,
        errors=error.errors,
        headers=error.headers,
        root_path=root_path,
        response=ClosingResponse if error.unread else Response,
    )
