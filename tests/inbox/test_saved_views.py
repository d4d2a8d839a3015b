"""Does a saved view belong to whom it should, and show nobody more than they may see?"""

import re
from html import unescape
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import IntegrityError, connection
from django.test import Client
from django.utils import timezone

from accounts.models import User
from inbox.models import Conversation, SavedSearch, SavedView
from inbox.saved_views import MOST
from tests.conftest import House
from tests.factories import make_inbox, make_user
from tests.inbox.test_bulk import claim
from tests.inbox.test_pages_list import many, rows_of

URL = "/inbox/support/views/"
SCRIPT: Any = {"headers": {"Accept": "application/json"}}


def save(browser: Client, name: str, query: str = "tag=vip", url: str = URL, **more: Any) -> Any:
    return browser.post(url, {"name": name, "query": query, **more}, **SCRIPT)


def test_one_s_own_views_are_one_s_own(house: House, login: Any, charlie: User) -> None:
    alice = login(house.alice)

    assert save(alice, "  Long   waits ", "view=mine&waiting=60&sort=waiting").status_code == 200

    view = SavedView.objects.get()
    assert (view.name, view.owner, view.inbox) == ("Long waits", house.alice, house.inbox)
    assert view.query == "view=mine&waiting=60&sort=waiting"
    assert "Long waits" in alice.get(URL).text
    for other in (house.bob, house.sue, charlie):
        browser = login(other)
        assert "Long waits" not in browser.get(URL).text
        browser.post(URL, {"remove": view.public_id}, **SCRIPT)
    assert SavedView.objects.exists()
    assert alice.post(URL, {"remove": view.public_id}, **SCRIPT).status_code == 200
    assert not SavedView.objects.exists()


def test_supervisors_share_and_everybody_of_the_inbox_has_it(
    house: House, login: Any, charlie: User
) -> None:
    sales = make_inbox(house.account, "Sales")
    dora = make_user(house.account, "Dora", team=sales.team)
    sue = login(house.sue)

    assert save(login(house.alice), "VIPs", share="1").status_code == 403
    assert save(sue, "VIPs", share="1").status_code == 200

    view = SavedView.objects.get()
    assert view.owner is None
    assert "VIPs" in login(house.bob).get(URL).text
    assert "VIPs" not in login(charlie).get(URL).text
    assert "VIPs" not in login(dora).get("/inbox/sales/views/").text
    assert login(dora).get(URL).status_code == 404
    for other in (house.alice, charlie):
        login(other).post(URL, {"remove": view.public_id}, **SCRIPT)
    assert SavedView.objects.exists()
    sue.post(URL, {"remove": view.public_id}, **SCRIPT)
    assert not SavedView.objects.exists()


def test_a_shared_view_widens_nobody_s_sight(
    house: House, login: Any, client: Client, charlie: User
) -> None:
    ids = many(house, client, 3)
    claim(ids[0], house.alice)
    save(login(house.sue), "Alice's", f"view=open&owner={house.alice.pk}", share="1")
    query = SavedView.objects.get().query
    address = f"/inbox/support/?{query}"

    assert rows_of(login(house.sue).get(address).text) == [ids[0]]
    assert rows_of(login(house.alice).get(address).text) == [ids[0]]
    assert rows_of(login(house.bob).get(address).text) == []
    assert rows_of(login(charlie).get(address).text) == []


@pytest.mark.parametrize("tag", ["大" * 40, "😀" * 40, "&" * 40], ids=["letters", "signs", "marks"])
def test_the_longest_tag_of_any_script_fits_into_a_view(
    house: House, login: Any, client: Client, tag: str
) -> None:
    ids = many(house, client, 2)
    Conversation.objects.filter(public_id=ids[0]).update(tags=[tag])
    alice = login(house.alice)
    wanted = {"view": "unassigned", "tag": tag, "waiting": "1440", "priority": "normal"}
    wanted |= {"unread": "1", "promised": "1", "media": "1", "failed": "1", "sort": "waiting"}

    assert save(alice, "All", urlencode({**wanted, "owner": "9" * 18})).status_code == 200
    assert save(alice, "Tag", urlencode({"tag": tag})).status_code == 200

    links = re.findall(r'href="([^"]*tag=[^"]*)"', alice.get(URL).text)
    assert rows_of(alice.get(unescape(links[-1])).text) == [ids[0]]


def test_a_name_is_had_once_by_a_person_and_once_by_an_inbox(house: House, login: Any) -> None:
    alice, sue = login(house.alice), login(house.sue)
    save(alice, "VIPs")

    again = save(alice, "vips")

    assert (again.status_code, again.json()["code"]) == (409, "name_taken")
    assert save(login(house.bob), "VIPs").status_code == 200
    assert save(sue, "VIPs", share="1").status_code == 200
    assert save(sue, "VIPS", share="1").status_code == 409
    assert save(sue, "VIPs").status_code == 200


@pytest.mark.parametrize("owned", [True, False])
def test_the_database_itself_keeps_names_apart(house: House, owned: bool) -> None:
    facts = {
        "account": house.account,
        "inbox": house.inbox,
        "owner": house.alice if owned else None,
        "created_at": timezone.now(),
    }
    SavedView.objects.create(name="VIPs", **facts)

    with pytest.raises(IntegrityError):
        SavedView.objects.create(name="vips", **facts)


