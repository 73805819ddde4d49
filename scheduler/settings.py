"""Every setting of the scheduler, with its default, its bounds and what it is for."""

from typing import Final

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX: Final = "BITRECALL_SCHEDULER_"


class SchedulerSettings(BaseSettings):
    """The settings of ``bitrecall scheduler``; each is read from its variable."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, extra="forbid", frozen=True
    )

    at: str = Field(
        "03:00",
        pattern=r"^([01]\d|2[0-3]):[0-5]\d$",
        description="Time of day to retrain at, as HH:MM.",
    )
    timezone: str = Field(
        "UTC", min_length=1, description="Time zone of that time, such as Europe/Berlin."
    )
    catch_up: bool = Field(
        True,
        description="Retrain at once on starting where the last time was missed, however often.",
    )
    retries: int = Field(
        3, ge=0, le=100, description="How often a night that failed is tried again."
    )
    retry_minutes: float = Field(
        10.0, ge=0, le=24 * 60, description="Minutes before it is tried again."
    )
    metrics_host: str = Field(
        "127.0.0.1", min_length=1, description="Address to listen on for Prometheus."
    )
    metrics_port: int | None = Field(
        None, ge=0, le=65535, description="Port to listen on for Prometheus; none when not given."
    )
