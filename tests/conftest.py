"""Settings of all tests, and their markers."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = [
    "tests.tools.run_id",
    "tests.tools.parallel",
    "tests.tools.quick",
    "tests.tools.postgres",
    "tests.tools.milvus",
]

# The duration of an example depends on the load of the machine.
settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")

# Fixtures, and the marker of each test that uses them.
_MARKERS = {
    "postgres_server": "postgres",
    "milvus": "milvus",
    "browser": "chromium",
    "nginx": "nginx",
    "client_generators": "clients",
}


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name bytes by their argument: compressed data may differ between processes."""
    return argname if isinstance(val, bytes) else None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests by the servers that they use."""
    for item in items:
        for fixture in getattr(item, "fixturenames", ()):
            if marker := _MARKERS.get(fixture):
                item.add_marker(marker)


@pytest.fixture(autouse=True)
def _requires_markers_of_servers(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that gets a server by ``getfixturevalue`` without its marker."""
    yield
    for fixture, marker in _MARKERS.items():
        if fixture in request.fixturenames and not request.node.get_closest_marker(marker):
            pytest.fail(f"uses the fixture {fixture}: mark it with pytest.mark.{marker}")
    if request.node.get_closest_marker("milvus") and not request.node.get_closest_marker(
        "xdist_group"
    ):
        pytest.fail('Milvus has fixed ports: mark the file with pytest.mark.xdist_group("milvus")')
