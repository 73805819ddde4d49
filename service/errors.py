"""The errors of the service.

::

    BitrecallError
     └─ ServiceError
         ├─ SettingsError          a setting has an unsafe or nonsensical value
         ├─ KeysError              the key file cannot be used
         ├─ ListenError            the service cannot listen on its address
         └─ RequestError           a request fails; carries a problem
             ├─ MalformedJsonError         400  the body is not JSON
             ├─ UnauthorizedError          401  the key is missing or invalid
             ├─ ForbiddenError             403  the key does not allow this
             ├─ HistoryForbiddenError      403  the key may not see the items of a user
             ├─ CrossOriginError           403  a page of another origin sent a change
             ├─ ItemNotFoundError          404  the item is unknown
             ├─ RequestTimeoutError        408  the body arrived too slowly
             ├─ UnknownReleaseError        404  the release is unknown
             ├─ FilterMismatchError        409  the filter does not fit the release
             ├─ ReleaseRefusedError        409  the release cannot be served
             ├─ BodyTooLargeError          413  the body is over the limit
             ├─ UnsupportedMediaTypeError  415  the body is not declared as JSON
             ├─ MisdirectedRequestError    421  the Host header is not allowed
             ├─ InvalidRequestError        422  the JSON is not a valid request
             ├─ NotReadyError              503  no release is loaded
             ├─ TooBusyError               503  too many concurrent requests
             ├─ SearchNotAnsweringError    503  the search server does not respond
             └─ EventsNotKeptError         503  events cannot be stored now

Each ``RequestError`` names one entry of ``bitrecall.service.problems.PROBLEMS``, from which the
status, the title and the type of the problem document come.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from bitrecall.errors import BitrecallError


class ServiceError(BitrecallError):
    """Base class of the errors of the service."""


class SettingsError(ServiceError):
    """Raised when a setting has an invalid or unsafe value."""


class KeysError(ServiceError):
    """Raised when the key file cannot be read or written, or a line in it is not a key."""


class ListenError(ServiceError):
    """Raised when the service cannot listen on its address."""


@dataclass(frozen=True)
class FieldError:
    """One error in a request body.

    Attributes:
        pointer: JSON pointer (RFC 6901) into the body; ``""`` is the whole body.
        detail: what is wrong there.
    """

    pointer: str
    detail: str


class RequestError(ServiceError):
    """Raised when a request fails; becomes a problem document.

    Args:
        detail: what is wrong with this request.
        errors: the errors in its body.
        headers: added to the response.

    Attributes:
        problem: name of the problem type, a key of ``PROBLEMS``.
        unread: whether the client may still be sending a body that will not be read.
    """

    problem: ClassVar[str]
    unread: ClassVar[bool] = False

    def __init__(
        self,
        detail: str,
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})


class MalformedJsonError(RequestError):
    """Raised when the body is not JSON in UTF-8."""

    problem = "malformed-json"


class UnauthorizedError(RequestError):
    """Raised when a request needs a key and has none, or an invalid one."""

    problem = "unauthorized"
    unread = True

    def __init__(self, detail: str) -> None:
        super().__init__(detail, headers={"WWW-Authenticate": 'Bearer realm="bitrecall"'})


class ForbiddenError(RequestError):
    """Raised when the role of the key does not allow the request."""

    problem = "forbidden"
    unread = True


class HistoryForbiddenError(RequestError):
    """Raised when the response would show items of a user to a key of the role recommend."""

    problem = "forbidden"


class CrossOriginError(RequestError):
    """Raised when a page of another origin sends a request that changes something."""

    problem = "cross-origin"
    unread = True


class MisdirectedRequestError(RequestError):
    """Raised when the Host header of a request is not allowed."""

    problem = "misdirected-request"
    unread = True


class ItemNotFoundError(RequestError):
    """Raised when an item is neither in the release nor new."""

    problem = "unknown-item"


class UnknownReleaseError(RequestError):
    """Raised when the store has no release with an id, or no previous release."""

    problem = "unknown-release"


class FilterMismatchError(RequestError):
    """Raised when a filter uses an attribute that the release lacks, or has with another type."""

    problem = "filter-mismatch"


class ReleaseRefusedError(RequestError):
    """Raised when a release is damaged, or the store is not writable."""

    problem = "release-refused"


class RequestTimeoutError(RequestError):
    """Raised when the body does not arrive in time."""

    problem = "request-timeout"


class BodyTooLargeError(RequestError):
    """Raised when the body, or its declared length, is over the limit."""

    problem = "body-too-large"
    unread = True


class UnsupportedMediaTypeError(RequestError):
    """Raised when the content type is not JSON in UTF-8, or the body is compressed."""

    problem = "unsupported-media-type"


class InvalidRequestError(RequestError):
    """Raised when the body is JSON but not a valid request; ``errors`` has the reasons."""

    problem = "invalid-request"


class NotReadyError(RequestError):
    """Raised when no release is loaded yet."""

    problem = "not-ready"


class TooBusyError(RequestError):
    """Raised when there are too many concurrent requests.

    Args:
        requests: the kind of requests, for the message.
    """

    problem = "too-busy"

    def __init__(self, requests: str = "requests") -> None:
        super().__init__(
            f"too many concurrent {requests}; this request was not processed",
            headers={"Retry-After": "1"},
        )


class SearchNotAnsweringError(RequestError):
    """Raised when the search server does not respond, and there is no substitute for it."""

    problem = "search-unavailable"


class EventsNotKeptError(RequestError):
    """Raised when events cannot be stored, or those of a user cannot be removed, at the moment."""

    problem = "events-not-kept"

    def __init__(self) -> None:
        super().__init__(
            "the events database does not respond; nothing was stored",
            headers={"Retry-After": "5"},
        )
