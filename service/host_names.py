"""Host names and origins, as settings and Host headers have them."""

import re
from ipaddress import ip_address
from typing import Final

_HOST_NAME: Final = re.compile(r"(\*\.)?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")
_ORIGIN: Final = re.compile(
    r"[a-z][a-z0-9+.-]*://[a-z0-9._-]+(:\d+)?|https?://\[[0-9a-f:]+\](:\d+)?"
)


def is_loopback(host: str) -> bool:
    """Whether an address is a loopback address, or the name ``localhost``."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_host_name(text: str) -> bool:
    """Whether a text is an entry of ``allowed_hosts``: a name, an address, ``*.name`` or ``*``."""
    if text == "*":
        return True
    try:
        ip_address(text)
    except ValueError:
        return _HOST_NAME.fullmatch(text) is not None
    return True


def is_origin(text: str) -> bool:
    """Whether a text is an entry of ``allowed_origins``, such as ``https://shop.example``."""
    return _ORIGIN.fullmatch(text) is not None


def names_in(text: str | None) -> list[str]:
    """The entries of a comma-separated setting."""
    return [name.strip() for name in (text or "").split(",") if name.strip()]
