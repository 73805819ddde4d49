"""Run the commands of docs/operations.md on a Docker engine, from top to bottom.

    python -m benchmarks.system.operations_page
    python -m benchmarks.system.operations_page --stand-ins    # without a registry of images

Pastes the indented blocks of the page into an interactive shell, in a copy of this checkout, under
its own project name. First removes the images ``bitrecall:serve`` and ``bitrecall:train``, so that
the first block builds them from this code. Between the commands it acts as the reader of the page:
it creates files, sends events, stops the service, and empties the volumes before restoring. After a
backup and a restore the numbers of events and releases must be equal, and every block must succeed.
Containers, volumes and the copy are removed at the end. ``--stand-ins`` builds PostgreSQL and
Prometheus from Debian's packages, and replaces Grafana by a check of its files; ``--limits`` prints
the containers' usage of their limits.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.system.operations_page.docker import (
    ROOT,
    copy_of_checkout,
    free_address,
    remove_images,
    shim,
)
from benchmarks.system.operations_page.page import CommandBlock, command_blocks
from benchmarks.system.operations_page.reader import PROJECT, Reader
from benchmarks.system.operations_page.shell import Shell

STAND_INS = {
    "BITRECALL_POSTGRES_IMAGE": "bitrecall-test:postgres",
    "BITRECALL_PROMETHEUS_IMAGE": "bitrecall-test:prometheus",
    "BITRECALL_GRAFANA_IMAGE": "bitrecall-test:grafana",
}

# What cannot be run here, and why.
LEFT_OUT: dict[str, str] = {
    "export BITRECALL_EVENTS=": "needs a database at db.example; the next one does the same",
    "bitrecall retrain --milvus": "needs a Milvus server; tests/index/milvus has one",
    "bitrecall serve --milvus": "needs a Milvus server; tests/service/releases has one",
    "printf '%s\\n' BITRECALL_EXTRAS=milvus": "needs a Milvus server",
}
# Exit codes that are no fault: a dry run may find that it would not publish.
FINE: dict[str, set[int]] = {"retrain --dry-run": {0, 3, 4}}


def follow(reader: Reader, shell: Shell, only: Callable[[CommandBlock], bool]) -> None:
    """Run the commands, and stop at the first that fails."""
    for block in command_blocks((reader.folder / "docs" / "operations.md").read_text("utf-8")):
        first = block.text.splitlines()[0]
        if not only(block):
            continue
        reason = next((why for text, why in LEFT_OUT.items() if first.startswith(text)), None)
        if reason is not None:
            print(f"[{block.section}] left out: {first}\n    {reason}")
            continue
        reader.before(block)
        print(f"[{block.section}]\n" + "\n".join(f"  $ {one}" for one in block.text.split("\n")))
        began = time.monotonic()
        status, printed = shell.run(block.text)
        fine = next((codes for text, codes in FINE.items() if text in block.text), {0})
        last = printed.strip().splitlines()[-1:] or [""]
        print(
            f"    {status}, {time.monotonic() - began:.0f} s: {last[0].strip()[:160]}", flush=True
        )
        if status not in fine:
            sys.exit(f"this block failed with {status}:\n{printed[-3000:]}\n{reader.logs()}")
        reader.after(block, printed)


def main() -> None:
    """Copy the checkout, follow the page, remove everything."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--stand-ins", action="store_true", help="build images from Debian's")
    parser.add_argument("--section", nargs="+", help="only the commands of these, after the first")
    parser.add_argument("--limits", action="store_true", help="say what the containers use")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bitrecall-operations-page-") as folder:
        shim(Path(folder))
        service = free_address()
        environment = {
            **os.environ,
            "PATH": f"{folder}:{os.environ['PATH']}",
            "BITRECALL_PUBLISH": service,
            "BITRECALL_RECIPE": "sample",
            "BITRECALL_PUBLISH_PROMETHEUS": free_address(),
            "BITRECALL_PUBLISH_GRAFANA": free_address(),
        }
        if given.stand_ins:
            for image in STAND_INS.values():
                source = ROOT / "benchmarks" / "system" / "images" / image.partition(":")[2]
                subprocess.run(["docker", "build", "-q", "-t", image, str(source)], check=True)
            environment |= STAND_INS | {"BITRECALL_TORCH_INDEX": ""}
            LEFT_OUT["docker/pin-images.sh"] = "images that were built here have no digest"
            LEFT_OUT["docker compose exec -T grafana"] = "its place is taken by a stand-in"
        copy = copy_of_checkout(Path(folder))
        (copy / ".env").write_text(f"COMPOSE_PROJECT_NAME={PROJECT}\n")
        (copy / "docker" / "retrain.env").write_text("BITRECALL_RETRAIN_MOST_DRIFT=2\n")
        reader = Reader(copy, environment, f"http://{service}", given.limits)
        remove_images(environment)
        sections = None if given.section is None else {"Operations", *given.section}
        shell = Shell(copy, environment)
        try:
            follow(reader, shell, lambda one: sections is None or one.section in sections)
        finally:
            shell.close()
            for project in (PROJECT, "next"):
                reader.compose("--project-name", project, "down", "--volumes", "--remove-orphans")


if __name__ == "__main__":
    main()
