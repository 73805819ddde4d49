"""The settings of the service, with defaults, bounds and descriptions."""

from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from bitrecall.service.host_names import is_host_name, is_loopback, is_origin, names_in

PREFIX: Final = "BITRECALL_"

Seconds = Annotated[float, Field(allow_inf_nan=False)]


class Settings(BaseSettings):
    """The settings of the service, read from environment variables.

    A variable is ``BITRECALL_`` and the name of the setting in capitals; an empty one counts as not
    set. Use ``environment.load_settings`` for readable errors.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, extra="forbid", frozen=True
    )

    releases: Path = Field(Path("releases"), description="Folder of the release store.")
    milvus: str | None = Field(
        None,
        pattern="^https?://",
        description="URL of a Milvus server to search with, instead of searching in this process, "
        "such as http://milvus:19530; add /NAME for a database of that name.",
    )
    milvus_token_file: Path | None = Field(
        None, description="File with USER:PASSWORD or a token for the Milvus server."
    )
    milvus_lists: bool = Field(
        False,
        description="Create Milvus collections with an inverted file index (BIN_IVF_FLAT): "
        "faster, and approximate. Applies to releases that are activated afterwards.",
    )
    events: str = Field(
        "sqlite:///events.db",
        min_length=1,
        description="Where events are stored: sqlite:///PATH, postgresql://USER@HOST/NAME, or off.",
    )
    events_signal: Path | None = Field(
        None,
        description="File through which several services on this machine notify each other of new "
        "events; by default the workers of one service share a temporary file.",
    )
    new_item_users: int = Field(
        3,
        ge=1,
        le=1_000_000,
        description="Minimum users of the release with an event for a new item before it is "
        "recommended.",
    )
    fold_in_items: int = Field(
        1000,
        ge=1,
        le=100_000,
        description="Maximum items since the release that count for a user's code: the newest. All "
        "items are excluded from recommendations.",
    )
    host: str = Field(
        "127.0.0.1",
        min_length=1,
        description="Address to listen on. Any address other than loopback needs keys. The service "
        "speaks plain HTTP: put a proxy with TLS in front of it.",
    )
    unix_socket: Path | None = Field(
        None,
        description="Listen on a unix socket at this path instead of an address and a port, for a "
        "proxy on this machine.",
    )
    unix_socket_mode: str = Field(
        "660",
        pattern="^[0-7]{3}$",
        description="File mode of the unix socket, in octal: 660 allows the user and the group of "
        "the service to connect.",
    )
    root_path: str = Field(
        "",
        pattern=r"^$|^(/[A-Za-z0-9._~-]+)+$",
        description="Path below which a proxy serves the service, such as /recommender; the proxy "
        "may remove it or not.",
    )
    allowed_hosts: str | None = Field(
        None,
        description="Allowed Host headers besides local names, separated by commas; *.example.com "
        "allows all subdomains, * all names. By default a service on a loopback address without "
        "keys allows local names only, and any other service allows all.",
    )
    allowed_origins: str | None = Field(
        None,
        description="Origins whose pages may use the service from a browser (CORS), separated by "
        "commas, such as https://shop.example; none by default.",
    )
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on; 0 selects a free one.")
    keys: Path | None = Field(
        None,
        description="Key file, made by 'bitrecall key new'; without one every client may do "
        "everything.",
    )
    open_access: bool = Field(
        False,
        description="Allow an address other than loopback without keys.",
    )
    workers: int = Field(1, ge=1, le=256, description="Worker processes.")
    default_k: int = Field(10, ge=1, description="Items per response if the request has no k.")
    max_k: int = Field(1000, ge=1, le=100_000, description="Maximum k of a request.")
    max_concurrent: int = Field(
        64,
        ge=1,
        le=100_000,
        description="Maximum concurrent requests per worker; more get 503.",
    )
    max_batch: int = Field(1000, ge=1, le=100_000, description="Maximum users per request.")
    max_answer_items: int = Field(
        100_000,
        ge=1,
        le=10_000_000,
        description="Maximum items per response: users times k. An explained item counts as ten.",
    )
    max_heavy_requests: int = Field(
        2,
        ge=1,
        le=256,
        description="Maximum concurrent requests for more than 5,000 items, per worker. Four times "
        "that number may wait; more get 503.",
    )
    max_history: int = Field(
        1000, ge=1, le=100_000, description="Maximum items in the history of a request."
    )
    max_exclude_items: int = Field(
        1000, ge=1, le=100_000, description="Maximum items that a request may exclude by id."
    )
    max_body_bytes: int = Field(
        1_048_576, ge=256, le=16_777_216, description="Maximum length of a request body in bytes."
    )
    body_timeout: Seconds = Field(
        10.0, gt=0, le=600, description="Maximum seconds for a request body to arrive."
    )
    head_timeout: Seconds = Field(
        10.0,
        gt=0,
        le=600,
        description="Maximum seconds from the first byte of a request, or the opening of a "
        "connection, until its headers have arrived.",
    )
    answer_timeout: Seconds = Field(
        30.0,
        gt=0,
        le=3600,
        description="Maximum seconds for a client to read a response; then it is disconnected.",
    )
    max_head_bytes: int = Field(
        65_536,
        ge=1024,
        le=1_048_576,
        description="Maximum bytes of a request line and headers; chunk extensions and trailers "
        "have the same limit.",
    )
    max_headers: int = Field(100, ge=10, le=10_000, description="Maximum headers of a request.")
    max_connections: int | None = Field(
        None,
        ge=1,
        le=65_536,
        description="Maximum connections per worker; above it, the connection that has been idle "
        "longest is closed. By default 1000, or fewer if the limit of open files is low.",
    )
    max_buffered_bytes: int = Field(
        64 * 2**20,
        ge=2**20,
        le=2**36,
        description="Maximum bytes of incomplete requests in memory per worker, and likewise of "
        "responses that clients have not read.",
    )
    poll_interval: Seconds = Field(
        2.0,
        ge=0.05,
        le=3600,
        description="Seconds between checks for a new release and new events.",
    )
    startup_timeout: Seconds = Field(
        300.0,
        ge=1,
        le=86_400,
        description="Maximum seconds for a new worker to load the release and the events since; "
        "then a reload is abandoned.",
    )
    keep_alive_timeout: int = Field(
        30, ge=1, le=3600, description="Seconds that an idle connection stays open."
    )
    shutdown_timeout: int = Field(
        10,
        ge=1,
        le=3600,
        description="Maximum seconds for requests to finish when the service stops.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Minimum level that is logged."
    )
    log_format: Literal["plain", "json"] = Field(
        "plain", description="Log lines as text, or as one JSON object each."
    )
    traces: str | None = Field(
        None,
        pattern="^https?://",
        description="URL to send OpenTelemetry traces of requests to (OTLP over HTTP), such as "
        "http://collector:4318/v1/traces; by default none are sent.",
    )
    access_log: bool = Field(False, description="Log a line per request; it costs throughput.")

    @field_validator("releases")
    @classmethod
    def _check_folder(cls, value: Path) -> Path:
        if value.exists() and not value.is_dir():
            raise ValueError("is a file, not the folder of a release store")
        return value

    @field_validator("allowed_hosts")
    @classmethod
    def _check_host_names(cls, value: str | None) -> str | None:
        for name in names_in(value):
            if not is_host_name(name):
                raise ValueError(
                    f"{name!r} is not a host name: expected names such as shop.example or "
                    "*.shop.example, without a scheme, port or path"
                )
        return value

    @field_validator("allowed_origins")
    @classmethod
    def _check_origins(cls, value: str | None) -> str | None:
        for origin in names_in(value):
            if not is_origin(origin):
                raise ValueError(
                    f"{origin!r} is not an origin: expected a scheme and a host in lower case, "
                    "and a port if it is not the default, such as https://shop.example"
                )
        return value

    @field_validator("log_level", "log_format", mode="before")
    @classmethod
    def _in_lower_case(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @model_validator(mode="after")
    def _check_default_k(self) -> Self:
        if self.default_k > self.max_k:
            raise ValueError(f"default_k ({self.default_k}) is above max_k ({self.max_k})")
        return self

    @model_validator(mode="after")
    def _check_access(self) -> Self:
        if self.unix_socket is not None:
            return self
        if self.keys is None and not self.open_access and not is_loopback(self.host):
            raise ValueError(
                f"other machines can reach the service on {self.host}: make keys with 'bitrecall "
                "key new' and set BITRECALL_KEYS to their file, or set BITRECALL_OPEN_ACCESS=true "
                "if a proxy in front of the service authenticates clients"
            )
        return self


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return PREFIX + name.upper()
