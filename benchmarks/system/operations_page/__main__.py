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

# Commands that cannot run here, and the reason.
SKIPPED: dict[str, str] = {
    "export BITRECALL_EVENTS=": "needs a database at db.example; the next block does the same",
    "bitrecall retrain --milvus": "needs a Milvus server; tests/index/milvus has one",
    "bitrecall serve --milvus": "needs a Milvus server; tests/service/releases has one",
    "printf '%s\\n' BITRECALL_EXTRAS=milvus": "needs a Milvus server",
}
# Allowed exit codes other than 0: a dry run may report that it would not publish.
ALLOWED_EXIT_CODES: dict[str, set[int]] = {"retrain --dry-run": {0, 3, 4}}


def follow(reader: Reader, shell: Shell, only: Callable[[CommandBlock], bool]) -> None:
    """Run the commands, and stop at the first that fails."""
    for block in command_blocks((reader.folder / "docs" / "operations.md").read_text("utf-8")):
        first = block.text.splitlines()[0]
        if not only(block):
            continue
        reason = next((why for text, why in SKIPPED.items() if first.startswith(text)), None)
        if reason is not None:
            print(f"[{block.section}] skipped: {first}\n    {reason}")
            continue
        reader.before(block)
        print(f"[{block.section}]\n" + "\n".join(f"  $ {line}" for line in block.text.split("\n")))
        started = time.monotonic()
        status, printed = shell.run(block.text)
        allowed = next(
            (codes for text, codes in ALLOWED_EXIT_CODES.items() if text in block.text), {0}
        )
        last = printed.strip().splitlines()[-1:] or [""]
        print(
            f"    {status}, {time.monotonic() - started:.0f} s: {last[0].strip()[:160]}", flush=True
        )
        if status not in allowed:
            sys.exit(f"this block failed with {status}:\n{printed[-3000:]}\n{reader.logs()}")
        reader.after(block, printed)


def main() -> None:
    """Copy the checkout, follow the page, remove everything."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--stand-ins", action="store_true", help="build images from Debian's packages"
    )
    parser.add_argument("--section", nargs="+", help="run only the first section and these")
    parser.add_argument(
        "--limits", action="store_true", help="print the containers' usage of their limits"
    )
    arguments = parser.parse_args()
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
        if arguments.stand_ins:
            for image in STAND_INS.values():
                source = ROOT / "benchmarks" / "system" / "images" / image.partition(":")[2]
                subprocess.run(["docker", "build", "-q", "-t", image, str(source)], check=True)
            environment |= STAND_INS | {"BITRECALL_TORCH_INDEX": ""}
            SKIPPED["docker/pin-images.sh"] = "locally built images have no digest"
            SKIPPED["docker compose exec -T grafana"] = "Grafana is replaced by a stand-in"
        copy = copy_of_checkout(Path(folder))
        (copy / ".env").write_text(f"COMPOSE_PROJECT_NAME={PROJECT}\n")
        (copy / "docker" / "retrain.env").write_text("BITRECALL_RETRAIN_MAX_DRIFT=2\n")
        reader = Reader(copy, environment, f"http://{service}", arguments.limits)
        remove_images(environment)
        sections = None if arguments.section is None else {"Operations", *arguments.section}
        shell = Shell(copy, environment)
        try:
            follow(reader, shell, lambda block: sections is None or block.section in sections)
        finally:
            shell.close()
            for project in (PROJECT, "next"):
                reader.compose("--project-name", project, "down", "--volumes", "--remove-orphans")


if __name__ == "__main__":
    main()
