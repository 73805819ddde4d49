"""The Grafana dashboard uses existing metrics and labels."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from bitrecall.index.releases.release import ReleaseContents
from bitrecall.index.releases.retraining_status import RetrainingStatus
from bitrecall.index.releases.store import ReleaseStore

DASHBOARD = Path(__file__).parents[3] / "monitoring" / "grafana-dashboard.json"


@pytest.fixture
def exposition(
    serve: Callable[..., httpx.Client], tmp_path: Path, contents: Callable[..., ReleaseContents]
) -> str:
    ReleaseStore(tmp_path / "releases").publish(contents(), measure=lambda _: {"recall@50": 0.25})
    RetrainingStatus(
        "2026-11-26T03:00:00Z", "2026-11-26T03:05:00Z", "refused", "worse", None
    ).write(tmp_path / "releases")
    client = serve()
    client.post("/recommend", json={"user_id": "17"})
    client.post("/events", json={"events": [{"user_id": "17", "item_id": "new"}]})
    return client.get("/metrics").text


def expressions() -> list[str]:
    dashboard: dict[str, Any] = json.loads(DASHBOARD.read_text())
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    return queries + [annotation["expr"] for annotation in dashboard["annotations"]["list"]]


def test_every_metric_in_the_dashboard_exists(exposition: str) -> None:
    metrics = {name for text in expressions() for name in re.findall(r"bitrecall_\w+", text)}
    assert len(metrics) > 8
    for name in metrics:
        assert re.search(rf"^{name}[ {{]", exposition, re.MULTILINE), name


def test_every_label_in_the_dashboard_exists(exposition: str) -> None:
    for text in expressions():
        for name, labels in re.findall(r"(bitrecall_\w+)\{([^}]*)\}", text):
            for label in re.findall(r"(\w+)=", labels):
                assert re.search(rf"^{name}\{{.*{label}=", exposition, re.MULTILINE), (name, label)


def test_panels_do_not_overlap() -> None:
    occupied: set[tuple[int, int]] = set()
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        position = panel["gridPos"]
        cells = {
            (position["x"] + column, position["y"] + row)
            for column in range(position["w"])
            for row in range(position["h"])
        }
        assert not cells & occupied
        assert max(column for column, _ in cells) < 24
        occupied |= cells
