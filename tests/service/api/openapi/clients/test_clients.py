"""Clients generated from the OpenAPI document, against a running service.

The generators have their own environment: `make .venv-clients/all`.
"""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from bitrecall.index.releases.release import ReleaseContents
from bitrecall.index.releases.store import ReleaseStore
from bitrecall.service.api.openapi.operations import OPERATIONS
from tests.tools.required import skip_or_fail

HERE = Path(__file__).parent
TOOLS = Path(__file__).parents[5] / ".venv-clients"
NAMES = sorted(operation.name for operation in OPERATIONS)


@pytest.fixture(scope="module", autouse=True)
def client_generators() -> None:
    if not (TOOLS / "all").exists() or shutil.which("node") is None:
        message = "client generators are not installed: Node.js and make .venv-clients/all"
        skip_or_fail("CLIENTS", message)


@pytest.fixture
def older(tmp_path: Path, contents: Callable[..., ReleaseContents]) -> str:
    """Publishes two releases; returns the id of the older one."""
    store = ReleaseStore(tmp_path / "releases")
    first = store.publish(contents(0))
    store.publish(contents(1))
    return first.id


@pytest.fixture
def service(older: str, serve: Callable[..., httpx.Client]) -> httpx.Client:
    return serve()


@pytest.fixture
def document(service: httpx.Client, tmp_path: Path) -> Path:
    path = tmp_path / "openapi.json"
    path.write_bytes(service.get("/openapi.json").content)
    return path


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_a_generated_python_client_works(
    service: httpx.Client, document: Path, older: str, tmp_path: Path
) -> None:
    generator = TOOLS / "bin" / "openapi-python-client"
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"post_hooks": []}))
    printed = run(
        *(generator, "generate", "--path", document, "--output-path", "made", "--config", config),
        "--fail-on-warning",
        cwd=tmp_path,
    )
    assert "WARNING" not in printed
    called = run(
        *(TOOLS / "bin" / "python", HERE / "calls.py", tmp_path / "made"),
        *(str(service.base_url), older),
        cwd=tmp_path,
    )
    assert sorted(called.split()) == NAMES


def test_a_generated_typescript_client_works(
    service: httpx.Client, document: Path, older: str, tmp_path: Path
) -> None:
    programs = TOOLS / "node_modules" / ".bin"
    (tmp_path / "node_modules").symlink_to(TOOLS / "node_modules")
    (tmp_path / "package.json").write_text('{"type": "module"}')
    shutil.copy(HERE / "calls.ts", tmp_path)
    # Members with a default are optional.
    types = ("--default-non-nullable", "false", "--output", "schema.d.ts")
    run(programs / "openapi-typescript", document, *types, cwd=tmp_path)
    run(
        *(programs / "tsc", "calls.ts", "--strict", "--target", "es2022", "--module", "esnext"),
        *("--moduleResolution", "bundler", "--types", "node", "--skipLibCheck"),
        cwd=tmp_path,
    )
    called = run("node", "calls.js", str(service.base_url), older, cwd=tmp_path)
    assert sorted(called.split()) == NAMES


def test_generated_requests_get_documented_responses(service: httpx.Client, tmp_path: Path) -> None:
    printed = run(
        *(TOOLS / "bin" / "schemathesis", "--config-file", HERE / "schemathesis.toml"),
        *("run", f"{service.base_url}/openapi.json", "--phases", "examples,coverage,fuzzing"),
        *("--max-examples", "15", "--seed", "1", "--no-color", "--warnings", "off"),
        cwd=tmp_path,
    )
    assert f"Tested: {len(NAMES)}" in printed
