"""Errors that are reported before the service listens."""

from pathlib import Path

import pytest

from tests.tools.service_process import Start

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("missing_part", ["driver", "password", "traces"])
def test_reports_configuration_errors_before_it_listens(
    start: Start, tmp_path: Path, workers: int, missing_part: str
) -> None:
    missing = "raise ModuleNotFoundError"
    (tmp_path / "psycopg.py").write_text(missing if missing_part == "driver" else "")
    exporter = tmp_path / "opentelemetry" / "exporter"
    exporter.mkdir(parents=True)
    if missing_part == "traces":
        (exporter / "otlp.py").write_text(missing)
        (exporter.parent / "__init__.py").write_text(
            "__path__ = __import__('pkgutil').extend_path(__path__, __name__)"
        )
        (exporter / "__init__.py").touch()
    options = {
        "driver": {"events": "postgresql://bitrecall@127.0.0.1/bitrecall"},
        "password": {"events": f"postgresql://a@127.0.0.1/b?password_file={tmp_path}/none"},
        "traces": {"traces": "http://127.0.0.1:4318/v1/traces"},
    }
    output = {
        "driver": "EventsError: PostgreSQL needs the package psycopg",
        "password": "EventsError: ",
        "traces": "SettingsError: ",
    }
    variables = {"PYTHONPATH": str(tmp_path)} if missing_part != "password" else {}
    process = start(variables, workers=workers, **options[missing_part])
    assert process.stderr is not None
    printed = process.stderr.read()
    assert process.wait() == 1
    assert printed.count(output[missing_part]) == 1 + (workers > 1), printed
    assert "listening on" not in printed
