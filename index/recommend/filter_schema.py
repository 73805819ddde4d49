"""The member ``filter`` of requests."""

import math
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from bitrecall.index.releases.filters import Condition, ItemFilter, Value

MAX_TERMS: Final = 100
MAX_ATTRIBUTES: Final = 20

_SCALAR_SCHEMA: Final = {"type": ["string", "number", "boolean"]}


def _scalar(value: Any) -> Value:
    if isinstance(value, bool):
        # As the importer of item tables writes booleans.
        return "true" if value else "false"
    if isinstance(value, str) or (isinstance(value, int | float) and _is_finite(value)):
        return value
    raise PydanticCustomError("scalar_type", "has to be a string, a finite number or a boolean")


def _is_finite(number: float) -> bool:
    try:
        return math.isfinite(number)
    except OverflowError:
        # An integer too large for a float.
        return False


def _expand_short_form(value: Any) -> Any:
    """Expand the short forms: a value, or a list of values, is a condition with ``in``."""
    if isinstance(value, list):
        return {"in": value}
    return value if isinstance(value, dict) or value is None else {"in": [value]}


Scalar = Annotated[Any, BeforeValidator(_scalar), WithJsonSchema(_SCALAR_SCHEMA)]
Bound = Annotated[float | None, Field(allow_inf_nan=False)]
AttributeName = Annotated[str, Field(max_length=1000)]
Tags = Annotated[list[str], Field(max_length=MAX_TERMS)]


class AttributeCondition(BaseModel):
    """Conditions on an attribute, all of which must hold. Empty: the attribute must be known."""

    model_config = ConfigDict(strict=True, extra="forbid", populate_by_name=True)

    one_of: list[Scalar] | None = Field(
        None,
        alias="in",
        max_length=MAX_TERMS,
        description="One of these values; true and false are the texts 'true' and 'false'.",
    )
    gte: Bound = Field(None, description="At least this number.")
    gt: Bound = Field(None, description="More than this number.")
    lte: Bound = Field(None, description="At most this number.")
    lt: Bound = Field(None, description="Less than this number.")

    def condition(self) -> Condition:
        """Convert to the type in ``bitrecall.index.releases.filters``."""
        one_of = None if self.one_of is None else frozenset(self.one_of)
        return Condition(one_of, at_least=self.gte, above=self.gt, at_most=self.lte, below=self.lt)


_CONDITION_SCHEMA: Final = {
    "anyOf": [
        {"$ref": "#/components/schemas/AttributeCondition"},
        _SCALAR_SCHEMA,
        {"type": "array", "items": _SCALAR_SCHEMA, "maxItems": MAX_TERMS},
    ]
}
Where = Annotated[
    AttributeCondition, BeforeValidator(_expand_short_form), WithJsonSchema(_CONDITION_SCHEMA)
]


class FilterRequest(BaseModel):
    """Conditions on items, all of which must hold.

    An item without a known value for an attribute in a condition does not match.
    """

    model_config = ConfigDict(strict=True, extra="forbid")

    any_tags: Tags = Field([], description="The item has at least one of these tags.")
    all_tags: Tags = Field([], description="The item has all of these tags.")
    no_tags: Tags = Field([], description="The item has none of these tags.")
    where: dict[AttributeName, Where] = Field(
        {},
        max_length=MAX_ATTRIBUTES,
        description="Conditions by attribute name. A single value is short for {'in': [value]}, a "
        "list for {'in': list}.",
    )

    def item_filter(self) -> ItemFilter | None:
        """Convert to the type in ``bitrecall.index.releases.filters``; None without conditions."""
        item_filter = ItemFilter(
            any_tags=frozenset(self.any_tags),
            all_tags=frozenset(self.all_tags),
            no_tags=frozenset(self.no_tags),
            where=tuple(
                (name, condition.condition()) for name, condition in sorted(self.where.items())
            ),
        )
        return None if item_filter == ItemFilter() else item_filter
