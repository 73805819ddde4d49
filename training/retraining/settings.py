"""Every threshold of a night, with its default, its bounds and what it is for."""

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
        description="New pairs of a user and an item that a night needs; with fewer it waits for "
        "more.",
    )
    max_growth: float = Field(
        3.0, gt=0, description="New pairs that may come, as a multiple of those trained on so far."
    )
    usual_events: float = Field(
        20.0,
        gt=1,
        description="Events of a night may be so many times more, or fewer, than the median of "
        "the nights before.",
    )
    max_repeated: Share = Field(
        0.95, description="Share of the events that may repeat pairs that were there already."
    )
    max_unknown_users: Share = Field(
        0.95, description="Share of the events that may be by users not known so far."
    )
    max_unknown_items: Share = Field(
        0.5, description="Share of the events that may be of items not known so far."
    )
    max_drift: float = Field(
        0.5,
        gt=0,
        description="Drift of popularity that is borne: 0 where new pairs have items as popular "
        "as before, 1 where they have all items alike.",
    )
    max_user_events: int = Field(
        2000,
        ge=1,
        description="Events of one user that count. More are no person's: the last ones of items "
        "that others have too are trained on, and neither checks nor gate look at that user.",
    )
    max_item_share: Share = Field(
        0.25, description="Share of the new pairs that may be of one item."
    )
    min_file_share: Share = Field(
        0.9, description="Share of the pairs of the files of the last night that must be there."
    )
    min_attribute_share: Share = Field(
        0.9,
        description="Share of the items with tags or attributes of the last release that must "
        "have some.",
    )
    gate_share: float = Field(
        0.2,
        gt=0,
        lt=1,
        description="Share of the new pairs, the latest, that both releases are judged by.",
    )
    gate_min_users: int = Field(
        20, ge=1, description="Users that a judgement needs; with fewer the night waits for more."
    )
    gate_metric: str = Field(
        "recall@50",
        pattern=r"^(recall|ndcg)@[1-9][0-9]*$",
        description="Measure that decides; NDCG at the same cut-off is looked at too.",
    )
    gate_margin: Share = Field(
        0.01,
        description="Part of the parent's measure by which a candidate may be worse and still be "
        "published.",
    )
    gate_resamples: int = Field(
        1000, ge=100, description="Resamples of the bootstrap interval of the difference."
    )
    warm_epochs: int = Field(10, ge=1, description="Epochs of a training that starts warm.")
    warm_learning_rate: float = Field(
        0.03, gt=0, description="Learning rate of a training that starts warm."
    )
    warm_teacher_epochs: int = Field(
        20, ge=1, description="Epochs of the teacher's LightGCN in a training that starts warm."
    )
    max_new_share: Share = Field(
        0.3,
        description="Share of the users, or of the items, that may be new for a "
        "training to start warm; above it starts from scratch.",
    )
    minutes: float | None = Field(
        None, gt=0, description="Minutes that training may take; it stops after an epoch then."
    )
    memory_mib: int | None = Field(
        None,
        ge=64,
        description="Memory in MiB that training may need; what is free when it is not given.",
    )
    keep: int = Field(5, ge=1, description="Releases to keep; older ones are removed.")
    keep_reports: int = Field(60, ge=1, description="Reports to keep; older ones are removed.")
