"""What the service refuses, and why.

::

    BitrecallError
     └─ ServiceError
         ├─ SettingsError          a setting has an unsafe or nonsensical value
         ├─ KeysError              the file of keys cannot be used
         ├─ ListenError            the address cannot be listened on
         └─ RequestError           a request cannot be answered; carries a problem
             ├─ MalformedJsonError         400  the body is not JSON
             ├─ UnauthorizedError          401  there is no key, or it is not accepted
             ├─ ForbiddenError             403  the key may not do this
             ├─ HistoryForbiddenError      403  the key may not learn what a user has
             ├─ CrossOriginError           403  a page of another origin may not change anything
             ├─ ItemNotFoundError          404  there is no such item
             ├─ RequestTimeoutError        408  the body came too slowly
             ├─ UnknownReleaseError        404  there is no such release
             ├─ FilterMismatchError        409  the release has no such attributes
             ├─ ReleaseRefusedError        409  the release cannot be served
             ├─ BodyTooLargeError          413  the body is over the limit
             ├─ UnsupportedMediaTypeError  415  the body is not declared as JSON
             ├─ MisdirectedRequestError    421  the service does not answer for that host
             ├─ InvalidRequestError        422  the JSON does not describe a request
             ├─ NotReadyError              503  no release is loaded
             ├─ TooBusyError               503  there are too many requests at once
             ├─ SearchNotAnsweringError    503  the server that searches does not answer
             └─ EventsNotKeptError         503  events cannot be kept now

Each ``RequestError`` names one entry of ``bitrecall.service.problems.PROBLEMS``, from which the
status, the title and the type of the problem document come.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from bitrecall.errors import BitrecallError


class ServiceError(BitrecallError):
    """Raised for everything in the service that is ours to explain."""


class SettingsError(ServiceError):
    """Raised when a setting has a value that the service will not run with."""


class KeysError(ServiceError):
    """Raised when the file of keys cannot be read or written, or a key in it is none."""


class ListenError(ServiceError):
    """Raised when the address to serve on cannot be had."""


@dataclass(frozen=True)
class FieldError:
    """One thing wrong with a request body.

    ``pointer`` is a JSON pointer (RFC 6901) into the body; ``""`` is the whole body.
    """

    pointer: str
    detail: str


class RequestError(ServiceError):
    """Raised when a request cannot be answered; becomes a problem document.

    ``problem`` is the name of the problem type, ``errors`` the single things wrong, ``headers``
    are added to the response. ``unread`` says that the client may be sending still, and that
    what it sends is not going to be read.
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
    """Raised when a key is needed, and there is none or it is not accepted."""

    problem = "unauthorized"
    unread = True

    def __init__(self, detail: str) -> None:
        super().__init__(detail, headers={"WWW-Authenticate": 'Bearer realm="bitrecall"'})


class ForbiddenError(RequestError):
    """Raised when the key that was given may not do what is asked for."""

    problem = "forbidden"
    unread = True


class HistoryForbiddenError(RequestError):
    """Raised when the answer would show what a user has, to a key of the role recommend."""

    problem = "forbidden"


class CrossOriginError(RequestError):
    """Raised when a page of another origin asks for a change."""

    problem = "cross-origin"
    unread = True


class MisdirectedRequestError(RequestError):
    """Raised when a request is for a host that the service does not answer for."""

    problem = "misdirected-request"
    unread = True


class ItemNotFoundError(RequestError):
    """Raised when what is asked about is no item of the release, nor a new one."""

    problem = "unknown-item"


class UnknownReleaseError(RequestError):
    """Raised when the store has no release of an id, or none to roll back to."""

    problem = "unknown-release"


class FilterMismatchError(RequestError):
    """Raised when a filter asks for what no item of the release has; ``errors`` has where."""

    problem = "filter-mismatch"


class ReleaseRefusedError(RequestError):
    """Raised when a release is damaged, or the store cannot be written to."""

    problem = "release-refused"


class RequestTimeoutError(RequestError):
    """Raised when the body does not arrive in time."""

    problem = "request-timeout"


class BodyTooLargeError(RequestError):
    """Raised when the body is longer than the limit, declared or as it arrives."""

    problem = "body-too-large"
    unread = True


class UnsupportedMediaTypeError(RequestError):
    """Raised when the content type is not JSON in UTF-8, or the body is compressed."""

    problem = "unsupported-media-type"


class InvalidRequestError(RequestError):
    """Raised when the body is JSON but not a request; ``errors`` has each reason."""

    problem = "invalid-request"


class NotReadyError(RequestError):
    """Raised when there is no release to answer from yet."""

    problem = "not-ready"


class TooBusyError(RequestError):
    """Raised when a request arrives while too many others, or too large ones, are answered."""

    problem = "too-busy"

    def __init__(self, requests: str = "requests") -> None:
        super().__init__(
            f"there are too many {requests} at once; none of this one was done",
            headers={"Retry-After": "1"},
        )


class SearchNotAnsweringError(RequestError):
    """Raised when the server that searches does not answer, and nothing can stand in for it."""

    problem = "search-unavailable"


class EventsNotKeptError(RequestError):
    """Raised when events cannot be made durable, or a user's cannot be removed, now."""

    problem = "events-not-kept"

    def __init__(self) -> None:
        super().__init__(
            "the database of the events does not answer; nothing of the request was kept",
            headers={"Retry-After": "5"},
        )
