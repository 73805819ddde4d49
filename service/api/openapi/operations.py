"""The operations of the API: path, method, parameters, bodies and problems."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from pydantic import BaseModel

from bitrecall.service.api.schemas.events import EventsResponse, ForgottenResponse
from bitrecall.service.api.schemas.responses import (
    ActiveResponse,
    BatchResponse,
    IdsResponse,
    ItemResponse,
    LiveResponse,
    PopularResponse,
    ReadyResponse,
    RecommendResponse,
    ReleasesResponse,
    SimilarResponse,
    UserResponse,
)

# Problem types of every operation with a JSON body.
_BODY: Final = (
    *("malformed-json", "request-timeout", "body-too-large", "unsupported-media-type"),
    *("invalid-request", "internal-error", "not-ready"),
)


@dataclass(frozen=True)
class Parameter:
    """A parameter of a path or of a query; ``schema`` names its JSON schema."""

    name: str
    location: Literal["path", "query"]
    description: str
    schema: str = "string"


@dataclass(frozen=True)
class Operation:
    """One method of one path.

    Attributes:
        path: the path.
        method: the HTTP method.
        name: the operation id.
        summary: the summary, without a full stop.
        response: model of the response; None for text of one of the ``media_types``.
        request: name of the model of the request body.
        problems: names of the problem types that it may return.
        parameters: its path and query parameters.
        media_types: media types of a response that is not JSON.
    """

    path: str
    method: Literal["get", "post", "delete"]
    name: str
    summary: str
    response: type[BaseModel] | None
    request: str | None = None
    problems: Sequence[str] = ()
    parameters: Sequence[Parameter] = ()
    media_types: Sequence[str] = ("text/plain",)


_PREFIX: Final = Parameter("prefix", "query", "Only ids that start with this prefix.", "text")

OPERATIONS: Final = (
    Operation(
        *("/recommend", "post", "recommend", "Items for one user", RecommendResponse),
        request="RecommendRequest",
        problems=(*_BODY, "filter-mismatch"),
    ),
    Operation(
        *("/recommend/batch", "post", "recommend_batch", "Items for many users", BatchResponse),
        request="BatchRequest",
        problems=(*_BODY, "filter-mismatch"),
    ),
    Operation(
        *("/similar", "post", "similar", "Items similar to an item", SimilarResponse),
        request="SimilarRequest",
        problems=(*_BODY, "unknown-item", "filter-mismatch"),
    ),
    Operation(
        *("/events", "post", "take_events", "Store events", EventsResponse),
        request="EventsRequest",
        problems=(*_BODY[:-1], "cross-origin", "events-not-kept"),
    ),
    Operation(
        *("/popular", "get", "popular", "The most popular items", PopularResponse),
        problems=("invalid-request", "internal-error", "not-ready"),
        parameters=[Parameter("k", "query", "Number of items.", "k")],
    ),
    Operation(
        *("/items", "get", "items", "Ids of items", IdsResponse),
        problems=("invalid-request", "internal-error", "not-ready"),
        parameters=[_PREFIX, Parameter("k", "query", "How many ids.", "k")],
    ),
    Operation(
        *("/users", "get", "users", "Ids of users", IdsResponse),
        problems=("invalid-request", "internal-error", "not-ready"),
        parameters=[_PREFIX, Parameter("k", "query", "How many ids.", "k")],
    ),
    Operation(
        *("/items/{id}", "get", "item", "Data about an item", ItemResponse),
        problems=("internal-error", "not-ready"),
        parameters=[Parameter("id", "path", "Id of the item; slashes in it need no escaping.")],
    ),
    Operation(
        *("/users/{id}", "get", "user", "Data about a user", UserResponse),
        problems=("internal-error", "not-ready"),
        parameters=[Parameter("id", "path", "Id of the user; slashes in it need no escaping.")],
    ),
    Operation(
        *("/users/{id}", "delete", "forget_user", "Forget a user", ForgottenResponse),
        problems=("invalid-request", "internal-error", "cross-origin", "events-not-kept"),
        parameters=[Parameter("id", "path", "Id of the user; slashes in it need no escaping.")],
    ),
    Operation(
        *("/releases", "get", "releases", "List the releases", ReleasesResponse),
        problems=("internal-error",),
    ),
    Operation(
        *("/releases/{id}/activate", "post", "activate_release", "Serve a release"),
        ActiveResponse,
        request="MoveRequest",
        problems=(*_BODY[:-1], "cross-origin", "unknown-release", "release-refused"),
        parameters=[Parameter("id", "path", "Id of the release.")],
    ),
    Operation(
        *("/releases/{id}/recommend", "post", "compare", "Items for one user from a given release"),
        RecommendResponse,
        request="RecommendRequest",
        problems=(*_BODY[:-1], "unknown-release", "release-refused"),
        parameters=[Parameter("id", "path", "Id of the release; later events are ignored.")],
    ),
    Operation(
        *("/releases/rollback", "post", "rollback_release", "Serve the previous release"),
        ActiveResponse,
        request="MoveRequest",
        problems=(*_BODY[:-1], "cross-origin", "unknown-release", "release-refused"),
    ),
    Operation("/metrics", "get", "metrics", "Metrics for Prometheus", None),
    Operation("/livez", "get", "live", "Whether the process runs", LiveResponse),
    Operation(
        *("/readyz", "get", "ready", "Whether a release is loaded", ReadyResponse),
        problems=("not-ready",),
    ),
    Operation(
        *("/", "get", "explorer", "The explorer, a page that shows recommendations", None),
        media_types=("text/html",),
    ),
    Operation(
        *("/explorer/{name}", "get", "explorer_part", "Style and scripts of the explorer", None),
        problems=("not-found",),
        parameters=[Parameter("name", "path", "Name of the file.")],
        media_types=("text/html", "text/css", "text/javascript"),
    ),
    Operation("/problems", "get", "problems", "List the problem types", None),
    Operation(
        *("/problems/{name}", "get", "problem", "Explain a problem type", None),
        problems=("not-found",),
        parameters=[Parameter("name", "path", "The last part of a problem's type.", "problem")],
    ),
)

# Paths without a parameter.
PATHS: Final = frozenset(operation.path for operation in OPERATIONS if "{" not in operation.path)
