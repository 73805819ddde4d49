"""Faults in the environment of a service: rows 12, 13, 14 and 17 of docs/security.md."""

import contextlib
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import yaml

from benchmarks.service.attacks.raw_http import HOST, request
from benchmarks.service.attacks.requests import key_of, with_key
from benchmarks.service.attacks.target import Target, family, releases_in

LIMITS = ("mem_limit", "pids_limit", "cpus")


def killed_parent(service: Target) -> tuple[str, bool]:
    """Kill the supervisor of two workers with SIGKILL."""
    workers = family(service.process.pid)[1:]
    os.kill(service.process.pid, signal.SIGKILL)
    service.process.wait()
    time.sleep(3)
    alive = [pid for pid in workers if _runs(pid)]
    try:
        with socket.create_server((HOST, service.port)):
            is_free = True
    except OSError:
        is_free = False
    result = (
        f"{len(alive)} of {len(workers)} processes live on, port {'free' if is_free else 'held'}"
    )
    return result, not alive and is_free


def _runs(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    return False


def revoked_key(service: Target) -> tuple[str, bool]:
    """Remove a key from a file that also has an invalid line; set the mode of the file to 666."""
    keys = Path(service.environment["BITRECALL_KEYS"])
    key = key_of(service, "read") or ""
    admin = key_of(service, "admin") or ""
    time.sleep(1)
    before = with_key(service, key, ("GET", "/popular", b""))[0]
    lines = [line for line in keys.read_text().splitlines() if "new-read" not in line]
    keys.write_text("\n".join([*lines, "bad line"]) + "\n")
    time.sleep(1)
    after = with_key(service, key, ("GET", "/popular", b""))[0]
    metrics = with_key(service, admin, ("GET", "/metrics", b""))[2].decode()
    is_reported = "bitrecall_keys_file_ok 0" in metrics
    keys.chmod(0o666)
    environment = {**service.environment, "BITRECALL_PORT": "0"}
    keys.write_text("\n".join(lines) + "\n")
    starting = subprocess.Popen(
        service.command, cwd=service.checkout, env=environment, stderr=subprocess.DEVNULL
    )
    try:
        is_refused = starting.wait(8) != 0
    except subprocess.TimeoutExpired:
        is_refused = False
        starting.terminate()
        starting.wait()
    result = (
        f"{before} before, {after} after; gauge {'shows it' if is_reported else 'missing'}; "
        f"mode 666 {'refused' if is_refused else 'taken'}"
    )
    return result, (before, after, is_reported, is_refused) == (200, 401, True, True)


def compose_file(service: Target) -> tuple[str, bool]:
    """Check the limits and the passwords in the Compose file."""
    root = service.checkout or Path(__file__).parents[3]
    text = (root / "compose.yaml").read_text()
    services = yaml.safe_load(text)["services"]
    limited = sum(all(limit in container for limit in LIMITS) for container in services.values())
    hardened = sum(
        "cap_drop" in container and "security_opt" in container for container in services.values()
    )
    is_generated = "GF_SECURITY_ADMIN_PASSWORD__FILE" in text
    result = (
        f"{limited} of {len(services)} containers limited, {hardened} hardened, "
        f"password of Grafana {'drawn' if is_generated else 'admin'}"
    )
    return result, limited == hardened == len(services) and is_generated


def pipe_for_pointer(service: Target) -> tuple[str, bool]:
    """Replace CURRENT by a FIFO, then by 1 MB, then by the original."""
    current = service.releases / "CURRENT"
    before = current.read_text()
    size = service.log.stat().st_size
    current.unlink()
    os.mkfifo(current)
    time.sleep(4)
    large = current.with_name("LARGE")
    large.write_text("x" * 2**20)
    large.replace(current)
    time.sleep(6)
    logged = service.log.stat().st_size - size
    other = next(name for name in releases_in(service.releases) if name not in before)
    current.write_text(other + "\n")
    time.sleep(3)
    body = service.exchange(request("GET", "/popular?k=1"), 5)[2]
    is_taken = other.encode() in body
    result = f"{logged / 1024:.1f} KiB logged, next release {'' if is_taken else 'not '}taken up"
    return result, is_taken and logged < 16_384
