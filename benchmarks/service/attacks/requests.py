"""Attacks with single requests: rows 3, 5, 8, 9, 10, 15 and 16 of docs/security.md."""

import json
import subprocess
import sys
import time

from benchmarks.service.attacks.raw_http import Answer, request
from benchmarks.service.attacks.target import Target

EVENTS = 100_000
PER_POST = 1000
# Maximum seconds of a response for a user with many events.
SLOW = 0.2


def expensive_responses(service: Target) -> tuple[str, bool]:
    """Request a million explained items with 12 KB; disconnect after two seconds."""
    users = [str(user) for user in range(1000)]
    body = json.dumps({"user_ids": users, "k": 1000, "explain": True}).encode()
    started = time.perf_counter()
    status = service.exchange(request("POST", "/recommend/batch", body), 2)[0]
    taken = time.perf_counter() - started
    time.sleep(20)
    return f"answered {status or 'nothing'} in {taken:.1f} s", status == 422


def long_history(service: Target) -> tuple[str, bool]:
    """Request recommendations twenty times for a user with 100,000 events."""
    for first in range(0, EVENTS, PER_POST):
        events = [
            {"user_id": "guest", "item_id": str(number % 40_000)}
            for number in range(first, first + PER_POST)
        ]
        body = json.dumps({"events": events}).encode()
        status, _, answer = service.exchange(request("POST", "/events", body), 60)
        if status != 200:
            return f"events refused: {status} {answer[:100]!r}", False
    taken = []
    for _ in range(20):
        started = time.perf_counter()
        service.exchange(request("POST", "/recommend", b'{"user_id":"guest"}'), 60)
        taken.append(time.perf_counter() - started)
    # The first request also reads the new events.
    slowest = max(taken[1:])
    return f"slowest answer {1000 * slowest:.0f} ms", slowest < SLOW


def cross_site_form(service: Target) -> tuple[str, bool]:
    """Send what a form on any web page can send to a service without keys."""
    statuses = [
        service.exchange(request("POST", "/releases/rollback", b"a=b", *headers))[0]
        for headers in (
            ("Content-Type: text/plain", "Origin: https://evil.example"),
            ("Content-Type: application/x-www-form-urlencoded", "Sec-Fetch-Site: cross-site"),
            ("Content-Type: text/plain",),
        )
    ]
    return f"answered {statuses}", all(status in (403, 415) for status in statuses)


def dns_rebinding(service: Target) -> tuple[str, bool]:
    """Use a foreign host name that resolves to this machine (DNS rebinding)."""
    status = service.get("/users?k=3", "Host: evil.example")[0]
    return f"answered {status}", status == 421


def numbers_without_end(service: Target) -> tuple[str, bool]:
    """Send a filter bound with 310 digits."""
    number = b"1" + b"0" * 309
    bodies = (
        b'{"user_id":"17","filter":{"where":{"price":NUMBER}}}',
        b'{"user_id":"17","filter":{"where":{"price":{"gte":NUMBER}}}}',
        b'{"user_id":"17","k":NUMBER}',
    )
    statuses = [
        service.exchange(request("POST", "/recommend", body.replace(b"NUMBER", number)))[0]
        for body in bodies
    ]
    return f"answered {statuses}", statuses == [422] * 3


def unknown_members(service: Target) -> tuple[str, bool]:
    """Send 1 MB of unknown members ten times."""
    members = ",".join(f'"a{number}":1' for number in range(90_000))
    body = f'{{"user_id":"17",{members}}}'.encode()
    started = time.perf_counter()
    statuses = {service.exchange(request("POST", "/recommend", body))[0] for _ in range(10)}
    taken = (time.perf_counter() - started) / 10
    return f"answered {sorted(statuses)} in {1000 * taken:.0f} ms each", statuses == {422}


def key_of(service: Target, role: str) -> str | None:
    """Return a new key in the service's file, or None if the role does not exist."""
    made = subprocess.run(
        [
            sys.executable,
            "-m",
            "bitrecall",
            "key",
            "new",
            f"new-{role}",
            "--role",
            role,
            "--keys",
            service.environment["BITRECALL_KEYS"],
        ],
        cwd=service.checkout,
        capture_output=True,
        text=True,
        check=False,
    )
    return made.stdout.split()[-1] if made.returncode == 0 else None


def with_key(service: Target, key: str, data: tuple[str, str, bytes]) -> Answer:
    """Return the response to a request with a key."""
    return service.exchange(request(*data, f"Authorization: Bearer {key}"))


def list_of_users(service: Target) -> tuple[str, bool]:
    """List users with the key that a web page needs for recommendations."""
    key = key_of(service, "recommend")
    role = "recommend" if key else "read"
    key = key or key_of(service, role) or ""
    time.sleep(1)
    recommended = with_key(service, key, ("POST", "/recommend", b'{"user_id":"17"}'))[0]
    users = with_key(service, key, ("GET", "/users?k=5", b""))[0]
    history = with_key(service, key, ("GET", "/users/17", b""))[0]
    result = f"with the role {role}: recommend {recommended}, users {users}, history {history}"
    return result, (recommended, users, history) == (200, 403, 403)
