"""Every setting of the service, with its default, its bounds and what it is for."""

import re
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from bitrecall.service.errors import SettingsError

PREFIX: Final = "BITRECALL_"

_OTHERS: Final = tuple(
    f"{PREFIX}{name}_" for name in ("TRAIN", "RETRAIN", "EVALUATE", "DATA", "RELEASE")
)

_HOST_NAME: Final = re.compile(r"(\*\.)?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")
_ORIGIN: Final = re.compile(
    r"[a-z][a-z0-9+.-]*://[a-z0-9._-]+(:\d+)?|https?://\[[0-9a-f:]+\](:\d+)?"
)

Seconds = Annotated[float, Field(allow_inf_nan=False)]


class Settings(BaseSettings):
    """The settings of the service; each is read from ``BITRECALL_`` and its name in capitals.

    An empty variable counts as not set. ``load_settings`` is the way to one with errors that
    read well.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, extra="forbid", frozen=True
    )

    releases: Path = Field(
        Path("releases"), description="Folder of the release store that answers come from."
    )
    milvus: str | None = Field(
        None,
        pattern="^https?://",
        description="URL of a Milvus server that searches instead of this machine, such as "
        "http://milvus:19530, with /NAME at its end for a database of that name.",
    )
    milvus_token_file: Path | None = Field(
        None, description="File with USER:PASSWORD or a token for the Milvus server."
    )
    milvus_lists: bool = Field(
        False,
        description="Write collections whose codes are in lists, of which only the nearest are "
        "searched (BIN_IVF_FLAT): faster, and not exact. Counts for releases that are activated.",
    )
    events: str = Field(
        "sqlite:///events.db",
        min_length=1,
        description="Where events are kept: sqlite:///PATH, postgresql://USER@HOST/NAME, or off.",
    )
    events_signal: Path | None = Field(
        None,
        description="File through which services of this machine tell each other of new events; "
        "the workers of one have their own when it is not given.",
    )
    new_item_users: int = Field(
        3,
        ge=1,
        le=1_000_000,
        description="Users of the release that have to have taken a new item, before it can be "
        "recommended.",
    )
    fold_in_items: int = Field(
        1000,
        ge=1,
        le=100_000,
        description="How many of the items that a user has taken since the release count for their "
        "code: the newest. All of them are left out of answers.",
    )
    host: str = Field(
        "127.0.0.1",
        min_length=1,
        description="Address to listen on. Any but this machine's own needs keys. The service "
        "speaks plain HTTP: put something that does TLS in front of it.",
    )
    unix_socket: Path | None = Field(
        None,
        description="Listen on a unix socket at this path instead of an address and a port, as a "
        "proxy on this machine asks for.",
    )
    unix_socket_mode: str = Field(
        "660",
        pattern="^[0-7]{3}$",
        description="Who may connect to the unix socket, as an octal file mode: 660 is the user "
        "and the group of the service.",
    )
    root_path: str = Field(
        "",
        pattern=r"^$|^(/[A-Za-z0-9._~-]+)+$",
        description="Path below which a proxy serves the service, such as /recommender, whether "
        "the proxy takes it off or not.",
    )
    allowed_hosts: str | None = Field(
        None,
        description="Host names that the service answers to beside this machine's own, separated "
        "by commas; *.example.com is all names below, * any name. Without it, a service that "
        "listens on this machine alone and asks for no keys answers only to local names; others "
        "answer to any.",
    )
    allowed_origins: str | None = Field(
        None,
        description="Origins whose pages may use the service from a browser (CORS), separated by "
        "commas, such as https://shop.example; none by default.",
    )
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    keys: Path | None = Field(
        None,
        description="File of the keys that requests need, made by 'bitrecall key new'; without one "
        "anybody may do anything.",
    )
    open_access: bool = Field(
        False,
        description="Listen on another address than this machine's own without any keys.",
    )
    workers: int = Field(1, ge=1, le=256, description="Processes that answer requests.")
    default_k: int = Field(10, ge=1, description="Items in an answer when a request names no k.")
    max_k: int = Field(1000, ge=1, le=100_000, description="Largest k that a request may ask for.")
    max_concurrent: int = Field(
        64,
        ge=1,
        le=100_000,
        description="Requests in the work at once, a worker; the next are answered 503 at once.",
    )
    max_batch: int = Field(
        1000, ge=1, le=100_000, description="Most users that one request may ask for."
    )
    max_answer_items: int = Field(
        100_000,
        ge=1,
        le=10_000_000,
        description="Most items in one answer: users times k. An item that is explained counts as "
        "ten.",
    )
    max_heavy_requests: int = Field(
        2,
        ge=1,
        le=256,
        description="Requests for more than 5,000 items that a worker answers at a time. Four "
        "times as many wait, and the next are answered 503.",
    )
    max_history: int = Field(
        1000, ge=1, le=100_000, description="Longest history that a request may give."
    )
    max_exclude_items: int = Field(
        1000, ge=1, le=100_000, description="Most items that a request may leave out by id."
    )
    max_body_bytes: int = Field(
        1_048_576, ge=256, le=16_777_216, description="Longest request body in bytes."
    )
    body_timeout: Seconds = Field(
        10.0, gt=0, le=600, description="Seconds that a request body may take to arrive."
    )
    head_timeout: Seconds = Field(
        10.0,
        gt=0,
        le=600,
        description="Seconds from the first byte of a request, or the opening of a connection, "
        "until its headers have arrived.",
    )
    answer_timeout: Seconds = Field(
        30.0,
        gt=0,
        le=3600,
        description="Seconds that a client may take to read an answer before its connection is "
        "dropped.",
    )
    max_head_bytes: int = Field(
        65_536,
        ge=1024,
        le=1_048_576,
        description="Most bytes of a request line and headers; chunk extensions and trailers "
        "have the same limit.",
    )
    max_headers: int = Field(100, ge=10, le=10_000, description="Most headers of a request.")
    max_connections: int | None = Field(
        None,
        ge=1,
        le=65_536,
        description="Most connections of a worker; beyond it, the one that has waited longest for "
        "a request is closed. By default 1000, or as many as the limit of open files allows.",
    )
    max_buffered_bytes: int = Field(
        64 * 2**20,
        ge=2**20,
        le=2**36,
        description="Most bytes of incomplete requests that a worker keeps in memory, and likewise "
        "of answers that clients have not read.",
    )
    poll_interval: Seconds = Field(
        2.0, ge=0.05, le=3600, description="Seconds between looks for a new release."
    )
    startup_timeout: Seconds = Field(
        300.0,
        ge=1,
        le=86_400,
        description="Seconds that a worker gets to load the release and the events since, before "
        "a reload gives up on it.",
    )
    keep_alive_timeout: int = Field(
        30, ge=1, le=3600, description="Seconds that an idle connection is kept open."
    )
    shutdown_timeout: int = Field(
        10, ge=1, le=3600, description="Seconds that requests get to finish when stopping."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least severe level that is logged."
    )
    log_format: Literal["plain", "json"] = Field(
        "plain", description="Log lines as text, or as one JSON object each."
    )
    traces: str | None = Field(
        None,
        pattern="^https?://",
        description="URL that traces of requests are sent to with OpenTelemetry (OTLP over HTTP), "
        "such as http://collector:4318/v1/traces; none are made without.",
    )
    access_log: bool = Field(
        False, description="Log a line for every request; it costs throughput."
    )

    @field_validator("releases")
    @classmethod
    def _a_folder(cls, value: Path) -> Path:
        if value.exists() and not value.is_dir():
            raise ValueError("is a file, not the folder of a release store")
        return value

    @field_validator("allowed_hosts")
    @classmethod
    def _host_names(cls, value: str | None) -> str | None:
        for name in names_in(value):
            if not is_host_name(name):
                raise ValueError(
                    f"{name!r} is not a host name: expected names such as shop.example or "
                    "*.shop.example, without a scheme, port or path"
                )
        return value

    @field_validator("allowed_origins")
    @classmethod
    def _origins(cls, value: str | None) -> str | None:
        for origin in names_in(value):
            if _ORIGIN.fullmatch(origin) is None:
                raise ValueError(
                    f"{origin!r} is not an origin: expected a scheme and a host in lower case, "
                    "and a port if it is not the scheme's own, such as https://shop.example"
                )
        return value

    @field_validator("log_level", "log_format", mode="before")
    @classmethod
    def _any_case(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @model_validator(mode="after")
    def _default_within_max(self) -> Self:
        if self.default_k > self.max_k:
            raise ValueError(f"default_k ({self.default_k}) is above max_k ({self.max_k})")
        return self

    @model_validator(mode="after")
    def _keys_beyond_this_machine(self) -> Self:
        if self.unix_socket is not None:
            return self
        if self.keys is None and not self.open_access and not is_loopback(self.host):
            raise ValueError(
                f"on {self.host} others can reach the service: make keys with 'bitrecall key new' "
                "and name their file with BITRECALL_KEYS, or say BITRECALL_OPEN_ACCESS=true if "
                "something in front of it asks who they are"
            )
        return self


def is_loopback(host: str) -> bool:
    """Whether an address is this machine's own; a name is only when it is localhost."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_host_name(text: str) -> bool:
    """Whether a text can stand in a list of hosts: a name, an address, ``*.name`` or ``*``."""
    if text == "*":
        return True
    try:
        ip_address(text)
    except ValueError:
        return _HOST_NAME.fullmatch(text) is not None
    return True


