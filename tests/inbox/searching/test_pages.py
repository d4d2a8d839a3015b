"""Do the page, the list and programs say what was not looked at, and lead on to it?"""

import re
from datetime import timedelta

import pytest
from django.test import Client

from inbox.models import Message
from inbox.searching import finding, matching
from tests.conftest import House
from tests.inbox.searching.test_finding import MARIA, fill, shop
from tests.twilio import text_in

__all__ = ["shop"]
FURTHER = re.compile(r'href="(/search/[^"]*)">Look further back')


@pytest.fixture
def old(shop: House, monkeypatch: pytest.MonkeyPatch) -> Message:
    """One old message of a word that is in many, before more than is looked at."""
    message = Message.objects.get(body__contains="blue parcel")
    fill(shop, 30)
    Message.objects.filter(pk=message.pk).update(created_at=message.created_at - timedelta(days=9))
    for name, number in (("NEWEST", 2), ("RARE", 0), ("READ_AT_MOST", 20), ("FEW", 0)):
        monkeypatch.setattr(finding, name, number)
    return message


def test_the_page_does_not_say_that_there_is_nothing_and_leads_further_back(
    shop: House, old: Message, login
) -> None:
    browser = login(shop.alice)
    page = browser.get("/search/", {"q": "parcel"}).content.decode()
    assert "Nothing that you may see holds this" not in page
    assert "Older ones were not looked at" in page

    for _ in range(5):
        if old.public_id in page:
            break
        assert (further := FURTHER.search(page))
        page = browser.get(further[1].replace("&amp;", "&")).content.decode()

    assert f"?m={old.public_id}" in page


def test_the_page_says_nothing_found_only_at_the_end(shop: House, old: Message, login) -> None:
    browser = login(shop.alice)
    page = browser.get("/search/", {"q": "🦓"}).content.decode()
    assert FURTHER.search(page)
    while further := FURTHER.search(page):
        assert "Nothing that you may see holds this" not in page
        page = browser.get(further[1].replace("&amp;", "&")).content.decode()

    assert "Nothing that you may see holds this" in page


def test_programs_are_told_and_may_ask_on(shop: House, old: Message, login) -> None:
    browser = login(shop.alice)
    asked = {"q": "parcel", "kind": "messages"}
    (group,) = browser.get("/api/v1/search/", asked).json()["groups"]
    assert (group["hits"], group["is_partial"]) == ([], True)
    while group["before"] and not group["hits"]:
        answer = browser.get("/api/v1/search/", {**asked, "before": group["before"]})
        (group,) = answer.json()["groups"]

    assert [hit["message"] for hit in group["hits"]] == [old.public_id]


def test_the_box_of_a_list_says_so_too_and_leads_to_the_search(
    shop: House, old: Message, login
) -> None:
    browser = login(shop.alice)
    page = browser.get("/inbox/support/", {"q": "parcel"}).content.decode()
    assert "Only the newest messages were looked at" in page
    assert "None of the newest messages holds" in page
    assert "No name, number or message holds" not in page
    assert "/search/?q=parcel+inbox%3Asupport&amp;show=messages" in page

    page = browser.get("/inbox/support/", {"q": "maria"}).content.decode()
    assert "Maria" in page


def test_the_list_of_contacts_goes_on_where_it_was_cut(
    shop: House, client: Client, login, monkeypatch: pytest.MonkeyPatch
) -> None:
    for i in range(5):
        text_in(client, shop.sender, f"{MARIA[:-3]}10{i}", "Hello", ProfileName=f"Zoë {i}")
    monkeypatch.setattr(matching, "MOST_CONTACTS", 2)
    browser = login(shop.alice)
    seen: list[str] = []
    before = ""
    for _ in range(5):
        page = browser.get("/contacts/", {"q": "zoe", "before": before}).content.decode()
        seen += re.findall(r"Zoë \d(?=</strong>)", page)
        more = re.search(r"before=(\d+)", page)
        if not more:
            break
        before = more[1]

    assert seen == [f"Zoë {i}" for i in (4, 3, 2, 1, 0)]
