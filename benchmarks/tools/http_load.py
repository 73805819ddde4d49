"""Load on ``POST /recommend``: the maximum rate with wrk, or a fixed rate in an open loop."""

import json
import re
import subprocess
import sys
from pathlib import Path

from benchmarks.tools.processes import children, cpu_seconds
from bitrecall.loadtest.load_generator import OK, LoadGenerator
from bitrecall.loadtest.target import Target

CONNECTIONS = 16
USERS = 1000

# wrk requests recommendations for one user after another.
_SCRIPT = """
local users = {{{users}}}
local number = 0
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
request = function()
  number = number % #users + 1
  return wrk.format(nil, "/recommend", nil, '{{"user_id": "' .. users[number] .. '", "k": {k}}}')
end
"""


def script_for(users: list[str], k: int) -> str:
    """Return wrk's script: k items for each user in turn."""
    return _SCRIPT.format(users=",".join(json.dumps(user) for user in users), k=k)


def wrk(url: str, pid: int, script: Path, seconds: float, workers: int = 1) -> dict[str, float]:
    """Return requests per second, CPU milliseconds per request, and latency under full load."""
    processes = children(pid)
    before = sum(cpu_seconds(process) for process in processes)
    command = ["wrk", "-t1", f"-c{CONNECTIONS * workers}", f"-d{seconds:.0f}s", "--latency"]
    done = subprocess.run(
        [*command, "-s", str(script), url], check=True, capture_output=True, text=True
    )
    if "Non-2xx" in done.stdout or "Socket errors" in done.stdout:
        sys.exit(f"{url} responded with errors:\n{done.stdout}")
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)[1])  # type: ignore[index]
    took = sum(cpu_seconds(process) for process in processes) - before
    return {
        "rate": rate,
        "cpu_ms": 1000 * took / (rate * seconds),
        **{f"p{share}_ms": _percentile(done.stdout, share) for share in (50, 99)},
    }


def _percentile(text: str, share: int) -> float:
    match = re.search(rf"{share}%\s+([\d.]+)(us|ms|s)", text)
    return float(match[1]) * {"us": 1e-3, "ms": 1.0, "s": 1e3}[match[2]]  # type: ignore[index]


async def open_loop(url: str, users: list[str], k: int, rate: float, seconds: float) -> list[float]:
    """Return seconds from the scheduled send time of each request to the end of its response."""
    target = Target.at(url)
    requests = [target.recommend(user, k) for user in users]
    async with LoadGenerator(target.address, requests, 64) as load:
        answers = await load.at_rate(rate, seconds)
    if set(answers.seconds) != {OK} or answers.lost:
        sys.exit(f"{url} responded with errors: {dict.fromkeys(answers.seconds)}")
    return answers.seconds[OK]
