"""Requests with events to a service, for tests of several modules."""

from typing import Any

import httpx

from bitrecall.service.api.schemas.events import EventsResponse


def post(client: httpx.Client, *events: dict[str, Any]) -> tuple[int, int]:
    response = client.post("/events", json={"events": list(events)})
    assert response.status_code == 200, response.text
    result = EventsResponse.model_validate_json(response.content, strict=True, extra="forbid")
    return result.accepted, result.duplicates


def event_of(user: str, item: str, **members: Any) -> dict[str, Any]:
    return {"user_id": user, "item_id": item, **members}


def recommended(client: httpx.Client, user: str, **members: Any) -> dict[str, Any]:
    response = client.post("/recommend", json={"user_id": user, "k": 60, **members})
    assert response.status_code == 200
    result: dict[str, Any] = response.json()
    return result


def ids(result: dict[str, Any]) -> list[str]:
    return [item["id"] for item in result["items"]]
