"""The bodies of answers."""

from typing import Literal

from pydantic import BaseModel, Field
from pydantic.json_schema import SkipJsonSchema

_SHORTFALL = (
    "How many of the k items are lacking because no more are allowed; only there when some are."
)
_RELEASE = "The release that answered."
_SOURCE = (
    "What the items were ranked by. 'codes': the code that training made for this user. "
    "'codes+history': that and what the user took since, or is said to have. 'history': what the "
    "user took or is said to have. 'popular': nothing is known of the user, and these are the most "
    "popular items."
)
_DEGRADED = (
    "True where the search did not answer, and the most popular items stand in for the nearest; "
    "only there then. It comes back by itself."
)
Source = Literal["codes", "codes+history", "history", "popular"]


class ReasonResponse(BaseModel):
    """An item of the user's own that a recommended one is like."""

    id: str = Field(description="Id of the user's item.")
    distance: int = Field(description="Hamming distance between the two codes, in bits.")


class RecommendedItem(BaseModel):
    """One item of an answer."""

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
        description="The item's code in hexadecimal; only there when an explanation was asked for.",
    )
    because: list[ReasonResponse] | SkipJsonSchema[None] = Field(
        default=None,
        description="The user's own items that it is most like, nearest first; only there when an "
        "explanation was asked for.",
    )


class _Items(BaseModel):
    items: list[RecommendedItem] = Field(
        description="At most k items, best first; equal distances in order of popularity."
    )
    shortfall: int | SkipJsonSchema[None] = Field(default=None, ge=1, description=_SHORTFALL)


class RecommendResponse(_Items):
    """The items for one user."""

    user_id: str | None = Field(description="The user asked for; null when none was named.")
    k: int = Field(description="How many items were asked for.")
    release_id: str = Field(description=_RELEASE)
    source: Source = Field(description=_SOURCE)
    degraded: bool | SkipJsonSchema[None] = Field(default=None, description=_DEGRADED)
    code: str | None = Field(
        default=None,
        description="The user's code in hexadecimal, null when there is none; only there when an "
        "explanation was asked for.",
    )


class BatchAnswer(_Items):
    """The items for one of several users."""

    user_id: str = Field(description="The user asked for.")
    source: Source = Field(description=_SOURCE)
    degraded: bool | SkipJsonSchema[None] = Field(default=None, description=_DEGRADED)
    code: str | None = Field(
        default=None,
        description="The user's code in hexadecimal, null when there is none; only there when an "
        "explanation was asked for.",
    )


class BatchResponse(BaseModel):
    """The items for several users."""

    answers: list[BatchAnswer] = Field(description="One a user, in the order of the request.")
    k: int = Field(description="How many items were asked for.")
    release_id: str = Field(description=_RELEASE)


class SimilarResponse(_Items):
    """The items like one item."""

    item_id: str = Field(description="The item asked about.")
    k: int = Field(description="How many items were asked for.")
    release_id: str = Field(description=_RELEASE)


class PopularItem(BaseModel):
    """One of the most popular items."""

    id: str = Field(description="Id of the item.")
    popularity: int = Field(description="Interactions with it in the training data.")


class PopularResponse(BaseModel):
    """The most popular items."""

    items: list[PopularItem] = Field(description="At most k items, the most popular first.")
    release_id: str = Field(description=_RELEASE)


class ItemResponse(BaseModel):
    """What is known of an item."""

    id: str = Field(description="The item asked about.")
    known: Literal["release", "new", "no"] = Field(
        description="'release': training knows it. 'new': it has come up in events since, and can "
        "be recommended. 'no': neither."
    )
    popularity: int = Field(description="Interactions with it in the training data.")
    tags: list[str] = Field(description="Its tags.")
    attributes: dict[str, float | str] = Field(description="Its attributes that are known.")
    release_id: str = Field(description=_RELEASE)


class UserResponse(BaseModel):
    """What is known of a user."""

    id: str = Field(description="The user asked about.")
    known: bool = Field(description="Whether training knows the user.")
    seen: int = Field(description="How many items training has seen with the user.")
    fresh: int = Field(description="How many items the user has taken in events since.")
    items: list[str] = Field(
        description="The latest hundred of both: those that training has seen with the user, the "
        "most popular first, then those taken since, the newest last."
    )
    release_id: str = Field(description=_RELEASE)


class IdsResponse(BaseModel):
    """Ids that start with a text."""

    ids: list[str] = Field(description="The first of them, in the order of their bytes in UTF-8.")
    release_id: str = Field(description=_RELEASE)


class ReleaseSummary(BaseModel):
    """A release in the store."""

    id: str = Field(description="Its id.")
    created_at: str | None = Field(description="When it was made, ISO 8601 in UTC.")
    current: bool = Field(description="Whether the store's pointer names it.")
    users: int | None = Field(description="Users that it knows.")
    items: int | None = Field(description="Items that it has.")
    bits: int | None = Field(description="Bits in a code.")
    metrics: dict[str, float | int | str] = Field(
        description="What was measured when it was published."
    )
    damage: str | None = Field(
        description="What is wrong with it as far as a look shows; null when nothing is."
    )


class LastNightSummary(BaseModel):
    """How the last night of retraining ended."""

    started: str = Field(description="When it began, ISO 8601 in UTC.")
    finished: str = Field(description="When it ended, ISO 8601 in UTC.")
    outcome: str = Field(
        description="'published', 'held back', 'refused', 'no new data', 'failed', or 'would "
        "publish' of a dry run."
    )
    reason: str = Field(description="Why.")
    release: str | None = Field(description="The release that it published.")


class ReleasesResponse(BaseModel):
    """The releases in the store, newest first."""

    releases: list[ReleaseSummary] = Field(description="The newest first.")
    serving: str | None = Field(description="The one that this worker answers from.")
    last_night: LastNightSummary | None = Field(
        description="Of retraining into this store; null where there was none."
    )


class ActiveResponse(BaseModel):
    """Which release is current now."""

    release_id: str = Field(
        description="The release that is current; this worker answers from it already, others "
        "within the interval at which they look."
    )


class ReadyResponse(BaseModel):
    """The service can answer."""

    status: Literal["ready"]
    release_id: str = Field(description="The release that answers now.")
    details: list[str] | SkipJsonSchema[None] = Field(
        default=None,
        description="What somebody should look at although the service can answer, in sentences; "
        "only there when there is something.",
    )


class LiveResponse(BaseModel):
    """The process runs."""

    status: Literal["live"]


class ProblemError(BaseModel):
    """One thing wrong with a request body."""

    pointer: str = Field(description="JSON pointer (RFC 6901) into the body; '' is all of it.")
    detail: str = Field(description="What was expected there.")


class Problem(BaseModel):
    """A problem document (RFC 9457)."""

    type: str = Field(description="Relative reference to a page on this kind of problem.")
    title: str = Field(description="What kind of problem it is, the same every time.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="What is wrong this time.")
    instance: str = Field(description="URN of this one occurrence.")
    errors: list[ProblemError] | SkipJsonSchema[None] = Field(
        default=None, description="Each thing wrong with the body; only for invalid requests."
    )
    request_id: str | SkipJsonSchema[None] = Field(
        default=None, description="What to look for in the log; only when the service failed."
    )
