"""Response bodies."""

from typing import Literal

from pydantic import BaseModel, Field
from pydantic.json_schema import SkipJsonSchema

_SHORTFALL = (
    "How many of the k items are missing because no more items are allowed; only present if some "
    "are missing."
)
_RELEASE = "The release that was used."
_SOURCE = (
    "The basis of the ranking. 'codes': the user's code from training. 'codes+history': that code, "
    "and items from events or from the history of the request. 'history': only items from events "
    "or from the history. 'popular': nothing is known about the user, and these are the most "
    "popular items."
)
_DEGRADED = (
    "True if the search server did not respond, and these are the most popular items instead of "
    "the nearest; only present then. Once the server responds, results are normal again."
)
Source = Literal["codes", "codes+history", "history", "popular"]


class ReasonResponse(BaseModel):
    """An item of the user whose code is near the code of the recommended item."""

    id: str = Field(description="Id of the user's item.")
    distance: int = Field(description="Hamming distance between the two codes, in bits.")
    weight: float | SkipJsonSchema[None] = Field(
        default=None,
        ge=0,
        le=1,
        description="How much the user's item counts for the user's code, 1 for the item that "
        "counts most; only present if the release has a recency and newer items count more.",
    )


class RecommendedItem(BaseModel):
    """A recommended item."""

    id: str = Field(description="Id of the item as in the training data or in events.")
    distance: int | None = Field(
        description="Hamming distance between the codes of user and item, in bits; null when "
        "the source is 'popular'."
    )
    score: int | None = Field(
        description="Inner product of the two codes, bits - 2 * distance; null when the source "
        "is 'popular'."
    )
    code: str | SkipJsonSchema[None] = Field(
        default=None,
        description="The item's code in hexadecimal; only present with explain.",
    )
    taken: int | SkipJsonSchema[None] = Field(
        default=None,
        ge=0,
        description="How often the user took the item; only present with explain, if exclude_seen "
        "is false and the release has repeats.",
    )
    because: list[ReasonResponse] | SkipJsonSchema[None] = Field(
        default=None,
        description="The user's own items with the nearest codes, nearest first, or by the product "
        "of score and weight if they have weights; only present with explain.",
    )


class _Items(BaseModel):
    items: list[RecommendedItem] = Field(
        description="Up to k items, best first: by distance, equal distances in order of "
        "popularity. The user's own items may have places of their own."
    )
    shortfall: int | SkipJsonSchema[None] = Field(default=None, ge=1, description=_SHORTFALL)


class RecommendResponse(_Items):
    """The items for one user."""

    user_id: str | None = Field(description="The user of the request; null if it has none.")
    k: int = Field(description="The k of the request.")
    release_id: str = Field(description=_RELEASE)
    source: Source = Field(description=_SOURCE)
    degraded: bool | SkipJsonSchema[None] = Field(default=None, description=_DEGRADED)
    code: str | None = Field(
        default=None,
        description="The user's code in hexadecimal, null if the user has none; only present with "
        "explain.",
    )


class BatchAnswer(_Items):
    """The items for one of several users."""

    user_id: str = Field(description="The user.")
    source: Source = Field(description=_SOURCE)
    degraded: bool | SkipJsonSchema[None] = Field(default=None, description=_DEGRADED)
    code: str | None = Field(
        default=None,
        description="The user's code in hexadecimal, null if the user has none; only present with "
        "explain.",
    )


class BatchResponse(BaseModel):
    """The items for several users."""

    answers: list[BatchAnswer] = Field(description="One per user, in the order of the request.")
    k: int = Field(description="The k of the request.")
    release_id: str = Field(description=_RELEASE)


class SimilarResponse(_Items):
    """The items similar to an item."""

    item_id: str = Field(description="The item.")
    k: int = Field(description="The k of the request.")
    release_id: str = Field(description=_RELEASE)


class PopularItem(BaseModel):
    """One of the most popular items."""

    id: str = Field(description="Id of the item.")
    popularity: int = Field(description="Its interactions in the training data.")


