"""Request bodies. Types are strict: ``"10"`` is not a valid ``k``."""

from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    create_model,
    model_validator,
)
from pydantic_core import PydanticCustomError

from bitrecall.index.recommend.filter_schema import FilterRequest
from bitrecall.index.recommend.types import History, QueryOptions
from bitrecall.service.settings import Settings


def _as_integer(value: object) -> object:
    """Convert 10.0 to 10: both are the same integer in JSON Schema."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


# White space around an id is not part of it, as in files
# (bitrecall.training.data.columns.id_values).
Id = Annotated[str, Field(min_length=1), StringConstraints(strip_whitespace=True)]
Integer = Annotated[int, BeforeValidator(_as_integer)]

EXPLAINED: Final = 10
"""Number of items that an explained item counts as in the size of a response."""

_K = "Number of items to recommend; fewer are returned if fewer are allowed."
_HISTORY = "Ids of items that the user has, newest last."
_USERS = "Ids of the users; the response has one entry for each, in this order."
# A list as the default would be copied for every request, at 2% of the cost of a request.
_EMPTY_DEFAULT: dict[str, Any] = {"default": []}
_EXCLUDE_ITEMS = "Ids of items to exclude. Unknown ids are ignored."


class QueryOptionsRequest(BaseModel):
    """Members of every request for items.

    ``k`` and the lengths of lists have the defaults and bounds of the default settings;
    ``request_models`` creates the classes for other settings.
    """

    model_config = ConfigDict(strict=True, extra="forbid")

    k: Integer = Field(10, ge=1, le=1000, description=_K)
    exclude_items: list[Id] = Field(
        default_factory=list,
        json_schema_extra=_EMPTY_DEFAULT,
        max_length=1000,
        description=_EXCLUDE_ITEMS,
    )
    filter: FilterRequest | None = Field(None, description="Only recommend items that match.")

    def query_options(self) -> QueryOptions:
        """The options of the recommender."""
        return QueryOptions(
            k=self.k,
            exclude_items=self.exclude_items,
            allowed=None if self.filter is None else self.filter.item_filter(),
        )

    def size(self) -> int:
        """Size of the response in items, a measure of its cost; an explained item counts as ten."""
        return self.k

    def size_in_words(self) -> str:
        """How ``size`` is computed, for an error message."""
        return f"k {self.k}"

    def shows_history(self) -> bool:
        """Whether the response shows items of a user that are not in the request itself."""
        return False


class _UserQueryRequest(QueryOptionsRequest):
    exclude_seen: bool = Field(
        True,
        description="Exclude the user's items: those in the release, in events since, and in the "
        "history of the request.",
    )
    explain: bool = Field(
        False,
        description="Explain each item by the user's items with the nearest codes.",
    )

    def query_options(self) -> QueryOptions:
        """As ``QueryOptionsRequest.query_options``."""
        # All arguments at once: _replace would create a second tuple per request.
        return QueryOptions(
            k=self.k,
            exclude_seen=self.exclude_seen,
            exclude_items=self.exclude_items,
            allowed=None if self.filter is None else self.filter.item_filter(),
            explain=self.explain,
        )

    def size(self) -> int:
        """As ``QueryOptionsRequest.size``."""
        return self.k * (EXPLAINED if self.explain else 1)

    def size_in_words(self) -> str:
        """As ``QueryOptionsRequest.size_in_words``."""
        explained = f", explained (each counts as {EXPLAINED})," if self.explain else ""
        return f"k {self.k}{explained}"

    def shows_history(self) -> bool:
        """As ``QueryOptionsRequest.shows_history``.

        Explanations are items of the user. Without ``exclude_seen``, recommended items may be too.
        """
        return self.explain or not self.exclude_seen


class RecommendRequest(_UserQueryRequest):
    """A user to recommend for, and options. Either ``user_id`` or ``history`` is required."""

    # Not anyOf: client generators convert it to a union of two types, and fail.
    model_config = ConfigDict(
        json_schema_extra={
            "if": {"required": ["user_id"], "properties": {"user_id": {"type": "string"}}},
            "else": {"required": ["history"], "properties": {"history": {"type": "array"}}},
        }
    )

    user_id: Id | None = Field(
        None, description="Id of the user as in the training data or in events: always a string."
    )
    history: list[Id] | None = Field(None, max_length=1000, description=_HISTORY)
    history_mode: Literal["instead", "add"] = Field(
        "instead",
        description="'instead': the history replaces all known items of the user. "
        "'add': the history is added to them.",
    )

    @model_validator(mode="after")
    def _user_or_history(self) -> Self:
        if self.user_id is None and self.history is None:
            raise PydanticCustomError("no_user", "has to have a user_id or a history")
        return self

    def shows_history(self) -> bool:
        """As ``QueryOptionsRequest.shows_history``; False if no user is looked up."""
        is_looked_up = self.user_id is not None and (
            self.history is None or self.history_mode == "add"
        )
        return is_looked_up and super().shows_history()

    def query(self) -> tuple[str | None, QueryOptions, History | None]:
        """The arguments of ``Recommender.recommend``."""
        history = None
        if self.history is not None:
            history = History(self.history, instead=self.history_mode == "instead")
        return self.user_id, self.query_options(), history


class BatchRequest(_UserQueryRequest):
    """Users to recommend for, with the same options."""

    user_ids: list[Id] = Field(min_length=1, max_length=1000, description=_USERS)

    def size(self) -> int:
        """As ``QueryOptionsRequest.size``."""
        return len(self.user_ids) * super().size()

    def size_in_words(self) -> str:
        """As ``QueryOptionsRequest.size_in_words``."""
        return f"{len(self.user_ids)} users × {super().size_in_words()}"


class SimilarRequest(QueryOptionsRequest):
    """An item to find similar items for, and options."""

    item_id: Id = Field(description="Id of the item.")


class MoveRequest(BaseModel):
    """No members: the release is in the path. The body may also be empty."""

    model_config = ConfigDict(strict=True, extra="forbid")


@dataclass(frozen=True)
class RequestModels:
    """The classes of the request bodies of a service."""

    recommend: type[RecommendRequest]
    batch: type[BatchRequest]
    similar: type[SimilarRequest]


def request_models(settings: Settings) -> RequestModels:
    """The request models of a service with these settings."""
    k: Any = (Integer, Field(settings.default_k, ge=1, le=settings.max_k, description=_K))
    excluded: Any = (
        list[Id],
        Field(
            default_factory=list,
            json_schema_extra=_EMPTY_DEFAULT,
            max_length=settings.max_exclude_items,
            description=_EXCLUDE_ITEMS,
        ),
    )
    history: Any = (
        RecommendRequest.__annotations__["history"],
        Field(None, max_length=settings.max_history, description=_HISTORY),
    )
    users: Any = (
        list[Id],
        Field(min_length=1, max_length=settings.max_batch, description=_USERS),
    )
    return RequestModels(
        recommend=create_model(
            "RecommendRequest",
            __base__=RecommendRequest,
            __doc__=RecommendRequest.__doc__,
            k=k,
            exclude_items=excluded,
            history=history,
        ),
        batch=create_model(
            "BatchRequest",
            __base__=BatchRequest,
            __doc__=BatchRequest.__doc__,
            k=k,
            exclude_items=excluded,
            user_ids=users,
        ),
        similar=create_model(
            "SimilarRequest",
            __base__=SimilarRequest,
            __doc__=SimilarRequest.__doc__,
            k=k,
            exclude_items=excluded,
        ),
    )