@pytest.mark.parametrize("name", ["", "  ", "x" * 61])
def test_a_name_that_is_none_is_refused_with_words(house: House, login: Any, name: str) -> None:
    answer = save(login(house.alice), name)

    assert answer.status_code == 422
    assert "name" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        ("", "view=open"),
        ("view=nowhere&tag=&channel=fax&owner=x&sort=up", "view=open"),
        ("view=closed&q=Maria+%2B14155550100&before=9.x&tag=vip", "view=closed&tag=vip"),
        ("view=open&owner=7&unread=1", "view=open&owner=7&unread=1"),
        ("&&&=%00%ff" * 400, "view=open"),
    ],
)
def test_only_what_a_list_is_asked_is_kept_and_no_searched_words(
    house: House, login: Any, query: str, kept: str
) -> None:
    save(login(house.alice), "Mine", query)

    assert SavedView.objects.get().query == kept


def test_nobody_keeps_views_without_end(house: House, login: Any) -> None:
    SavedView.objects.bulk_create(
        SavedView(
            account=house.account,
            inbox=house.inbox,
            owner=house.alice,
            name=f"View {number}",
            created_at=timezone.now(),
        )
        for number in range(MOST)
    )

    answer = save(login(house.alice), "One more")

    assert answer.status_code == 422
    assert f"{MOST} views" in answer.json()["detail"]


def test_a_plain_form_leads_back_to_the_list(house: House, login: Any) -> None:
    answer = login(house.alice).post(URL, {"name": "Mine", "query": "view=mine"})

    assert answer.headers["Location"] == "/inbox/support/"


# --- Searches -------------------------------------------------------------------------------------

SAVED = "/saved/"


def keep(browser: Client, name: str, line: str = "refund status:open") -> Any:
    return browser.post(SAVED, {"name": name, "q": line}, **SCRIPT)


def test_a_search_is_kept_for_oneself_alone(house: House, login: Any, charlie: User) -> None:
    alice = login(house.alice)

    assert keep(alice, "  Open   refunds ").status_code == 200

    kept = SavedSearch.objects.get()
    assert (kept.name, kept.owner, kept.account) == ("Open refunds", house.alice, house.account)
    page = alice.get(SAVED).text
    assert "Open refunds" in page
    assert "/search/?q=refund%20status%3Aopen" in page
    for other in (house.bob, house.sue, charlie):
        browser = login(other)
        assert "Open refunds" not in browser.get(SAVED).text
        browser.post(SAVED, {"remove": kept.public_id}, **SCRIPT)
        assert keep(browser, "Open refunds").status_code == 200
    assert SavedSearch.objects.filter(pk=kept.pk).exists()
    assert alice.post(SAVED, {"remove": kept.public_id}, **SCRIPT).status_code == 200
    assert not SavedSearch.objects.filter(owner=house.alice).exists()


@pytest.mark.parametrize(
    ("name", "line", "status"),
    [
        ("", "refund", 422),
        ("  ", "refund", 422),
        ("x" * 61, "refund", 422),
        ("Nothing", "", 422),
        ("Nothing", " a ", 422),
        ("refunds", "order", 409),
    ],
)
def test_what_is_no_search_to_keep_is_refused_in_words(
    house: House, login: Any, name: str, line: str, status: int
) -> None:
    alice = login(house.alice)
    keep(alice, "Refunds")

    answer = keep(alice, name, line)

    assert answer.status_code == status
    assert answer.json()["detail"]
    assert SavedSearch.objects.count() == 1


def test_a_form_goes_back_to_the_search_and_says_that_it_is_saved(house: House, login: Any) -> None:
    alice = login(house.alice)

    answer = alice.post(SAVED, {"name": "Both & more", "q": 'refund "size 46"'}, follow=True)

    assert answer.redirect_chain == [("/search/?q=refund+%22size+46%22", 302)]
    assert "The search is saved." in answer.text


def test_searches_too_are_so_many_at_most(house: House, login: Any) -> None:
    common = {"account": house.account, "owner": house.alice, "created_at": timezone.now()}
    SavedSearch.objects.bulk_create(
        SavedSearch(name=f"No. {n}", line="order", **common) for n in range(MOST)
    )

    assert keep(login(house.alice), "One more").status_code == 422
    assert SavedSearch.objects.count() == MOST


def test_the_page_shows_the_views_of_all_inboxes_one_has(
    house: House, login: Any, charlie: User
) -> None:
    sales = make_inbox(house.account, "Sales")
    save(login(house.sue), "VIPs", share="1")
    save(login(house.alice), "Mine alone")
    dora = make_user(house.account, "Dora", team=sales.team)

    page = login(house.alice).get(SAVED).text

    assert "VIPs" in page
    assert "Mine alone" in page
    assert "Views of Sales" not in page
    bob = login(house.bob).get(SAVED).text
    assert "VIPs" in bob
    assert "Mine alone" not in bob
    for other in (dora, charlie):
        assert "VIPs" not in login(other).get(SAVED).text


def test_a_view_is_removed_on_the_page_and_one_stays_there(house: House, login: Any) -> None:
    alice = login(house.alice)
    save(alice, "Mine alone")
    gone = {"remove": SavedView.objects.get().public_id, "next": SAVED}

    assert alice.post(URL, gone).url == SAVED
    assert not SavedView.objects.exists()


def test_what_was_looked_for_does_not_stand_in_the_database_as_words(
    house: House, login: Any
) -> None:
    keep(login(house.alice), "Her", "Zebedee Quill")

    with connection.cursor() as cursor:
        cursor.execute("SELECT line FROM inbox_savedsearch")
        [(stored,)] = cursor.fetchall()
    assert "Zebedee" not in stored
    assert SavedSearch.objects.get().line == "Zebedee Quill"
