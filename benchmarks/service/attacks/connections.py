"""Attacks on connections: rows 1, 2, 4, 6, 7 and 11 of docs/security.md."""

import contextlib
import json
import threading
import time
from collections.abc import Iterator

from benchmarks.service.attacks.raw_http import Raw, request
from benchmarks.service.attacks.target import Target, releases_in

MIB = 2**20
IDLE_SOCKETS = 150
READERS = 12
CROWD = 24
# Maximum concurrent requests of the service of rows 6 and 7.
MAX_CONCURRENT = 4


def endless(service: Target, begin: bytes, chunk: bytes, max_bytes: int) -> tuple[str, bool]:
    """Send an endless stream until the service stops it."""
    sent = len(begin)
    with contextlib.closing(Raw(service.port, timeout=10)) as connection:
        connection.send(begin)
        while sent < max_bytes and connection.send(chunk):
            sent += len(chunk)
        status = connection.answer()[0] if sent < max_bytes else 0
    return f"{sent / MIB:.1f} MiB taken, answered {status or 'nothing'}", sent < 8 * MIB


def headers_without_end(service: Target) -> tuple[str, bool]:
    """Send 24 MiB of header lines."""
    return endless(service, b"GET / HTTP/1.1\r\n", b"a: b\r\n" * 5000, 24 * MIB)


def url_without_end(service: Target) -> tuple[str, bool]:
    """Send a URL of 32 MiB."""
    return endless(service, b"GET /", b"a" * 65_536, 32 * MIB)


def trailers_without_end(service: Target) -> tuple[str, bool]:
    """Send 24 MiB of trailers after a chunked body."""
    coding = ("Transfer-Encoding: chunked", "Content-Type: application/json")
    head = request("POST", "/recommend", b"", *coding)
    return endless(service, head + b"0\r\n", b"a: b\r\n" * 5000, 24 * MIB)


def idle_sockets(service: Target) -> tuple[str, bool]:
    """Open 150 silent connections with a limit of 128 files; then activate another release."""
    before = json.loads(service.get("/popular?k=1")[2])["release_id"]
    opened = []
    try:
        for _ in range(IDLE_SOCKETS):
            with contextlib.suppress(OSError):
                opened.append(Raw(service.port, timeout=2))
        statuses = [service.exchange(request("GET", "/livez"), 2)[0] for _ in range(10)]
        other = next(name for name in releases_in(service.releases) if name != before)
        current = service.releases / "CURRENT"
        new = current.with_name("NEXT")
        new.write_text(other + "\n")
        new.replace(current)
        time.sleep(4)
        body = service.exchange(request("GET", "/popular?k=1"), 2)[2]
        is_taken = bool(body) and json.loads(body)["release_id"] == other
        time.sleep(8)
        open_still = sum(not connection.is_closed(0.01) for connection in opened)
    finally:
        for connection in opened:
            connection.close()
    answered = statuses.count(200)
    result = (
        f"{answered} of 10 others answered, new release {'' if is_taken else 'not '}taken up, "
        f"{open_still} of {IDLE_SOCKETS} open after 12 s"
    )
    return result, answered == 10 and is_taken and open_still == 0


def never_reading(service: Target) -> tuple[str, bool]:
    """Request large responses with 12 clients that do not read them."""
    users = [str(user) for user in range(1000)]
    for count in (1000, 100):
        body = json.dumps({"user_ids": users[:count], "k": 1000}).encode()
        status = service.exchange(request("POST", "/recommend/batch", body), 60)[0]
        if status == 200:
            break
    readers = [Raw(service.port, small=True) for _ in range(READERS)]
    for reader in readers:
        reader.send(request("POST", "/recommend/batch", body))
    # Time for the responses, and then BITRECALL_ANSWER_TIMEOUT of 3 seconds.
    time.sleep(25)
    memory = service.memory()
    states = [reader.is_dropped(3) for reader in readers]
    for reader in readers:
        reader.close()
    dropped = f"{sum(states)} of {READERS} dropped or refused"
    result = f"{count} users x 1,000 items, {dropped}, {memory:.0f} MiB then"
    return result, all(states)


@contextlib.contextmanager
def busy(service: Target) -> Iterator[None]:
    """Keep the maximum number of requests in progress for some seconds."""
    body = json.dumps({"user_ids": [str(user) for user in range(1000)], "k": 50}).encode()
    stop = threading.Event()

    def send_repeatedly() -> None:
        while not stop.is_set():
            service.exchange(request("POST", "/recommend/batch", body), 60)

    threads = [threading.Thread(target=send_repeatedly) for _ in range(2 * MAX_CONCURRENT)]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def around_admission(service: Target) -> tuple[str, bool]:
    """Send 24 concurrent requests in three encodings, where four are admitted."""
    body = json.dumps({"user_ids": [str(user) for user in range(1000)], "k": 50}).encode()
    chunked = request(
        "POST",
        "/recommend/batch",
        b"",
        "Transfer-Encoding: chunked",
        "Content-Type: application/json",
    )
    encodings = {
        "chunked": chunked + b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body),
        "Expect": request("POST", "/recommend/batch", body, "Expect: something"),
        "pipelined": request("GET", "/livez") + request("POST", "/recommend/batch", body),
    }
    counts = {}
    for name, data in encodings.items():
        crowd = [Raw(service.port, timeout=60) for _ in range(CROWD)]
        for client in crowd:
            client.send(data[:-1])
        time.sleep(0.3)
        for client in crowd:
            client.send(data[-1:])
        if name == "pipelined":
            for client in crowd:
                client.answer()
        counts[name] = sum(client.answer()[0] == 200 for client in crowd)
        for client in crowd:
            client.close()
    result = ", ".join(f"{count} of {CROWD} {name}" for name, count in counts.items())
    return f"answered: {result}", all(count <= MAX_CONCURRENT + 2 for count in counts.values())


def refused_and_kept(service: Target) -> tuple[str, bool]:
    """Send a request that is rejected for overload and asks to close the connection."""
    with busy(service):
        for _ in range(200):
            with contextlib.closing(Raw(service.port)) as connection:
                connection.send(request("GET", "/popular", b"", "Connection: close"))
                if connection.answer()[0] == 503:
                    closed = connection.is_closed(2)
                    return f"connection {'closed' if closed else 'kept'}", closed
    return "never refused", False


def other_protocols(service: Target) -> tuple[str, bool]:
    """Send a request like Java's HTTP client, with an offer of HTTP/2."""
    body = b'{"user_id":"17","k":3}'
    offer = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQA")
    status = service.exchange(request("POST", "/recommend", body, *offer))[0]
    return f"answered {status}", status == 200
