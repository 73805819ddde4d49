"""The example request that the service logs when it starts."""

import json
import shlex


def example_request(address: str, user_id: str, *, with_key: bool) -> str:
    """A shell command that requests recommendations for a user.

    Args:
        address: URL of the service, or ``unix:`` and the path of its socket.
        user_id: id of the user.
        with_key: whether requests need a key; the command then uses ``$KEY``.
    """
    body = shlex.quote(json.dumps({"user_id": user_id, "k": 5}, ensure_ascii=False))
    url = address
    if address.startswith("unix:"):
        url = f"--unix-socket {shlex.quote(address.removeprefix('unix:'))} http://localhost"
    key = ' -H "authorization: Bearer $KEY"' if with_key else ""
    return f"curl -s {url}/recommend -H 'content-type: application/json'{key} -d {body}"
