"""Can admins, supervisors and agents keep canned replies on pages, each those that are theirs?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from inbox.models import CannedReply, Contact, TeamInbox
from tests.conftest import NOW, House
from tests.factories import make_inbox, make_user

pytestmark = pytest.mark.django_db
Login = Callable[[User], Client]
LIST, NEW = "/settings/canned/", "/settings/canned/new/"


@pytest.fixture
def ada(house: House, login: Login) -> Client:
    """An admin who answers nobody."""
    ada = make_user(house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN, is_licensed=False)
    return login(ada)


def kept(house: House, shortcut: str, body: str = "Hello", **fields: Any) -> CannedReply:
    return CannedReply.objects.create(
        account=house.account,
        shortcut=shortcut,
        body=body,
        made_at=NOW,
        changed_at=NOW,
        **fields,
    )


def shown(client: Client, **asked: Any) -> list[str]:
    answer = client.get(LIST, asked)
    assert answer.status_code == 200
    return [row.shortcut for row, _label, _is_theirs in answer.context["rows"]]


def edit(row: CannedReply) -> str:
    return reverse("settings_canned_edit", args=[row.public_id])


def delete(row: CannedReply) -> str:
    return reverse("settings_canned_delete", args=[row.public_id])


def test_an_admin_makes_changes_and_deletes_one(house: House, ada: Client) -> None:
    assert b"There are none yet" in ada.get(LIST).content
    data = {"place": "inbox-support", "shortcut": "/hours", "body": "9 to 5\r\nMonday to Friday"}

    made = ada.post(NEW, data, follow=True)

    assert b"type /hours to use it" in made.content
    row = CannedReply.objects.get()
    assert (row.inbox, row.person, row.body) == (house.inbox, None, "9 to 5\nMonday to Friday")
    assert row.made_by is not None
    page = ada.get(edit(row)).content.decode()
    assert "9 to 5" in page
    assert "never used" in page
    ada.post(edit(row), {"place": "account", "shortcut": "open", "body": "8 to 6", "version": "1"})
    row.refresh_from_db()
    assert (row.inbox, row.shortcut, row.body, row.version) == (None, "open", "8 to 6", 2)
    CannedReply.objects.update(uses=3, last_used_at=NOW)
    asked = ada.get(delete(row)).content.decode()
    assert "It was used 3 times." in asked
    assert CannedReply.objects.exists()
    assert b"is deleted" in ada.post(delete(row), follow=True).content
    assert not CannedReply.objects.exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"shortcut": ""}, "Give it a shortcut"),
        ({"shortcut": "to be"}, "a blank cannot be in it"),
        ({"body": ""}, "Write what customers are to be told"),
        ({"body": "{{contact.nmae|}}"}, "Did you mean “contact.name”?"),
        ({"place": "inbox-moon"}, "Select a valid choice"),
        ({"place": "mine"}, "Select a valid choice"),
    ],
)
def test_what_will_not_do_is_told_and_kept_in_the_form(
    ada: Client, change: dict[str, str], words: str
) -> None:
    data = {"place": "account", "shortcut": "kept", "body": "Kept words"} | change

    answer = ada.post(NEW, data)

    page = answer.content.decode()
    assert answer.status_code == 422
    assert words in page
    assert "kept" in page.lower()
    assert not CannedReply.objects.exists()


def test_two_who_edit_one_see_both(house: House, ada: Client) -> None:
    row = kept(house, "hi", "Hello")
    data = {"place": "account", "shortcut": "hi", "version": "1"}
    ada.post(edit(row), {**data, "body": "Hello!"})

    answer = ada.post(edit(row), {**data, "body": "Good day"})

    page = answer.content.decode()
    assert answer.status_code == 409
    assert "Hello!" in page
    assert "Good day" in page
    again = answer.context["form"]["version"].value()
    ada.post(edit(row), {**data, "body": "Good day", "version": again})
    row.refresh_from_db()
    assert row.body == "Good day"


def test_an_agent_keeps_their_own_and_only_looks_at_others(house: House, login: Login) -> None:
    other = make_inbox(house.account, "Returns")
    shared = kept(house, "all")
    kept(house, "here", inbox=house.inbox)
    kept(house, "there", inbox=other)
    bobs = kept(house, "bobs", person=house.bob)
    alice = login(house.alice)

    made = alice.post(NEW, {"place": "mine", "shortcut": "mine", "body": "Hi"})

    assert made.status_code == 302
    own = CannedReply.objects.get(shortcut="mine")
    assert own.person == house.alice
    assert shown(alice) == ["all", "here", "mine"]
    assert shown(login(house.bob)) == ["all", "bobs", "here"]
    page = alice.get(LIST).content.decode()
    assert edit(own) in page
    assert edit(shared) not in page
    assert "Returns" not in page
    assert "/settings/people/" not in page
    for row in (shared, bobs):
        assert alice.get(edit(row)).status_code == 404
        assert alice.post(delete(row)).status_code == 404
    refused = alice.post(NEW, {"place": "account", "shortcut": "x", "body": "Hi"})
    assert refused.status_code == 422


def test_a_supervisor_keeps_their_inboxs_where_it_lets_them(house: House, login: Login) -> None:
    row, shared = kept(house, "here", inbox=house.inbox), kept(house, "all")
    other = kept(house, "there", inbox=make_inbox(house.account, "Returns"))
    sue = login(house.sue)
    assert sue.get(edit(row)).status_code == 404

    TeamInbox.objects.update(supervisors_may_set_up=True)

    assert sue.get(edit(row)).status_code == 200
    assert shown(sue) == ["all", "here"]
    made = sue.post(NEW, {"place": "inbox-support", "shortcut": "new", "body": "Hi"})
    assert made.status_code == 302
    for theirs in (shared, other):
        assert sue.get(edit(theirs)).status_code == 404
    # Nor do they take one to where it is not theirs to keep.
    data = {"shortcut": "here", "body": "Hi", "version": "1"}
    assert sue.post(edit(row), {**data, "place": "account"}).status_code == 422


def test_an_admin_sees_nobodys_own(house: House, ada: Client) -> None:
    own = kept(house, "mine", person=house.alice)

    assert shown(ada) == []
    assert ada.get(edit(own)).status_code == 404


def test_another_account_has_none_of_it(house: House, charlie: User, login: Login) -> None:
    row = kept(house, "all")

    assert shown(login(charlie)) == []
    assert login(charlie).get(edit(row)).status_code == 404


def test_who_loses_the_licence_keeps_nothing(house: House, login: Login) -> None:
    nora = make_user(house.account, "Nora", team=house.inbox.team, is_licensed=False)

    assert login(nora).get(LIST).status_code == 404


def test_they_are_searched_narrowed_and_ordered(house: House, ada: Client) -> None:
    kept(house, "Zoo", "Animals")
    kept(house, "bye", "Good bye", uses=2, last_used_at=NOW)
    kept(house, "Apple", "Fruit", inbox=house.inbox, uses=7, last_used_at=NOW)

    assert shown(ada) == ["Apple", "bye", "Zoo"]
    assert shown(ada, sort="used") == ["Apple", "bye", "Zoo"]
    assert shown(ada, q="/zoo") == ["Zoo"]
    assert shown(ada, q="good") == ["bye"]
    assert shown(ada, of="inbox-support") == ["Apple"]
    assert shown(ada, of="account", sort="used") == ["bye", "Zoo"]
    assert shown(ada, q="zebra") == []
    assert b"None found" in ada.get(LIST, {"q": "zebra"}).content


@pytest.mark.parametrize("sort", ["", "used"])
def test_a_long_list_has_pages_and_every_page_asks_little(
    house: House, ada: Client, sort: str
) -> None:
    for number in range(120):
        kept(house, f"N{number:03}", uses=number % 3, last_used_at=NOW if number % 3 else None)
    seen: list[str] = []
    path = f"{LIST}?sort={sort}"

    while path:
        with CaptureQueriesContext(connection) as captured:
            answer = ada.get(path)
        assert len(captured) <= 6, "\n".join(one["sql"] for one in captured)
        seen += [row.shortcut for row, *_rest in answer.context["rows"]]
        following = answer.context["next"]
        path = f"{LIST}?{following}" if following else ""

    assert len(seen) == 120
    assert sorted(seen) == [f"N{number:03}" for number in range(120)]


def test_the_preview_shows_what_two_customers_get_and_saves_nothing(
    house: House, ada: Client
) -> None:
    Contact.objects.create(account=house.account, attributes={"plan": "Gold"})
    body = (
        "Hi {{contact.first_name|there}}, {{agent.first_name}} here. {{contact.attributes.plan|}}"
    )
    data = {"do": "preview", "place": "account", "shortcut": "hi", "body": body}

    part = ada.post(NEW, data, headers={"HX-Request": "true"}).content.decode()

    assert "Hi Maria, Ada here. Gold" in part
    assert "Hi there, Ada here." in part
    assert "1 segment" in part
    assert "<html" not in part
    assert "Hi Maria, Ada here." in ada.post(NEW, data).content.decode()
    wrong = ada.post(NEW, {**data, "body": "{{nobody}}"}, headers={"HX-Request": "true"})
    assert "We know no “nobody”" in wrong.content.decode()
    assert not CannedReply.objects.exists()


def test_an_agents_preview_names_no_other_inbox(house: House, login: Login) -> None:
    TeamInbox.objects.filter(pk=house.inbox.pk).update(name="Aardvarks")
    zoe = make_user(house.account, "Zoe", team=make_inbox(house.account, "Zebras").team)
    data = {"do": "preview", "place": "mine", "shortcut": "hi", "body": "{{inbox.name}}"}

    page = login(zoe).post(NEW, data).content.decode()

    assert "Zebras" in page
    assert "Aardvarks" not in page
