"""Settings of a retraining run: thresholds with their defaults and bounds."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX: Final = "BITRECALL_RETRAIN_"

Share = Annotated[float, Field(ge=0, le=1)]


class RetrainingSettings(BaseSettings):
    """The settings of ``bitrecall retrain``; each is read from its variable."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, extra="forbid", frozen=True
    )

    min_pairs: int = Field(
        100,
        ge=1,
        description="Minimum number of new (user, item) pairs; with fewer, the run waits for more.",
    )
    max_growth: float = Field(
        3.0,
        gt=0,
        description="Maximum number of new pairs, as a multiple of the pairs trained on so far.",
    )
    usual_events: float = Field(
        20.0,
        gt=1,
        description="Maximum factor by which the number of events may differ from the median of "
        "past runs.",
    )
    max_repeated: Share = Field(
        0.95, description="Maximum share of events that repeat pairs that are already known."
    )
    max_unknown_users: Share = Field(
        0.95, description="Maximum share of events by users that the served release does not know."
    )
    max_unknown_items: Share = Field(
        0.5, description="Maximum share of events on items that the served release does not know."
    )
    max_drift: float = Field(
        0.5,
        gt=0,
        description="Maximum drift of popularity: 0 if new pairs prefer the same items as before, "
        "1 if they are spread over all items evenly.",
    )
    max_user_events: int = Field(
        2000,
        ge=1,
        description="Maximum events of one user. Of a user with more, only the last ones, on items "
        "that others have too, are trained on; checks and gate ignore that user.",
    )
    max_item_share: Share = Field(0.25, description="Maximum share of the new pairs on one item.")
    min_file_share: Share = Field(
        0.9,
        description="Minimum number of pairs in the files, as a share of those of the last run.",
    )
    min_attribute_share: Share = Field(
        0.9,
        description="Minimum number of items with tags or attributes, as a share of those of the "
        "served release.",
    )
    gate_share: float = Field(
        0.2,
        gt=0,
        lt=1,
        description="Share of the new pairs, the latest, that both releases are evaluated on.",
    )
    gate_min_users: int = Field(
        20,
        ge=1,
        description="Minimum number of users to evaluate on; with fewer, the run waits for more.",
    )
    gate_metric: str = Field(
        "recall@50",
        pattern=r"^(recall|ndcg)@[1-9][0-9]*$",
        description="Metric that decides; NDCG at the same cut-off is compared too.",
    )
    gate_margin: Share = Field(
        0.01,
        description="How much worse the candidate's metric may be, as a share of the served "
        "release's.",
    )
    gate_resamples: int = Field(
        1000,
        ge=100,
        description="Bootstrap resamples for the confidence interval of the difference.",
    )
    warm_epochs: int = Field(10, ge=1, description="Epochs of a warm-started training.")
    warm_learning_rate: float = Field(
        0.03, gt=0, description="Learning rate of a warm-started training."
    )
    warm_teacher_epochs: int = Field(
        20, ge=1, description="Epochs of the teacher's LightGCN in a warm-started training."
    )
    max_new_share: Share = Field(
        0.3,
        description="Maximum share of new users, or of new items, for a warm start; above it "
        "training starts from scratch.",
    )
    minutes: float | None = Field(
        None,
        gt=0,
        description="Maximum minutes of training; after that it stops at the end of the epoch.",
    )
    memory_mib: int | None = Field(
        None,
        ge=64,
        description="Maximum memory of training, in MiB; by default what is free.",
    )
    keep: int = Field(5, ge=1, description="Releases to keep; older ones are removed.")
    keep_reports: int = Field(60, ge=1, description="Reports to keep; older ones are removed.")
