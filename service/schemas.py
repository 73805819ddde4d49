"""What goes in and out as JSON: the request, the answer and the problem document."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model
from pydantic.json_schema import SkipJsonSchema

UserId = Annotated[
    str,
    Field(min_length=1, description="Id of the user as in the training data: always a string."),
]
ExcludeSeen = Annotated[
    bool, Field(description="Leave out the items that the user had when the release was made.")
]

_K = "How many items to recommend; fewer come back when fewer are allowed."


class RecommendRequest(BaseModel):
    """What ``POST /recommend`` takes. Types are exact: ``"10"`` and ``10.0`` are no ``k``.

    ``k`` has the default and the bound of a service with default settings; ``request_model``
    makes the class for others.
    """

    model_config = ConfigDict(strict=True, extra="forbid")

    user_id: UserId
    k: int = Field(10, ge=1, le=1000, description=_K)
    exclude_seen: ExcludeSeen = True


def request_model(default_k: int, max_k: int) -> type[RecommendRequest]:
    """The request class of a service with these settings."""
    return create_model(
        "RecommendRequest",
        __base__=RecommendRequest,
        __doc__="Who to recommend for, and how many items.",
        k=(int, Field(default_k, ge=1, le=max_k, description=_K)),
    )


class RecommendedItem(BaseModel):
    """One item of an answer."""

    id: str = Field(description="Id of the item as in the training data.")
    distance: int | None = Field(
        description="Hamming distance between the codes of user and item, in bits; null when "
        "the source is 'popular'."
    )
    score: int | None = Field(
        description="Inner product of the two codes, bits - 2 * distance; null when the source "
        "is 'popular'."
    )


class RecommendResponse(BaseModel):
    """The items for one user, best first; equal distances in order of popularity."""

    user_id: str = Field(description="The user asked for.")
    k: int = Field(description="How many items were asked for.")
    items: list[RecommendedItem] = Field(description="At most k items, best first.")
    release_id: str = Field(description="The release that answered.")
    source: Literal["codes", "popular"] = Field(
        description="'codes': ranked for this user. 'popular': the user is not in the release, "
        "and these are its most popular items."
    )
    shortfall: int | SkipJsonSchema[None] = Field(
        default=None,
        ge=1,
        description="How many of the k items are lacking because no more are allowed; only there "
        "when some are.",
    )


class ReadyResponse(BaseModel):
    """The service can answer."""

    status: Literal["ready"]
    release_id: str = Field(description="The release that answers now.")


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
