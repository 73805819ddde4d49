"""The service under test: its address, and the requests to it."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlsplit

from bitrecall.loadtest.errors import LoadTestError
from bitrecall.loadtest.load_generator import Address

_TIMEOUT: Final = 10.0
_MAX_USERS: Final = 1000


@dataclass(frozen=True)
class Target:
    """A service.

    Attributes:
        url: its base URL.
        key: an API key with the role read, if the service requires keys.
        address: host and port of the URL.
    """

    url: str
    key: str | None
    address: Address

    @classmethod
    def at(cls, url: str, key: str | None = None) -> Target:
        """Parse a URL.

        Raises:
            LoadTestError: the URL or the key is invalid.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise LoadTestError(f"invalid URL {url!r}: {error}") from error
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise LoadTestError(f"invalid URL {url!r}: expected one such as http://127.0.0.1:8000")
        if key is not None and not (key.isascii() and key.isprintable() and " " not in key):
            raise LoadTestError("invalid key: expected printable ASCII without spaces")
        secure = parts.scheme == "https"
        address = Address(parts.hostname, port or (443 if secure else 80), secure)
        return cls(url.rstrip("/"), key, address)

    def users(self, count: int) -> list[str]:
        """Ids of up to ``count`` users of the release.

        Raises:
            LoadTestError: the service does not respond, or has no users.
        """
        try:
            body: Any = json.loads(self.get(f"/users?k={min(count, _MAX_USERS)}"))
            users = [str(user) for user in body["ids"]]
        except (ValueError, LookupError, TypeError) as error:
            raise LoadTestError(f"{self.url} does not respond like Bitrecall") from error
        if not users:
            raise LoadTestError(f"{self.url} has no users: publish a release first")
        return users

    def get(self, path: str) -> str:
        """The body of a 200 response.

        Raises:
            LoadTestError: any other status, or no response.
        """
        request = urllib.request.Request(self.url + path, headers=self._headers())  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT) as response:  # noqa: S310
                return str(response.read().decode())
        except urllib.error.HTTPError as error:
            advice = ": pass a key with --key-file" if error.code in (401, 403) else ""
            raise LoadTestError(f"{self.url}{path} responds {error.code}{advice}") from error
        except (OSError, UnicodeDecodeError) as error:
            raise LoadTestError(f"{self.url} cannot be reached: {error}") from error

    def recommend(self, user: str, k: int) -> bytes:
        """A complete HTTP request for ``k`` recommendations of a user."""
        body = json.dumps({"user_id": user, "k": k}).encode()
        path = quote(urlsplit(self.url).path + "/recommend")
        headers = {
            "host": f"{self.address.host}:{self.address.port}",
            "content-type": "application/json",
            "content-length": str(len(body)),
            **self._headers(),
        }
        lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        return "\r\n".join([*lines, "", ""]).encode() + body

    def _headers(self) -> dict[str, str]:
        return {} if self.key is None else {"authorization": f"Bearer {self.key}"}
