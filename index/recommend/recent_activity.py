"""The interface to the activity of users since the release was trained."""

from collections.abc import Sequence
from typing import Protocol

from bitrecall.index.recommend.item_history import ItemHistory

RecentItems = Sequence[str] | ItemHistory
"""Item ids, the newest last."""


class RecentActivity(Protocol):
    """The activity of users since the release was trained."""

    def interactions_of(self, user_id: str) -> RecentItems:
        """Return the items of a user's interactions, the newest last."""
        ...

    def hidden_items_of(self, user_id: str) -> RecentItems:
        """Return the items that a user has hidden."""
        ...

    def is_forgotten(self, user_id: str) -> bool:
        """Return whether the user's data in the release must not be used."""
        ...


class NoRecentActivity:
    """No activity: for a recommender from the release alone."""

    def interactions_of(self, user_id: str) -> Sequence[str]:
        """Return nothing."""
        return ()

    def hidden_items_of(self, user_id: str) -> Sequence[str]:
        """Return nothing."""
        return ()

    def is_forgotten(self, user_id: str) -> bool:
        """Return False."""
        return False
