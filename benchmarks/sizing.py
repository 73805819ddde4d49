"""How much disk and memory does a release take, and how much do workers that serve it?

    python benchmarks/sizing.py --users 1000000 --items 1000000 --workers 4

Publishes a release of random codes of that size, weighs its files, serves it with so many workers
until each has answered, and sums up their memory: what is shared counts once (PSS, Linux only).
"""

import argparse
import tempfile
from pathlib import Path

import gowalla_size
import httpx
from serving import serving

MIB = 2**20


def pss_mib(pid: int) -> float:
    """A process's share of memory, in MiB."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return (
        int(next(line.split()[1] for line in text.splitlines() if line.startswith("Pss:"))) / 1024
    )


def children(pid: int) -> list[int]:
    """The processes below a process, itself first."""
    found = [pid]
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if parent == pid:
            found += children(int(path.parent.name))
    return found


def main() -> None:
    """Publish, weigh, serve, sum up."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--users", type=int, default=gowalla_size.USERS)
    parser.add_argument("--items", type=int, default=gowalla_size.ITEMS)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "releases"
        release = gowalla_size.publish(root, users=given.users, items=given.items)
        sizes = {path.name: path.stat().st_size for path in release.path.iterdir()}
        pairs = release.manifest.seen
        print(f"{given.users:,} users, {given.items:,} items, {pairs:,} pairs, {release.bits} bits")
        for name, size in sorted(sizes.items(), key=lambda entry: -entry[1])[:8]:
            print(f"  {name:<24}{size / MIB:10,.1f} MiB")
        print(f"  {'all files':<24}{sum(sizes.values()) / MIB:10,.1f} MiB")
        del release
        options = ("--workers", str(given.workers), "--events", "off", "--log-level", "error")
        with serving(root, *options) as (url, pid):
            for _ in range(100 * given.workers):
                httpx.post(f"{url}/recommend", json={"user_id": "17"}).raise_for_status()
            parts = [pss_mib(one) for one in children(pid)]
        print(f"{given.workers} workers and who starts them: {sum(parts):,.0f} MiB together, PSS")


if __name__ == "__main__":
    main()
