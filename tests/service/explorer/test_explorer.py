"""The files of the explorer over HTTP."""

import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest

FILES = ["main.js", "api.js", "bits.js", "lists.js", "explorer.css", "index.html"]


@pytest.mark.parametrize("path", ["/", *(f"/explorer/{name}" for name in FILES)])
def test_serves_files_without_outside_resources(client: httpx.Client, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 200
    assert "'unsafe" not in response.headers["content-security-policy"]
    assert response.headers["x-content-type-options"] == "nosniff"
    assert not re.search(
        r"https?://|//cdn|@import|<script(?! type=\"module\" src=\"explorer/)", response.text
    )
    again = client.get(path, headers={"If-None-Match": response.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("name", ["nothing.js", "..%2Fapp.py", "__init__.py", "%2e%2e/app.py"])
def test_returns_404_for_other_files(
    client: httpx.Client, problem_in: Callable[..., dict[str, Any]], name: str
) -> None:
    problem_in(client.get(f"/explorer/{name}"), "not-found", 404)
