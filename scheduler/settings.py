"""Settings of the scheduler, with defaults and bounds."""

from typing import Final

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX: Final = "BITRECALL_SCHEDULER_"


class SchedulerSettings(BaseSettings):
    """Settings of ``bitrecall scheduler``, each read from its environment variable."""

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
        description="Retrain at start if one or more scheduled runs were missed.",
    )
    retries: int = Field(3, ge=0, le=100, description="Maximum number of retries of a failed run.")
    retry_minutes: float = Field(
        10.0, ge=0, le=24 * 60, description="Delay before a retry, in minutes."
    )
    metrics_host: str = Field(
        "127.0.0.1", min_length=1, description="Address to listen on for Prometheus."
    )
    metrics_port: int | None = Field(
        None,
        ge=0,
        le=65535,
        description="Port to listen on for Prometheus; by default metrics are not served.",
    )
