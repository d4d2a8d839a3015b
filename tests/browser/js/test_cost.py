"""Does the line under the field name the characters that cost, and offer only what helps?"""

import json
from typing import Any

import pytest
from playwright.sync_api import Page

from inbox.words import client_words

pytestmark = pytest.mark.browser
LONG = "x" * 100


@pytest.fixture
def speaking(modules: Page) -> Page:
    """A page that has our words."""
    modules.evaluate(
        """(words) => {
            const place = document.createElement("script");
            Object.assign(place, {id: "client-words", type: "application/json", text: words});
            document.head.append(place);
        }""",
        json.dumps(client_words()),
    )
    return modules


def cost(page: Page, body: str) -> dict[str, Any]:
    found: dict[str, Any] = page.evaluate(
        """async (body) => (await import("/inbox/cost.js")).costOf(body)""", body
    )
    return found


@pytest.mark.parametrize(
    ("body", "said", "may_replace"),
    [
        (f"{LONG} it’s", "1 special character (’) makes this 2 segments", True),
        (f"{LONG} “it’s”", "3 special characters (“ ’ ”) make this 2 segments", True),
        # What stays cannot be written otherwise: named, but nothing is offered.
        (f"{LONG} ж", "1 special character (ж) makes this 2 segments", False),
        (f"{LONG} ж’", "2 special characters (ж ’) make this 2 segments", False),
        (f"{LONG} жукщ", "4 special characters (ж у к …) make this 2 segments", False),
        # It would be one segment without it as well.
        ("it’s", "1 special character (’)", False),
        ("привет", "6 special characters (п р и …)", False),
        # As long without it, too.
        (f"{LONG * 2} {'x' * 200} 👋", "1 special character (👋) makes this 7 segments", False),
        # A space that looks like any other, and what has no width.
        (f"{LONG}\u00a0x", "1 special character (U+00A0) makes this 2 segments", True),
        (f"{LONG}\u200b", "1 special character (U+200B) makes this 2 segments", True),
        # Shorter once it is gone, though the other stays.
        ("ж" * 70 + "\u200b", "2 special characters (ж U+200B) make this 2 segments", True),
    ],
)
def test_what_is_special_is_named(speaking: Page, body: str, said: str, may_replace: bool) -> None:
    found = cost(speaking, body)

    assert found["words"].split(" · ")[3:] == [said]
    assert found["mayReplace"] is may_replace


@pytest.mark.parametrize("body", ["plain", "ñü à É", "€" * 90, LONG * 2])
def test_nothing_is_named_where_nothing_is_special(speaking: Page, body: str) -> None:
    found = cost(speaking, body)

    assert len(found["words"].split(" · ")) == 3
    assert found["mayReplace"] is False
