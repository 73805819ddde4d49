"""The bodies of requests. Types are exact: ``"10"`` is no ``k``."""

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


def _whole(value: object) -> object:
    """10.0 as 10, which JSON Schema takes for one integer."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


# Blanks around an id are not part of it, here as in files
# (bitrecall.training.data.columns.id_values).
Id = Annotated[str, Field(min_length=1), StringConstraints(strip_whitespace=True)]
Whole = Annotated[int, BeforeValidator(_whole)]

EXPLAINED: Final = 10
"""How many items one with reasons counts as in the size of an answer."""

_K = "How many items to recommend; fewer come back when fewer are allowed."
_HISTORY = "Ids of items that the user has, newest last."
_USERS = "Ids of the users; there is an answer for each, in this order."
# A default that is a list would be copied with every request, for a fiftieth of its time.
_NONE: dict[str, Any] = {"default": []}
_EXCLUDE_ITEMS = "Ids of items to leave out. Ones that nobody knows do no harm."


class QueryOptionsRequest(BaseModel):
    """What every request for items can say.

    ``k`` and the lengths of lists have the defaults and bounds of a service with default settings;
    ``request_models`` makes the classes for others.
    """

    model_config = ConfigDict(strict=True, extra="forbid")

    k: Whole = Field(10, ge=1, le=1000, description=_K)
    exclude_items: list[Id] = Field(
        default_factory=list,
        json_schema_extra=_NONE,
        max_length=1000,
        description=_EXCLUDE_ITEMS,
    )
    filter: FilterRequest | None = Field(None, description="Which items are wanted at all.")

    def options(self, *, exclude_seen: bool = True, explain: bool = False) -> QueryOptions:
        """The same for ``bitrecall.index.recommend``."""
        return QueryOptions(
            k=self.k,
            exclude_seen=exclude_seen,
            exclude_items=self.exclude_items,
            allowed=None if self.filter is None else self.filter.item_filter(),
            explain=explain,
        )

    def size(self) -> int:
        """Items in the answer, a measure of its cost; an item with reasons counts as ten."""
        return self.k

    def size_in_words(self) -> str:
        """What ``size`` is made of."""
        return f"k {self.k}"

    def shows_history(self) -> bool:
        """Whether the answer tells what a user has, beyond what the request itself says."""
        return False


class _ForUsers(QueryOptionsRequest):
    exclude_seen: bool = Field(
        True,
        description="Leave out the items that the user has: in the release, in events since, and "
        "in the history given.",
    )
    explain: bool = Field(
        False,
        description="Say for each item which of the user's own items its code agrees with most.",
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

        Reasons are items of the user, and so are items that only an answer with them has.
        """
        return self.explain or not self.exclude_seen


class RecommendRequest(_ForUsers):
    """Who to recommend for, and what. Either ``user_id`` or ``history`` has to be there."""

    # Not as anyOf: generators of clients make of that a choice of two types, and give up.
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
        description="'instead': the history takes the place of all that is known of the user. "
        "'add': it is added to that.",
    )

    @model_validator(mode="after")
    def _somebody(self) -> Self:
        if self.user_id is None and self.history is None:
            raise PydanticCustomError("nobody", "has to have a user_id or a history")
        return self

    def shows_history(self) -> bool:
        """As ``QueryOptionsRequest.shows_history``; not of a user who is not looked up."""
        is_looked_up = self.user_id is not None and (
            self.history is None or self.history_mode == "add"
        )
        return is_looked_up and super().shows_history()

    def given_history(self) -> History | None:
        """The history for ``bitrecall.index.recommend``, if there is one."""
        if self.history is None:
            return None
        return History(self.history, instead=self.history_mode == "instead")


class BatchRequest(_ForUsers):
    """Several users to recommend for, all in the same way."""

    user_ids: list[Id] = Field(min_length=1, max_length=1000, description=_USERS)

    def size(self) -> int:
        """As ``QueryOptionsRequest.size``."""
        return len(self.user_ids) * super().size()

    def size_in_words(self) -> str:
        """As ``QueryOptionsRequest.size_in_words``."""
        return f"{len(self.user_ids)} users × {super().size_in_words()}"


class SimilarRequest(QueryOptionsRequest):
    """An item, and how many of those like it."""

    item_id: Id = Field(description="Id of the item that others should be like.")


class MoveRequest(BaseModel):
    """No members: which release is meant stands in the path. The body may be empty, too."""

    model_config = ConfigDict(strict=True, extra="forbid")


@dataclass(frozen=True)
class RequestModels:
    """The classes of the bodies of a service."""

    recommend: type[RecommendRequest]
    batch: type[BatchRequest]
    similar: type[SimilarRequest]


def request_models(settings: Settings) -> RequestModels:
    """The classes of a service with these settings."""
    k: Any = (Whole, Field(settings.default_k, ge=1, le=settings.max_k, description=_K))
    excluded: Any = (
        list[Id],
        Field(
            default_factory=list,
            json_schema_extra=_NONE,
            max_length=settings.max_exclude_items,
            description=_EXCLUDE_ITEMS,
        ),
    )
    given: Any = (
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
            history=given,
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
