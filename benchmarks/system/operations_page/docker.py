"""The environment of the commands: a copy of the checkout, and images of its code."""

import shutil
import socket
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
# Compose builds them if they are missing.
BUILT_IMAGES = ("bitrecall:serve", "bitrecall:train")


def shim(folder: Path) -> None:
    """Provide ``docker compose`` through Compose v1, if v2 is missing."""
    if subprocess.run(["docker", "compose", "version"], capture_output=True).returncode == 0:
        return
    docker, compose = shutil.which("docker"), shutil.which("docker-compose")
    if docker is None or compose is None:
        sys.exit("this needs docker, and Compose v1 or v2")
    path = folder / "docker"
    path.write_text(
        f'#!/bin/sh\nif [ "$1" = compose ]; then shift; exec {compose} "$@"; fi\n'
        f'exec {docker} "$@"\n'
    )
    path.chmod(0o755)


def free_address() -> str:
    """Return an unused address on this machine."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return f"127.0.0.1:{sock.getsockname()[1]}"


def copy_of_checkout(folder: Path) -> Path:
    """Clone this checkout with its uncommitted changes, so that ``git pull`` works."""
    copy, origin = folder / "bitrecall", folder / "origin.git"
    git = ("git", "-c", "advice.detachedHead=false")
    # An origin of its own, which nobody else changes.
    subprocess.run([*git, "clone", "-q", "--bare", str(ROOT), str(origin)], check=True)
    subprocess.run([*git, "clone", "-q", str(origin), str(copy)], check=True)
    listed = subprocess.run(
        [*git, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for name in listed.split("\0"):
        source = ROOT / name
        if name and source.is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, copy / name)
    return copy


def remove_images(environment: dict[str, str]) -> None:
    """Remove the images of earlier code: Compose would start them instead of building new ones.

    Their layers stay for the build. Docker refuses to remove them while containers use them.
    """
    for image in BUILT_IMAGES:
        listed = ["docker", "image", "ls", "--quiet", image]
        images = subprocess.run(listed, check=True, capture_output=True, text=True, env=environment)
        if not images.stdout.strip():
            continue
        removed = subprocess.run(
            ["docker", "image", "rm", "--no-prune", image],
            check=False,
            capture_output=True,
            text=True,
            env=environment,
        )
        if removed.returncode:
            sys.exit(f"cannot remove the image {image} to rebuild it: {removed.stderr.strip()}")
