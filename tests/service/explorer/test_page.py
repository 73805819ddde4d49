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
from bitrecall.service.auth.keys import Role, add_key

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


def names(page: Page, part: str = "#answer") -> list[str]:
    return page.locator(f"{part} .name").all_inner_texts()


def expect_answer(page: Page, client: httpx.Client, asked: dict[str, Any]) -> None:
    """Wait until the page shows what the service answers."""
    answer = client.post("/recommend", json=asked).json()
    expect(page.locator("#answer .name")).to_have_text([item["id"] for item in answer["items"]])


def test_it_begins_with_a_user_and_what_they_would_get(
    page: Page, client: httpx.Client, release: Release
) -> None:
    page.goto(str(client.base_url))
    first = page.locator("#user").input_value
    expect(page.locator("#answer > li")).to_have_count(10)
    assert first() in release.users.ids_of(range(5))
    expect_answer(page, client, {"user_id": first(), "k": 10})
    expect(page.locator("#release-id")).to_have_text(release.id)
    expect(page.locator("#release-quality")).to_have_text("recall@20 0.2500")
    expect(page.locator("#popular .name").first).to_have_text("item 0")
    expect(page.locator("#latency")).to_have_text(re.compile(r"^\d+\.\d ms$"))
    expect(page.locator("#problem")).to_be_hidden()


def test_an_item_opens_to_its_bits_and_reasons(page: Page, client: httpx.Client) -> None:
    page.goto(str(client.base_url))
    page.locator("#user").fill("17")
    page.locator("#user").press("Enter")
    expect_answer(page, client, {"user_id": "17"})
    answer = client.post("/recommend", json={"user_id": "17", "explain": True}).json()
    item = answer["items"][3]
    page.locator("#answer .open").nth(3).click()
    grids = page.locator("#answer .bits")
    expect(grids).to_have_count(2)
    said = f"{item['distance']} of 16 bits differ"
    expect(grids.first).to_have_attribute("aria-label", f"The user's code; {said}")
    expect(grids.first.locator("i.differ")).to_have_count(item["distance"])
    ones = bin(int(answer["code"], 16)).count("1")
    expect(grids.first.locator("i.one")).to_have_count(ones)
    reasons = [f"{one['id']} · {one['distance']}" for one in item["because"]]
    expect(page.locator("#answer .why .chips button")).to_have_text(reasons)
    page.locator("#answer .open").nth(3).click()
    expect(grids).to_have_count(0)


def test_a_new_user_is_clicked_together(page: Page, client: httpx.Client) -> None:
    page.goto(str(client.base_url))
    # Somebody is filled in; emptying what is empty would not keep that from being done after.
    expect(page.locator("#user")).not_to_have_value("")
    page.locator("#user").fill("")
    page.locator("#user").press("Tab")
    expect(page.locator("#source")).to_contain_text("Nothing is known of the user")
    page.locator("#popular .plus").nth(4).click()
    page.locator("#item").fill("item 7")
    page.locator("#item").press("Enter")
    expect(page.locator("#history button")).to_have_text(["item 4", "item 7"])
    expect_answer(page, client, {"history": ["item 4", "item 7"]})
    expect(page.locator("#source")).to_contain_text("history alone")
    page.locator("#history button").first.click()
    expect_answer(page, client, {"history": ["item 7"]})


def test_filters_and_k_are_played_with(page: Page, client: httpx.Client) -> None:
    page.goto(str(client.base_url))
    page.locator("#user").fill("none seen")
    page.locator("#any-tags").fill("jazz, live")
    page.locator("#where").fill('{"price": {"lte": 3}}')
    page.locator("#k").fill("5")
    page.locator("#k").dispatch_event("change")
    asked = {
        "user_id": "none seen",
        "k": 5,
        "filter": {"any_tags": ["jazz", "live"], "where": {"price": {"lte": 3}}},
    }
    expect_answer(page, client, asked)
    expect(page.locator("#k-shown")).to_have_text("5")


@pytest.mark.parametrize(
    ("where", "said"),
    [('{"colour": "red"}', "no item has an attribute 'colour'"), ("{", "not JSON")],
)
def test_what_goes_wrong_is_said_and_goes_away(
    page: Page, client: httpx.Client, where: str, said: str
) -> None:
    page.goto(str(client.base_url))
    expect(page.locator("#answer > li")).to_have_count(10)
    page.locator("#where").fill(where)
    page.locator("#where").press("Enter")
    expect(page.get_by_role("alert")).to_contain_text(said)
    page.locator("#where").fill("")
    page.locator("#where").press("Enter")
    expect(page.get_by_role("alert")).to_be_hidden()


def test_another_release_stands_beside_it(
    page: Page,
    client: httpx.Client,
    store: ReleaseStore,
    contents: Callable[..., ReleaseContents],
) -> None:
    other = store.publish(contents(seed=1), activate=False)
    page.goto(str(client.base_url))
    expect(page.locator("#compared")).to_be_hidden()
    expect(page.locator("#user")).not_to_have_value("")
    page.locator("#other").select_option(other.id)
    user = page.locator("#user").input_value()
    answer = client.post(f"/releases/{other.id}/recommend", json={"user_id": user}).json()
    expected = [item["id"] for item in answer["items"]]
    expect(page.locator("#compared-answer .name")).to_have_text(expected)


def test_it_works_with_the_keyboard_alone(page: Page, client: httpx.Client) -> None:
    page.goto(str(client.base_url))
    expect(page.locator("#answer > li")).to_have_count(10)
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
    assert {"user", "item", "add", "k", "exclude-seen", "other", "Recommend", "open"} <= reached
    expect(page.locator("#answer .bits")).to_have_count(2)


def test_it_fits_on_a_phone(page: Page, client: httpx.Client) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(str(client.base_url))
    expect(page.locator("#answer > li")).to_have_count(10)
    page.locator("#answer .open").first.click()
    assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_a_key_is_asked_for_where_one_is_needed(
    page: Page, serve: Callable[..., httpx.Client], release: Release, tmp_path: Path
) -> None:
    keys = tmp_path / "keys.txt"
    secret = add_key(keys, Role.READ, "page")
    client = serve(keys=keys)
    page.goto(str(client.base_url))
    expect(page.get_by_role("alert")).to_contain_text("A key is needed")
    page.locator("#key").fill(secret)
    page.locator("#key").press("Enter")
    expect(page.locator("#answer > li")).to_have_count(10)
    expect(page.get_by_role("alert")).to_be_hidden()


def test_a_service_that_ends_is_said(
    page: Page, release: Release, serving: Callable[..., Any], store: ReleaseStore
) -> None:
    from bitrecall.service.app import create_app
    from bitrecall.service.settings import Settings

    with serving(create_app(Settings(releases=store.root, events="off"))) as client:
        page.goto(str(client.base_url))
        expect(page.locator("#answer > li")).to_have_count(10)
    page.get_by_role("button", name="Recommend").click()
    expect(page.get_by_role("alert")).to_contain_text("does not answer")
