"""How does a test open a browser? Debian's Chromium, against the running product."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from accounts.models import User
from tests.doors import sign_in
from tests.live import Live, edge, live, processes

__all__ = ["edge", "live", "processes"]

Open = Callable[..., Page]
# For who cuts a page off from the server: what is asked for while the worker of the page takes over
# would pass by Playwright's routes. Ours leaves alone what it does not stand in for.
NO_WORKER: dict[str, Any] = {"service_workers": "block"}


@pytest.fixture
def open_as(chromium: Browser, live: Live) -> Iterator[Open]:
    """Return a function that opens the product as somebody; console errors fail the test."""
    contexts: list[BrowserContext] = []
    problems: list[str] = []

    def open_page(user: User | None = None, path: str = "/", **options: Any) -> Page:
        options.setdefault("viewport", {"width": 1280, "height": 800})
        context = chromium.new_context(base_url=live.base_url, **options)
        contexts.append(context)
        if user is not None:
            context.add_cookies(
                [{"name": "sessionid", "value": sign_in(user), "url": live.base_url}]
            )
        page = context.new_page()
        page.set_default_timeout(15_000)
        watch(page, problems)
        page.goto(path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not problems, problems


def watch(page: Page, problems: list[str]) -> None:
    """Note console errors, uncaught errors and violations of the content policy."""
    page.on("pageerror", lambda error: problems.append(f"uncaught: {error}"))
    page.on(
        "console",
        lambda message: (
            problems.append(message.text)
            if message.type == "error" and not _is_expected(message.text)
            else None
        ),
    )


def _is_expected(text: str) -> bool:
    """Chromium itself logs refused (4xx) and offline requests, htmx the latter too; the page
    handles them."""
    if text.startswith(("htmx:sendError", "htmx:afterRequest")):
        return True
    return text.startswith("Failed to load resource") and any(
        sign in text
        for sign in (
            "status of 401",
            "status of 403",
            "status of 404",
            "status of 409",
            "status of 410",
            "status of 422",
            "INTERNET_DISCONNECTED",
        )
    )
