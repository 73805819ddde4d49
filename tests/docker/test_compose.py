"""What every container of the Compose file is kept from, and what it may take."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
PAGE = (ROOT / "docs" / "operations.md").read_text("utf-8")
# Third parties' images, which run as root unless told otherwise.
OTHERS = ("database", "prometheus", "grafana")


def default(value: object) -> str:
    """What a value is when no variable is set."""
    return re.sub(r"\$\{\w+:?-([^}]*)\}", r"\1", str(value))


def volumes(name: str) -> dict[str, list[str]]:
    """By the path in the container: the options of what is mounted there."""
    mounts = (default(one).split(":") for one in SERVICES[name]["volumes"])
    return {path: options for _, path, *options in mounts}


@pytest.mark.parametrize("name", SERVICES)
def test_every_container_is_hardened(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not service.keys() & {"privileged", "cap_add", "pid", "ipc", "devices"}
    assert service.get("network_mode") in (None, "none")
    assert not any("docker.sock" in one for one in service["volumes"])


@pytest.mark.parametrize("name", SERVICES)
def test_no_container_runs_as_root(name: str) -> None:
    if name in OTHERS:
        assert str(SERVICES[name]["user"]) not in ("root", "0")
    else:
        assert "user" not in SERVICES[name]
        text = (ROOT / "docker" / "Dockerfile").read_text("utf-8")
        for target in re.split(r"^FROM ", text, flags=re.MULTILINE):
            if re.match(r"base AS (serve|train)\n", target):
                assert "\nUSER 10001:10001\n" in target


@pytest.mark.parametrize("name", SERVICES)
def test_every_container_has_the_limits_that_the_page_names(name: str) -> None:
    service = SERVICES[name]
    memory, processors = default(service["mem_limit"]), float(default(service["cpus"]))
    amount, unit = int(memory[:-1]), {"m": "MiB", "g": "GiB"}[memory[-1]]
    cells = f"| `{name}` | {amount} {unit} | {service['pids_limit']:,} | {processors:g} |"
    assert cells in PAGE


def test_the_database_and_the_trainer_cannot_be_reached_from_outside() -> None:
    assert COMPOSE["networks"]["back"] == {"internal": True}
    for name in ("database", "trainer", "admin"):
        assert SERVICES[name]["networks"] == ["back"]
        assert "ports" not in SERVICES[name]
    assert SERVICES["grafana"]["networks"] == ["front"]
    for service in SERVICES.values():
        for port in service.get("ports", ()):
            assert default(port).startswith("127.0.0.1:")


def test_the_service_writes_neither_releases_nor_keys() -> None:
    assert {path for path, options in volumes("service").items() if "ro" not in options} == set()
    assert "ro" not in volumes("trainer")["/releases"]
    assert "ro" not in volumes("admin")["/releases"] + volumes("admin")["/work"]
    assert SERVICES["admin"]["profiles"] == ["admin"]


def test_only_setup_and_its_owner_see_a_password() -> None:
    sees = {
        (name, one.split(":")[0]): one
        for name, service in SERVICES.items()
        for one in service["volumes"]
        if "secrets" in one
    }
    for (name, volume), mount in sees.items():
        assert mount.endswith(":ro") == (name != "setup")
        wanted = {"setup", "grafana"} if volume == "grafana-secrets" else {"setup", "database"}
        assert name in wanted | ({"service", "trainer", "admin"} if volume == "secrets" else set())
    environment = SERVICES["grafana"]["environment"]
    assert environment["GF_SECURITY_ADMIN_PASSWORD__FILE"] in SERVICES["setup"]["command"][0]
    assert "GF_SECURITY_ADMIN_PASSWORD" not in environment


def test_setup_draws_passwords_once(tmp_path: Path) -> None:
    command = SERVICES["setup"]["command"][0].replace("$$", "$")
    for name in ("/secrets", "/grafana-secrets"):
        (tmp_path / name[1:]).mkdir()
        command = command.replace(f" {name}/", f" {tmp_path}{name}/")
    drawn = []
    for _ in range(2):
        subprocess.run(["sh", "-euc", command], check=True)
        files = [path for path in sorted(tmp_path.rglob("*")) if path.is_file()]
        drawn.append([path.read_text() for path in files])
    assert drawn[0] == drawn[1]
    assert len(set(drawn[0])) == 2
    assert min(map(len, drawn[0])) > 40
    assert {path.name for path in files} == {"events_password", "admin_password"}


def test_a_database_that_is_still_being_made_is_not_healthy() -> None:
    # Only by TCP: the server that makes it listens on the socket alone.
    assert "127.0.0.1" in SERVICES["database"]["healthcheck"]["test"]


@pytest.mark.parametrize("name", OTHERS)
def test_images_of_others_are_pinned_and_can_be_by_digest(name: str) -> None:
    image = SERVICES[name]["image"]
    assert re.fullmatch(r"\$\{BITRECALL_[A-Z]+_IMAGE:-[a-z/]+:v?\d[\w.-]*\}", image)


@pytest.mark.skipif(shutil.which("docker-compose") is None, reason="there is no Compose v1")
def test_compose_v1_reads_it() -> None:
    command = ["docker-compose", "--file", str(ROOT / "compose.yaml"), "config", "--quiet"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
