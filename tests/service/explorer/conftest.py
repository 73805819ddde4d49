"""Fixtures: Chromium, and a page that fails the test on errors and on outside requests."""

import re
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.tools.required import skip_or_fail

# Chromium runs as root and without a network here: no sandbox, and no requests of its own.
_FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = shutil.which("chromium")
    if path is None:
        skip_or_fail("CHROMIUM", "Chromium is not installed: apt-get install chromium")
    # A busy machine may take longer than the default of 5 s.
    expect.set_options(timeout=60_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page; the test fails on script errors and on requests to other hosts."""
    context = browser.new_context()
    page = context.new_page()
    failures: list[str] = []
    page.on("pageerror", lambda error: failures.append(str(error)))
    page.on(
        "request", lambda request: failures.append(request.url) if is_outside(request.url) else 0
    )
    yield page
    context.close()
    assert failures == []


def is_outside(url: str) -> bool:
    return not re.match(r"http://127\.0\.0\.1:\d+/|data:", url)
