"""Tests of the check whether Prometheus has a key."""

from pathlib import Path

from benchmarks.system.operations_page.reader import sends_a_key

ROOT = Path(__file__).parents[4]


def test_a_commented_key_does_not_count() -> None:
    # The script waits for Prometheus to reach a service with keys only once it has one.
    settings = (ROOT / "monitoring" / "prometheus.yml").read_text("utf-8")
    assert not sends_a_key(settings)
    assert sends_a_key(settings.replace("# authorization", "authorization"))
