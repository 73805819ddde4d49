"""The permissions and limits of every container in the Compose file."""

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
# Third-party images, which run as root by default.
THIRD_PARTY = ("database", "prometheus", "grafana")


def default(value: object) -> str:
    """The default of a value with variables."""
    return re.sub(r"\$\{\w+:?-([^}]*)\}", r"\1", str(value))


def volumes(name: str) -> dict[str, list[str]]:
    """The options of each mount, by its path in the container."""
    mounts = (default(mount).split(":") for mount in SERVICES[name]["volumes"])
    return {path: options for _, path, *options in mounts}


@pytest.mark.parametrize("name", SERVICES)
def test_every_container_is_hardened(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not service.keys() & {"privileged", "cap_add", "pid", "ipc", "devices"}
    assert service.get("network_mode") in (None, "none")
    assert not any("docker.sock" in mount for mount in service["volumes"])


@pytest.mark.parametrize("name", SERVICES)
def test_no_container_runs_as_root(name: str) -> None:
    if name in THIRD_PARTY:
        assert str(SERVICES[name]["user"]) not in ("root", "0")
    else:
        assert "user" not in SERVICES[name]
        text = (ROOT / "docker" / "Dockerfile").read_text("utf-8")
        for target in re.split(r"^FROM ", text, flags=re.MULTILINE):
            if re.match(r"base AS (serve|train)\n", target):
                assert "\nUSER 10001:10001\n" in target


@pytest.mark.parametrize("name", SERVICES)
def test_every_container_has_the_documented_limits(name: str) -> None:
    service = SERVICES[name]
    memory, processors = default(service["mem_limit"]), float(default(service["cpus"]))
    amount, unit = int(memory[:-1]), {"m": "MiB", "g": "GiB"}[memory[-1]]
    cells = f"| `{name}` | {amount} {unit} | {service['pids_limit']:,} | {processors:g} |"
    assert cells in PAGE


def test_the_database_and_the_trainer_publish_no_ports() -> None:
    assert COMPOSE["networks"]["back"] == {"internal": True}
    for name in ("database", "trainer", "admin"):
        assert SERVICES[name]["networks"] == ["back"]
        assert "ports" not in SERVICES[name]
    assert SERVICES["grafana"]["networks"] == ["front"]
    for service in SERVICES.values():
        for port in service.get("ports", ()):
            assert default(port).startswith("127.0.0.1:")


def test_the_service_mounts_releases_and_keys_read_only() -> None:
    assert {path for path, options in volumes("service").items() if "ro" not in options} == set()
    assert "ro" not in volumes("trainer")["/releases"]
    assert "ro" not in volumes("admin")["/releases"] + volumes("admin")["/work"]
    assert SERVICES["admin"]["profiles"] == ["admin"]


def test_a_password_is_mounted_only_in_setup_and_its_user() -> None:
    secret_mounts = {
        (name, mount.split(":")[0]): mount
        for name, service in SERVICES.items()
        for mount in service["volumes"]
        if "secrets" in mount
    }
    for (name, volume), mount in secret_mounts.items():
        assert mount.endswith(":ro") == (name != "setup")
        allowed = {"setup", "grafana"} if volume == "grafana-secrets" else {"setup", "database"}
        assert name in allowed | ({"service", "trainer", "admin"} if volume == "secrets" else set())
    environment = SERVICES["grafana"]["environment"]
    assert environment["GF_SECURITY_ADMIN_PASSWORD__FILE"] in SERVICES["setup"]["command"][0]
    assert "GF_SECURITY_ADMIN_PASSWORD" not in environment


def test_setup_generates_passwords_once(tmp_path: Path) -> None:
    command = SERVICES["setup"]["command"][0].replace("$$", "$")
    for name in ("/secrets", "/grafana-secrets"):
        (tmp_path / name[1:]).mkdir()
        command = command.replace(f" {name}/", f" {tmp_path}{name}/")
    passwords = []
    for _ in range(2):
        subprocess.run(["sh", "-euc", command], check=True)
        files = [path for path in sorted(tmp_path.rglob("*")) if path.is_file()]
        passwords.append([path.read_text() for path in files])
    assert passwords[0] == passwords[1]
    assert len(set(passwords[0])) == 2
    assert min(map(len, passwords[0])) > 40
    assert {path.name for path in files} == {"events_password", "admin_password"}


def test_a_database_being_initialised_is_not_healthy() -> None:
    # Over TCP: the server that initialises the database listens on the socket only.
    assert "127.0.0.1" in SERVICES["database"]["healthcheck"]["test"]


@pytest.mark.parametrize("name", THIRD_PARTY)
def test_third_party_images_are_pinned_by_tag_or_digest(name: str) -> None:
    image = SERVICES[name]["image"]
    assert re.fullmatch(r"\$\{BITRECALL_[A-Z]+_IMAGE:-[a-z/]+:v?\d[\w.-]*\}", image)


@pytest.mark.skipif(shutil.which("docker-compose") is None, reason="Compose v1 is not installed")
def test_compose_v1_can_read_the_file() -> None:
    command = ["docker-compose", "--file", str(ROOT / "compose.yaml"), "config", "--quiet"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (0, "")
