"""How much does an agent's browser load to show the inbox, and from where?"""

import gzip
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, Response, expect

from tests.browser.conftest import Open
from tests.browser.test_composer import shop
from tests.conftest import House
from tests.live import Live

__all__ = ["shop"]
pytestmark = [pytest.mark.browser, pytest.mark.slow]
MOST_BYTES = 200_000  # compressed, without media


def test_the_inbox_with_an_open_conversation_is_light_and_all_ours(
    shop: House, live: Live, open_as: Open
) -> None:
    page = open_as(shop.alice)
    expect(page.locator(".row")).to_have_count(1)

    loaded = _loaded(page)

    assert {urlsplit(one.url).netloc for one in loaded} == {urlsplit(live.base_url).netloc}
    weights = {urlsplit(one.url).path: len(gzip.compress(one.body(), 6)) for one in loaded}
    assert len(weights) > 20  # all of it was seen
    assert sum(weights.values()) < MOST_BYTES, sorted(weights.items(), key=lambda pair: -pair[1])


def _loaded(page: Page) -> list[Response]:
    """Load the page again and open its conversation; return all that came, without media."""
    loaded: list[Response] = []
    page.on("response", lambda one: loaded.append(one))
    page.reload()
    page.locator(".row-link").click()
    expect(page.locator(".msg-in")).to_have_count(1)
    page.wait_for_load_state("networkidle")
    return [one for one in loaded if one.request.resource_type not in ("image", "media")]