class PopularResponse(BaseModel):
    """The most popular items."""

    items: list[PopularItem] = Field(description="Up to k items, the most popular first.")
    release_id: str = Field(description=_RELEASE)


class ItemResponse(BaseModel):
    """The known data about an item."""

    id: str = Field(description="The item.")
    known: Literal["release", "new", "no"] = Field(
        description="'release': the release has it. 'new': it is from recent events and can be "
        "recommended. 'no': neither."
    )
    popularity: int = Field(description="Its interactions in the training data.")
    tags: list[str] = Field(description="Its tags.")
    attributes: dict[str, float | str] = Field(description="Its known attributes.")
    release_id: str = Field(description=_RELEASE)


class UserResponse(BaseModel):
    """The known data about a user."""

    id: str = Field(description="The user.")
    known: bool = Field(description="Whether the release has the user.")
    seen: int = Field(description="Number of the user's items in the training data.")
    fresh: int = Field(description="Number of the user's items in events since.")
    items: list[str] = Field(
        description="The last hundred items: first those in the training data, the most popular "
        "first, then those in events since, the newest last."
    )
    release_id: str = Field(description=_RELEASE)


class IdsResponse(BaseModel):
    """Ids with a prefix."""

    ids: list[str] = Field(description="The first ids, ordered by their bytes in UTF-8.")
    release_id: str = Field(description=_RELEASE)


class ReleaseSummary(BaseModel):
    """A release in the store."""

    id: str = Field(description="Its id.")
    created_at: str | None = Field(description="When it was created, ISO 8601 in UTC.")
    current: bool = Field(description="Whether it is the current release of the store.")
    users: int | None = Field(description="Number of users.")
    items: int | None = Field(description="Number of items.")
    bits: int | None = Field(description="Bits per code.")
    metrics: dict[str, float | int | str] = Field(
        description="Metrics measured when it was published."
    )
    damage: str | None = Field(
        description="Its damage, found without hashing its files; null if none was found."
    )


class LastRetraining(BaseModel):
    """The outcome of the last retraining run."""

    started: str = Field(description="Start time, ISO 8601 in UTC.")
    finished: str = Field(description="End time, ISO 8601 in UTC.")
    outcome: str = Field(
        description="'published', 'held back', 'refused', 'no new data', 'failed', or 'would "
        "publish' of a dry run."
    )
    reason: str = Field(description="Reason for the outcome.")
    release: str | None = Field(description="The release that it published, if any.")


class ReleasesResponse(BaseModel):
    """The releases in the store, newest first."""

    releases: list[ReleaseSummary] = Field(description="The releases, newest first.")
    serving: str | None = Field(description="The release that this worker serves.")
    last_retraining: LastRetraining | None = Field(
        description="The last retraining run of this store; null before the first."
    )


class ActiveResponse(BaseModel):
    """The new current release."""

    release_id: str = Field(
        description="The current release. This worker serves it already, other workers within the "
        "poll interval."
    )


class ReadyResponse(BaseModel):
    """The service is ready."""

    status: Literal["ready"]
    release_id: str = Field(description="The release that is served.")
    details: list[str] | SkipJsonSchema[None] = Field(
        default=None,
        description="Warnings for the operator, in sentences; only present if there are any.",
    )


class LiveResponse(BaseModel):
    """The process runs."""

    status: Literal["live"]


class ProblemError(BaseModel):
    """One error in a request body."""

    pointer: str = Field(description="JSON pointer (RFC 6901) into the body; '' is the whole body.")
    detail: str = Field(description="The error, and what was expected.")


class Problem(BaseModel):
    """A problem document (RFC 9457)."""

    type: str = Field(description="Relative reference to a page about this problem type.")
    title: str = Field(description="Short description of the problem type, always the same.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="What is wrong with this request.")
    instance: str = Field(description="A unique URN of this occurrence.")
    errors: list[ProblemError] | SkipJsonSchema[None] = Field(
        default=None, description="The errors in the body; only for invalid requests."
    )
    request_id: str | SkipJsonSchema[None] = Field(
        default=None, description="The id to search for in the log; only if the service failed."
    )
