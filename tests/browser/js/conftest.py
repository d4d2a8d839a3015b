"""How does a test run a module of the page? In Chromium, served from its folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route

STATIC = Path(__file__).resolve().parents[3] / "inbox" / "static"
ORIGIN = "http://modules.test"


@pytest.fixture
def modules(chromium: Browser) -> Iterator[Page]:
    """An empty page that can import our modules: `import("/inbox/segments.js")`."""
    context = chromium.new_context()
    page = context.new_page()
    page.route(f"{ORIGIN}/**", _serve)
    page.goto(f"{ORIGIN}/")
    yield page
    context.close()


def _serve(route: Route) -> None:
    path = STATIC / route.request.url.removeprefix(ORIGIN).lstrip("/")
    if path.is_file():
        route.fulfill(path=path, content_type="text/javascript")
    else:
        route.fulfill(body="<!DOCTYPE html><title>Modules</title>", content_type="text/html")
