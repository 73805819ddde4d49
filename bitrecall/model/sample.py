"""``bitrecall.sample_events``: a click log to try things on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bitrecall.extras import extra_needed

if TYPE_CHECKING:
    import polars as pl

__all__ = ["sample_events"]


def sample_events() -> pl.DataFrame:
    """The embedded sample as a data frame of polars, one row per interaction, the oldest first.

    Some 90,000 interactions of 3,000 users with 2,000 items over two years, in the columns
    ``user_id``, ``item_id`` and ``timestamp``; generated, and the same every time. The word
    ``"sample"`` stands for the same interactions with a test split of their own.

    Raises:
        MissingExtraError: the extra ``train`` is not installed.
    """
    with extra_needed("bitrecall.sample_events", "train"):
        from bitrecall.training.data import sample

        return sample.sample_events()
