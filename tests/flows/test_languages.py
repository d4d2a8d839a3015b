"""Does everybody read the product in their language, wherever it speaks?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from compliance.jurisdictions import shipped_pack
from inbox.settings_urls import urlpatterns
from inbox.tongues import languages
from tests.conftest import House
from tests.factories import make_user
from tests.flows.test_together import Stage, stage
from tests.pseudo import bare_words, bracketed

__all__ = ["stage"]

Login = Callable[[User], Client]


def speaks(user: User, language: str = "es") -> User:
    """Let somebody choose a language."""
    user.language = language
    user.save(update_fields=["language"])
    return user


# --- Nothing is left in English -------------------------------------------------------------------

# Names of people, companies and products, and what somebody wrote: no language changes them.
_WRITTEN = "Alice|Bob|Sue|Ada|Acme|Support|Su|Hello|Hi|Where is my|order|Northwind"
_PRODUCTS = (
    "Team Inbox|Twilio|WhatsApp|HubSpot|Salesforce|Messenger|Pro-CX|Ctrl|Enter|Esc|Alt|Shift"
)
# What stands in templates and is replaced.
_VARIABLES = "contact.|inbox.|bot.|agent.|first_name|name|number|opens_on|opens_at|opt_out_link"
# What a country asks, as the pack of rules says it: in the language of its sources.
_LAW = {text for row in shipped_pack().rows.values() for text in (row.name, *row.cells.values())}
DATA = {
    *"|".join((_WRITTEN, _PRODUCTS, _VARIABLES)).split("|"),
    *(name for _code, name in languages()),
    *_LAW - {""},
    "zh",
}


@pytest.fixture
def pseudo(tmp_path: Path) -> Iterator[None]:
    with bracketed(tmp_path):
        yield


def test_the_pages_of_an_agent_say_nothing_that_cannot_be_translated(
    stage: Stage, login: Login, pseudo: None
) -> None:
    house = stage.house
    stage.hear("Where is my order?")
    stage.reply(house.alice, "Hi")
    alice = login(speaks(house.alice))
    here = {"slug": house.inbox.slug, "cid": stage.row.public_id}
    pages = [
        reverse("inbox", kwargs={"slug": house.inbox.slug}),
        reverse("conversation", kwargs=here),
        reverse("search") + "?q=order",
        reverse("profile"),
    ]
    found = {page: bare_words(alice.get(page).text, DATA) for page in pages}
    assert not any(found.values()), found


@pytest.fixture
def ada(house: House) -> User:
    return make_user(house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN)


PLAIN_SETTINGS = sorted(url.name for url in urlpatterns if url.name and "<" not in str(url.pattern))


def test_settings_say_nothing_that_cannot_be_translated(
    house: House, ada: User, login: Login, pseudo: None
) -> None:
    browser = login(speaks(ada))
    found = {}
    for name in PLAIN_SETTINGS:
        page = browser.get(reverse(name))
        if page.status_code == 200 and "html" in page["Content-Type"] and page.text:
            said = bare_words(page.text, DATA)
            # What customers are sent has a language of its own.
            found[name] = [words for words in said if not words.startswith("Acme: ")]
    Path("/tmp/lx/found.txt").write_text("\n".join(f"{n}: {w}" for n, w in found.items() if w))
    assert not any(found.values()), {name: words for name, words in found.items() if words}