def names_in(text: str | None) -> list[str]:
    """The names in a setting that is a list, separated by commas."""
    return [name.strip() for name in (text or "").split(",") if name.strip()]


def load_settings(**given: object) -> Settings:
    """The settings from the environment, with ``given`` ones (None: not given) before them.

    Raises ``SettingsError`` naming each variable with an unusable value.
    """
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]
    except ValidationError as error:
        raise SettingsError(_explain(error)) from None


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return PREFIX + name.upper()


def as_environment(settings: Settings) -> dict[str, str]:
    """The variables from which a worker process loads equal settings."""
    values: Mapping[str, object] = settings.model_dump(mode="json")
    # An empty variable counts as not set.
    return {variable(name): "" if value is None else str(value) for name, value in values.items()}


def unknown_variables(environment: Mapping[str, str]) -> list[str]:
    """Variables with our prefix that are no setting: most likely misspelt.

    Those of the other commands, such as BITRECALL_TRAIN_RECIPE, are none of the service's business.
    """
    known = {variable(name) for name in Settings.model_fields}
    ours = (name for name in environment if name.startswith(PREFIX))
    return sorted(name for name in ours if name not in known and not name.startswith(_OTHERS))


def _explain(error: ValidationError) -> str:
    lines = []
    for problem in error.errors(include_url=False):
        message = problem["msg"].removeprefix("Value error, ")
        message = message[0].lower() + message[1:]
        if problem["loc"]:
            name = variable(str(problem["loc"][0]))
            lines.append(f"{name}: {message} (is {problem['input']!r})")
        else:
            lines.append(message)
    return "settings are not usable: " + "; ".join(lines)
