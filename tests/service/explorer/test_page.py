"""The explorer in a real browser."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from bitrecall.index.releases.release import Release, ReleaseContents
from bitrecall.index.releases.store import ReleaseStore
from bitrecall.service.auth.keyring import Role, add_key

pytestmark = pytest.mark.slow


@pytest.fixture
def store(tmp_path: Path) -> ReleaseStore:
    return ReleaseStore(tmp_path / "releases")


@pytest.fixture
def release(store: ReleaseStore, contents: Callable[..., ReleaseContents]) -> Release:
    return store.publish(contents(), measure=lambda _: {"recall@20": 0.25, "split": "test"})


@pytest.fixture
def client(serve: Callable[..., httpx.Client], release: Release) -> httpx.Client:
    return serve(poll_interval=0.05)


def expect_recommendations(page: Page, client: httpx.Client, query: dict[str, Any]) -> None:
    """Wait until the page shows the recommendations of the service for a query."""
    items = client.post("/recommend", json=query).json()["items"]
    expect(page.locator("#recommendations .name")).to_have_text([item["id"] for item in items])


def test_starts_with_recommendations_for_a_user(
    page: Page, client: httpx.Client, release: Release
) -> None:
    page.goto(str(client.base_url))
    first = page.locator("#user").input_value
    expect(page.locator("#recommendations > li")).to_have_count(10)
    assert first() in release.users.ids_of(range(5))
    expect_recommendations(page, client, {"user_id": first(), "k": 10})
    expect(page.locator("#release-id")).to_have_text(release.id)
    expect(page.locator("#release-quality")).to_have_text("recall@20 0.2500")
    expect(page.locator("#popular .name").first).to_have_text("item 0")
    expect(page.locator("#latency")).to_have_text(re.compile(r"^\d+\.\d ms$"))
    expect(page.locator("#problem")).to_be_hidden()


def test_enter_sends_one_query(page: Page, client: httpx.Client) -> None:
    page.goto(str(client.base_url))
    expect(page.locator("#recommendations > li")).to_have_count(10)
    queries: list[str] = []
    page.on("request", lambda request: queries.append(request.url))
    page.locator("#user").fill("17")
    page.locator("#user").press("Enter")
    expect_recommendations(page, client, {"user_id": "17"})
    # Another query, whose response comes after those of the first.
    page.locator("#user").fill("16")
    page.locator("#user").press("Enter")
    expect_recommendations(page, client, {"user_id": "16"})
    assert len([url for url in queries if url.endswith("/recommend")]) == 2


def test_opens_an_item_with_its_bits_and_explanation(page: Page, client: httpx.Client) -> None:
    page.goto(str(client.base_url))
    page.locator("#user").fill("17")
    page.locator("#user").press("Enter")
    expect_recommendations(page, client, {"user_id": "17"})
    answer = client.post("/recommend", json={"user_id": "17", "explain": True}).json()
    item = answer["items"][3]
    page.locator("#recommendations .open").nth(3).click()
    grids = page.locator("#recommendations .bits")
    expect(grids).to_have_count(2)
    summary = f"{item['distance']} of 16 bits differ"
    expect(grids.first).to_have_attribute("aria-label", f"Code of the user; {summary}")
    expect(grids.first.locator("i.differs")).to_have_count(item["distance"])
    set_bits = bin(int(answer["code"], 16)).count("1")
    expect(grids.first.locator("i.set")).to_have_count(set_bits)
    nearest = [f"{entry['id']} · {entry['distance']}" for entry in item["because"]]
    expect(page.locator("#recommendations .explanation .chips button")).to_have_text(nearest)
    page.locator("#recommendations .open").nth(3).click()
    expect(grids).to_have_count(0)


def test_recommends_for_a_history_of_clicked_items(page: Page, client: httpx.Client) -> None:
    page.goto(str(client.base_url))
    # The page fills in a user; wait for that, or it would happen after the field is cleared.
    expect(page.locator("#user")).not_to_have_value("")
    page.locator("#user").fill("")
    page.locator("#user").press("Tab")
    expect(page.locator("#source")).to_contain_text("Nothing is known about the user")
    page.locator("#popular .add").nth(4).click()
    page.locator("#item").fill("item 7")
    page.locator("#item").press("Enter")
    expect(page.locator("#history button")).to_have_text(["item 4", "item 7"])
    expect_recommendations(page, client, {"history": ["item 4", "item 7"]})
    expect(page.locator("#source")).to_contain_text("from the history only")
    page.locator("#history button").first.click()
    expect_recommendations(page, client, {"history": ["item 7"]})


def test_applies_filters_and_k(page: Page, client: httpx.Client) -> None:
    page.goto(str(client.base_url))
    page.locator("#user").fill("none seen")
    page.locator("#any-tags").fill("jazz, live")
    page.locator("#where").fill('{"price": {"lte": 3}}')
    page.locator("#k").fill("5")
    page.locator("#k").dispatch_event("change")
    query = {
        "user_id": "none seen",
        "k": 5,
        "filter": {"any_tags": ["jazz", "live"], "where": {"price": {"lte": 3}}},
    }
    expect_recommendations(page, client, query)
    expect(page.locator("#k-shown")).to_have_text("5")


@pytest.mark.parametrize(
    ("where", "message"),
    [('{"colour": "red"}', "no item has an attribute 'colour'"), ("{", "not JSON")],
)
def test_shows_an_error_until_the_query_is_corrected(
    page: Page, client: httpx.Client, where: str, message: str
) -> None:
    page.goto(str(client.base_url))
    expect(page.locator("#recommendations > li")).to_have_count(10)
    page.locator("#where").fill(where)
    page.locator("#where").press("Enter")
    expect(page.get_by_role("alert")).to_contain_text(message)
    page.locator("#where").fill("")
    page.locator("#where").press("Enter")
    expect(page.get_by_role("alert")).to_be_hidden()


def test_compares_with_another_release(
    page: Page,
    client: httpx.Client,
    store: ReleaseStore,
    contents: Callable[..., ReleaseContents],
) -> None:
    other = store.publish(contents(seed=1), activate=False)
    page.goto(str(client.base_url))
    expect(page.locator("#comparison")).to_be_hidden()
    expect(page.locator("#user")).not_to_have_value("")
    page.locator("#other-release").select_option(other.id)
    user = page.locator("#user").input_value()
    answer = client.post(f"/releases/{other.id}/recommend", json={"user_id": user}).json()
    expected = [item["id"] for item in answer["items"]]
    expect(page.locator("#comparison-items .name")).to_have_text(expected)


def test_works_with_the_keyboard_only(page: Page, client: httpx.Client) -> None:
    page.goto(str(client.base_url))
    expect(page.locator("#recommendations > li")).to_have_count(10)
    reached: set[str] = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        focused = page.evaluate(
            "document.activeElement.id || document.activeElement.className"
            " || document.activeElement.textContent"
        )
        reached.add(focused)
        if focused == "open":
            page.keyboard.press("Enter")
            break
    assert {
        "user",
        "item",
        "add",
        "k",
        "exclude-seen",
        "other-release",
        "Recommend",
        "open",
    } <= reached
    expect(page.locator("#recommendations .bits")).to_have_count(2)


def test_fits_on_a_phone(page: Page, client: httpx.Client) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(str(client.base_url))
    expect(page.locator("#recommendations > li")).to_have_count(10)
    page.locator("#recommendations .open").first.click()
    assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_asks_for_a_key_if_the_service_needs_one(
    page: Page, serve: Callable[..., httpx.Client], release: Release, tmp_path: Path
) -> None:
    keys = tmp_path / "keys.txt"
    secret = add_key(keys, Role.READ, "page")
    client = serve(keys=keys)
    page.goto(str(client.base_url))
    expect(page.get_by_role("alert")).to_contain_text("A key is needed")
    page.locator("#key").fill(secret)
    page.locator("#key").press("Enter")
    expect(page.locator("#recommendations > li")).to_have_count(10)
    expect(page.get_by_role("alert")).to_be_hidden()


def test_reports_a_service_that_has_stopped(
    page: Page, release: Release, serving: Callable[..., Any], store: ReleaseStore
) -> None:
    from bitrecall.service.app import create_app
    from bitrecall.service.settings import Settings

    with serving(create_app(Settings(releases=store.root, events="off"))) as client:
        page.goto(str(client.base_url))
        expect(page.locator("#recommendations > li")).to_have_count(10)
    page.get_by_role("button", name="Recommend").click()
    expect(page.get_by_role("alert")).to_contain_text("does not respond")
