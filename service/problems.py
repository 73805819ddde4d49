"""The types of problem documents (RFC 9457), and the pages that explain them."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from types import MappingProxyType
from typing import Final

PROBLEM_MEDIA_TYPE: Final = "application/problem+json"


@dataclass(frozen=True)
class ProblemType:
    """A problem type: its name in the type URI, its status, and what a client can do."""

    name: str
    status: int
    title: str
    explanation: str

    @property
    def uri(self) -> str:
        """The ``type`` member: the path of the page that explains the type."""
        return f"/problems/{self.name}"

    def page(self) -> str:
        """The page of ``GET /problems/{name}``, as plain text."""
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
        "and deeply nested values are rejected. Send one JSON object.",
    ),
    ProblemType(
        "malformed-http",
        400,
        "The request is not HTTP/1.1",
        "The data received is not an HTTP/1.1 request, for example because it is TLS or HTTP/2,\n"
        "has an invalid header, or declares the length of its body twice. The connection is\n"
        "closed. The service speaks plain HTTP/1.1.",
    ),
    ProblemType(
        "unauthorized",
        401,
        "A key is needed",
        "Send your key as the header 'Authorization: Bearer KEY'. The operator of the service\n"
        "makes keys with 'bitrecall key new', and can revoke them.",
    ),
    ProblemType(
        "forbidden",
        403,
        "The key does not allow this",
        "Keys of the role recommend get recommendations, but not the items of a user; keys of the\n"
        "role read also see users, items and metrics; keys of the role write also send events and\n"
        "forget users; keys of the role admin also change which release is served.",
    ),
    ProblemType(
        "cross-origin",
        403,
        "Pages of other origins may not change data",
        "According to the browser, this request comes from a page whose origin is not the\n"
        "service's. The user of the browser may not be aware of it, so nothing was changed. If\n"
        "the page is yours, add its origin to BITRECALL_ALLOWED_ORIGINS.",
    ),
    ProblemType(
        "not-found",
        404,
        "Unknown path",
        "The paths are listed in /openapi.json. A trailing slash makes a different path.",
    ),
    ProblemType(
        "unknown-item",
        404,
        "Unknown item",
        "Neither the release nor recent events have an item with this id. Ids have to match\n"
        "those in the training data and in events exactly. GET /items/{id} shows whether an\n"
        "item is known.",
    ),
    ProblemType(
        "unknown-release",
        404,
        "Unknown release",
        "The store has no release with this id, or no release to roll back to. GET /releases\n"
        "lists the releases.",
    ),
    ProblemType(
        "method-not-allowed",
        405,
        "This path does not allow this method",
        "The Allow header of the response names the allowed methods.",
    ),
    ProblemType(
        "request-timeout",
        408,
        "The request arrived too slowly",
        "The request line and headers have to arrive within BITRECALL_HEAD_TIMEOUT, and the whole\n"
        "body within BITRECALL_BODY_TIMEOUT. Send the request again over a new connection.",
    ),
    ProblemType(
        "filter-mismatch",
        409,
        "The filter does not fit the release",
        "It uses an attribute that no item of the release has, sets bounds for a text attribute,\n"
        "or compares a number with a text. The member 'errors' names the place and the attributes\n"
        "of the release. The same request may be valid for another release.",
    ),
    ProblemType(
        "release-refused",
        409,
        "The release cannot be served",
        "It is damaged, or the service may not write to the store. The previous release is still\n"
        "served. The member 'detail' names the cause.",
    ),
    ProblemType(
        "body-too-large",
        413,
        "The body is too large",
        "The body is longer than BITRECALL_MAX_BODY_BYTES. A typical request has a few hundred\n"
        "bytes. The rest of the body is not read, and the connection is closed.",
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
        "The service does not serve this host",
        "The Host header names a host that is not allowed. A service that listens on a loopback\n"
        "address without keys accepts local names only: otherwise a web page could use it\n"
        "through a browser on this machine (DNS rebinding). Behind a proxy, set\n"
        "BITRECALL_ALLOWED_HOSTS to the public host names.",
    ),
    ProblemType(
        "invalid-request",
        422,
        "The request is not valid",
        "The body is JSON, but not a valid request. The member 'errors' lists what is wrong:\n"
        "'pointer' is a JSON pointer into the body (empty for the whole body), 'detail' describes\n"
        "the error and what was expected. Repeating the request gives the same response.",
    ),
    ProblemType(
        "headers-too-large",
        431,
        "The headers are too large",
        "The request line and headers are longer than BITRECALL_MAX_HEAD_BYTES, or there are more\n"
        "than BITRECALL_MAX_HEADERS headers. Chunk extensions and trailers count as well. The\n"
        "connection is closed.",
    ),
    ProblemType(
        "internal-error",
        500,
        "The service failed",
        "This is a fault in the service, not in the request. The log of the service has a\n"
        "traceback with the id in the member 'request_id'.",
    ),
    ProblemType(
        "events-not-kept",
        503,
        "Events cannot be stored now",
        "The events database does not respond, or the service was started without one. Nothing\n"
        "was stored. Send the request again later with the same ids: an event with an id counts\n"
        "once, even if it is sent several times.",
    ),
    ProblemType(
        "too-busy",
        503,
        "Too many concurrent requests",
        "There are more concurrent requests than BITRECALL_MAX_CONCURRENT, or more requests for\n"
        "many items than BITRECALL_MAX_HEAVY_REQUESTS allows to run and wait, or three quarters\n"
        "of BITRECALL_MAX_CONCURRENT wait for the events database. This request was not\n"
        "processed. Send it again after the seconds in Retry-After.",
    ),
    ProblemType(
        "search-unavailable",
        503,
        "The search server does not respond",
        "The search server cannot be reached, or is not ready yet. Meanwhile /recommend returns\n"
        "the most popular items, marked as degraded; /similar has no such substitute. Send the\n"
        "request again after the seconds in Retry-After.",
    ),
    ProblemType(
        "not-ready",
        503,
        "No release is loaded",
        "The service has not loaded a release yet. The member 'detail' gives the reason. The\n"
        "service checks periodically; send the request again after the seconds in Retry-After.",
    ),
)
