"""The page's files over HTTP."""

import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest

FILES = ["main.js", "api.js", "bits.js", "lists.js", "explorer.css", "index.html"]


@pytest.mark.parametrize("path", ["/", *(f"/explorer/{name}" for name in FILES)])
def test_everything_is_the_services_own(client: httpx.Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert "'unsafe" not in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert not re.search(
        r"https?://|//cdn|@import|<script(?! type=\"module\" src=\"explorer/)", answer.text
    )
    again = client.get(path, headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("name", ["nothing.js", "..%2Fapp.py", "__init__.py", "%2e%2e/app.py"])
def test_nothing_else_is_served(
    client: httpx.Client, problem_in: Callable[..., dict[str, Any]], name: str
) -> None:
    problem_in(client.get(f"/explorer/{name}"), "not-found", 404)
