"""Does a saved view belong to whom it should, and show nobody more than they may see?"""

from typing import Any

import pytest
from django.db import IntegrityError
from django.test import Client
from django.utils import timezone

from accounts.models import User
from inbox.models import SavedView
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
