from pathlib import Path

import pytest

from tests.docker.conftest import Script

pytestmark = pytest.mark.slow


def test_pins_all_images_or_none(script: Script, state: Path) -> None:
    images = {
        "BITRECALL_PYTHON_IMAGE": "python:3.11-slim",
        "BITRECALL_POSTGRES_IMAGE": "postgres:16-alpine",
        "BITRECALL_PROMETHEUS_IMAGE": "prom/prometheus:v2.55.1",
        "BITRECALL_GRAFANA_IMAGE": "grafana/grafana:11.3.1",
    }
    for image in images.values():
        result = script("pin-images.sh")
        assert result.returncode == 1
        assert result.stdout == ""
        assert "has no digest on this machine" in result.stderr
        (state / f"digest-{image}").parent.mkdir(exist_ok=True)
        (state / f"digest-{image}").write_text(f"{image.partition(':')[0]}@sha256:12\n")
    lines = script("pin-images.sh").stdout.splitlines()
    expected = {f"{name}={image.partition(':')[0]}@sha256:12" for name, image in images.items()}
    assert set(lines) == expected
    assert len(lines) == len(expected)
