"""A small web shop that shows recommendations of Bitrecall and sends it events.

    bitrecall train sample --recipe sample --releases releases/sample
    bitrecall serve --releases releases/sample
    python examples/shop/shop.py            # http://127.0.0.1:8080

The catalogue is that of the service. A cookie identifies the visitor, and the first click on an
item is enough for personal recommendations. If the service does not respond, the pages have none.
"""

import argparse
import contextlib
import logging
import os
import uuid
from collections.abc import AsyncIterator, Iterable, Iterator
from html import escape
from urllib.parse import quote

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

import bitrecall

COOKIE = "visitor"
PER_SHELF = 6

_STYLE = """
body { font: 16px/1.4 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem }
ul { display: flex; flex-wrap: wrap; gap: 1rem; list-style: none; padding: 0 }
li { border: 1px solid #8884; border-radius: .5rem; padding: 1rem; width: 15rem }
small { color: #888 }
"""

_log = logging.getLogger("shop")


class Shop:
    """The pages of the shop.

    Args:
        client: client of the recommendation service.
    """

    def __init__(self, client: bitrecall.AsyncClient) -> None:
        self._client = client

    async def home(self, request: Request) -> Response:
        """Show recommendations; a new visitor gets the popular items."""
        visitor = visitor_of(request)
        content = shelf("The shop is open", [])
        with degrading():
            items = await self._client.recommend(visitor, k=2 * PER_SHELF)
            title = "Popular now" if items.source == "popular" else "Recommended for you"
            content = shelf(title, items.item_ids)
        return page("A shop", content, visitor)

    async def item(self, request: Request) -> Response:
        """Show an item and similar items, and send an event of the view."""
        visitor, item_id = visitor_of(request), request.path_params["item_id"]
        content = ""
        try:
            with degrading():
                similar = await self._client.similar(item_id, k=PER_SHELF)
                content = shelf("Others like it", similar.item_ids)
                await self._send_event(visitor, item_id, "view")
        except bitrecall.UnknownItemError:
            return page("There is no such item", "", visitor, status=404)
        action = f"/buy/{quote(item_id, safe='')}"
        buy = f'<form method="post" action="{action}"><button>Buy</button></form>'
        return page(item_id, buy + content, visitor)

    async def buy(self, request: Request) -> Response:
        """Send an event of the purchase, and redirect to the home page."""
        visitor = visitor_of(request)
        with degrading():
            await self._send_event(visitor, request.path_params["item_id"], "buy")
        response = RedirectResponse("/", status_code=303)
        remember(response, visitor)
        return response

    async def _send_event(self, visitor: str, item_id: str, event_type: str) -> None:
        # The id makes an event count once even if it is sent again after a broken connection.
        event = {
            "user_id": visitor,
            "item_id": item_id,
            "type": event_type,
            "id": uuid.uuid4().hex,
        }
        await self._client.send_events([event])


@contextlib.contextmanager
def degrading() -> Iterator[None]:
    """Log an error of the service and continue after the block."""
    try:
        yield
    except bitrecall.UnknownItemError:
        raise
    except bitrecall.ClientError as error:
        _log.warning("no recommendations: %s", error)


def visitor_of(request: Request) -> str:
    """Return the visitor's id from the cookie, or a new id."""
    return request.cookies.get(COOKIE) or f"visitor-{uuid.uuid4().hex}"


def remember(response: Response, visitor: str) -> None:
    """Set the visitor's cookie."""
    response.set_cookie(COOKIE, visitor, max_age=365 * 86400, httponly=True, samesite="lax")


def shelf(title: str, item_ids: Iterable[str]) -> str:
    """Return a row of items in HTML; each links to its page."""
    items = "".join(
        f'<li><a href="/item/{quote(item_id, safe="")}">{escape(item_id)}</a></li>'
        for item_id in item_ids
    )
    return f"<h2>{escape(title)}</h2><ul>{items}</ul>"


def page(title: str, content: str, visitor: str, status: int = 200) -> Response:
    """Return an HTML page that also sets the visitor's cookie."""
    response = HTMLResponse(
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<style>{_STYLE}</style><a href="/">Home</a><h1>{escape(title)}</h1>{content}'
        f"<p><small>You are {escape(visitor)}.</small></p></html>",
        status,
    )
    remember(response, visitor)
    return response


def create_app(service: str, key: str | None = None) -> Starlette:
    """Create the shop.

    Args:
        service: URL of the recommendation service.
        key: a key of the service, if it requires one.
    """
    # A short timeout without retries: a page without recommendations is better than a slow one.
    client = bitrecall.AsyncClient(service, key=key, timeout=2.0, retries=0)
    shop = Shop(client)

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with client:
            yield

    return Starlette(
        routes=[
            Route("/", shop.home),
            Route("/item/{item_id:path}", shop.item),
            Route("/buy/{item_id:path}", shop.buy, methods=["POST"]),
        ],
        lifespan=lifespan,
    )


def main() -> None:
    """Serve the shop."""
    parser = argparse.ArgumentParser(description="A small web shop with recommendations.")
    parser.add_argument(
        "--service", default=os.environ.get("SHOP_SERVICE", "http://127.0.0.1:8000")
    )
    parser.add_argument("--host", default=os.environ.get("SHOP_HOST", "127.0.0.1"))
    parser.add_argument("--port", type=int, default=8080)
    options = parser.parse_args()
    app = create_app(options.service, os.environ.get("SHOP_KEY"))
    uvicorn.run(app, host=options.host, port=options.port)


if __name__ == "__main__":
    main()
