"""``bitrecall.sample_events``: a generated click log for experiments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bitrecall.extras import extra_needed

if TYPE_CHECKING:
    import polars as pl

__all__ = ["sample_events"]


def sample_events() -> pl.DataFrame:
    """Return the embedded sample as a polars data frame, one row per interaction, oldest first.

    It has about 90,000 interactions of 3,000 users with 2,000 items over two years, in the columns
    ``user_id``, ``item_id`` and ``timestamp``. The data are generated, and the same in every call.
    ``bitrecall.fit("sample")`` uses the same interactions with a predefined test split.

    Raises:
        MissingExtraError: the extra ``train`` is not installed.
    """
    with extra_needed("bitrecall.sample_events", "train"):
        from bitrecall.training.data import sample

        return sample.sample_events()
