"""Filters on the tags and attributes of items."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bitrecall.index.errors import FilterError
from bitrecall.index.releases.attributes import ItemAttributes

Value = str | float


@dataclass(frozen=True)
class Condition:
    """A condition on one attribute: all its parts must hold. An unknown value does not match.

    Attributes:
        one_of: the allowed values; None allows all.
        at_least: inclusive lower bound; None for no bound.
        above: exclusive lower bound; None for no bound.
        at_most: inclusive upper bound; None for no bound.
        below: exclusive upper bound; None for no bound.
    """

    one_of: frozenset[Value] | None = None
    at_least: float | None = None
    above: float | None = None
    at_most: float | None = None
    below: float | None = None

    @property
    def has_bounds(self) -> bool:
        """Whether the condition has a bound, which only numbers can meet."""
        bounds = (self.at_least, self.above, self.at_most, self.below)
        return any(bound is not None for bound in bounds)


@dataclass(frozen=True)
class ItemFilter:
    """Conditions on items, all of which must hold.

    Attributes:
        any_tags: the item has at least one of these; empty for no condition.
        all_tags: the item has all of these.
        no_tags: the item has none of these.
        where: attribute names and the condition on each.
    """

    any_tags: frozenset[str] = frozenset()
    all_tags: frozenset[str] = frozenset()
    no_tags: frozenset[str] = frozenset()
    where: tuple[tuple[str, Condition], ...] = ()

    @property
    def matches_unknown(self) -> bool:
        """Whether an item without tags and attributes matches."""
        return not (self.any_tags or self.all_tags or self.where)

    def matching(self, attributes: ItemAttributes, n_items: int) -> NDArray[np.bool_]:
        """Return which items match, bool (n,).

        A tag or a text that no item has matches nothing.

        Raises:
            FilterError: no item has the attribute, or its type differs from the condition's.
        """
        mask = np.ones(n_items, np.bool_)
        if self.any_tags:
            mask &= _tagged(attributes, self.any_tags, n_items)
        for tag in sorted(self.all_tags):
            mask &= _tagged(attributes, {tag}, n_items)
        if self.no_tags:
            mask &= ~_tagged(attributes, self.no_tags, n_items)
        for name, condition in self.where:
            if name in attributes.number_names:
                mask &= _numbers_match(attributes, name, condition)
            elif name in attributes.text_names:
                mask &= _texts_match(attributes, name, condition)
            else:
                known = sorted((*attributes.number_names, *attributes.text_names))
                hint = f"expected {', '.join(known)}" if known else "this release has no attributes"
                raise FilterError(f"no item has an attribute {name!r}: {hint}", name)
        return mask


def _tagged(
    attributes: ItemAttributes, tags: frozenset[str] | set[str], n_items: int
) -> NDArray[np.bool_]:
    mask = np.zeros(n_items, np.bool_)
    for tag in tags:
        row = attributes.tags.row_of(tag)
        if row is not None:
            mask[attributes.tagged[row]] = True
    return mask


def _numbers_match(
    attributes: ItemAttributes, name: str, condition: Condition
) -> NDArray[np.bool_]:
    values = attributes.numbers[attributes.number_names.index(name)]
    # An unknown value is NaN, for which every comparison is false.
    mask: NDArray[np.bool_] = ~np.isnan(values)
    if condition.one_of is not None:
        if any(isinstance(value, str) for value in condition.one_of):
            raise FilterError(f"{name} is a number: expected numbers, not texts", name)
        mask &= np.isin(values, sorted(float(value) for value in condition.one_of))
    if condition.at_least is not None:
        mask &= values >= condition.at_least
    if condition.above is not None:
        mask &= values > condition.above
    if condition.at_most is not None:
        mask &= values <= condition.at_most
    if condition.below is not None:
        mask &= values < condition.below
    return mask


def _texts_match(attributes: ItemAttributes, name: str, condition: Condition) -> NDArray[np.bool_]:
    if condition.has_bounds:
        raise FilterError(f"{name} is a text: only numbers have bounds", name)
    values = attributes.texts[attributes.text_names.index(name)]
    if condition.one_of is None:
        return np.asarray(values >= 0)
    if any(not isinstance(value, str) for value in condition.one_of):
        raise FilterError(f"{name} is a text: expected texts, not numbers", name)
    rows = (attributes.values.row_of(str(value)) for value in condition.one_of)
    return np.isin(values, [row for row in rows if row is not None])
