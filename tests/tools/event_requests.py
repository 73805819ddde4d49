"""Requests with events to a service, for the tests of several modules."""

from typing import Any

import httpx

from bitrecall.service.api.schemas.events import EventsResponse


def post(client: httpx.Client, *events: dict[str, Any]) -> tuple[int, int]:
    response = client.post("/events", json={"events": list(events)})
    assert response.status_code == 200, response.text
    answer = EventsResponse.model_validate_json(response.content, strict=True, extra="forbid")
    return answer.accepted, answer.duplicates


def event_of(user: str, item: str, **members: Any) -> dict[str, Any]:
    return {"user_id": user, "item_id": item, **members}


def recommended(client: httpx.Client, user: str, **members: Any) -> dict[str, Any]:
    answer = client.post("/recommend", json={"user_id": user, "k": 60, **members})
    assert answer.status_code == 200
    result: dict[str, Any] = answer.json()
    return result


def ids(answer: dict[str, Any]) -> list[str]:
    return [item["id"] for item in answer["items"]]
