"""What do the folds of the contact panel show, and what may be done there?"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from accounts.models import User
from inbox.models import Message
from inbox.said_elsewhere import note_opt_in
from inbox.sending import Later
from inbox.templatetags.inbox_tags import web_link
from tests.conftest import House
from tests.factories import make_user
from tests.flows.test_together import Stage

Login = Callable[[User], Client]
PART: dict[str, Any] = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture
def stage(house: House, client: Client, now: datetime) -> Stage:
    return Stage(house, client, now)


def folds(stage: Stage, who: Client) -> str:
    with time_machine.travel(stage.now, tick=False):
        return who.get(f"/c/{stage.row.public_id}/panel/folds/", **PART).text


def test_what_waits_is_shown_and_stopped(stage: Stage, login: Login) -> None:
    stage.reply(stage.house.alice, "At once")
    later = Later(stage.now + timedelta(hours=3))
    message = stage.reply(stage.house.alice, "See you at <ten>.", later=later)
    alice = login(stage.house.alice)

    html = folds(stage, alice)

    assert "See you at &lt;ten&gt;." in html
    assert "At once" not in html
    assert "Do not send" in html
    here = f"/c/{stage.row.public_id}/panel/"
    answer = alice.post(f"/messages/{message.public_id}/call-off/", {"next": here})
    assert answer["Location"] == here
    assert Message.objects.get(pk=message.pk).status == "canceled"
    assert "Nothing waits here." in folds(stage, alice)


def test_owner_and_notes_are_changed_and_nothing_of_a_colleague_is_lost(
    stage: Stage, login: Login
) -> None:
    contact, alice = stage.row.contact, login(stage.house.alice)
    here = f"/c/{stage.row.public_id}/panel/"
    seen = folds(stage, alice).split('name="seen" value="')[1].split('"')[0]
    form = {"seen": seen, "name": contact.name, "language": "", "owner": "", "next": here}

    answer = alice.post(f"/contacts/{contact.public_id}/", {**form, "notes": "Likes tea"})
    again = alice.post(
        f"/contacts/{contact.public_id}/",
        {**form, "notes": "Likes coffee"},
        HTTP_ACCEPT="application/json",
    )

    assert answer["Location"] == here
    assert again.status_code == 409
    assert "Likes tea" in folds(stage, alice)
    contact.refresh_from_db()
    assert contact.notes == "Likes tea"


def test_consent_says_from_where_it_is_known(stage: Stage, login: Login) -> None:
    alice = login(stage.house.alice)
    assert "They wrote to us" in folds(stage, alice)
    stage.now += timedelta(hours=1)

    stage.do(note_opt_in, stage.house.bob, way="phone", told="News, about once a month")

    html = folds(stage, alice)
    assert "They said so on the phone or in person" in html
    assert "Bob" in html


def test_only_admins_find_the_way_to_proof_and_erasure(stage: Stage, login: Login) -> None:
    team = stage.house.inbox.team
    admin = make_user(stage.house.account, "Ada", team=team, works_as=User.Role.ACCOUNT_ADMIN)
    links = [f"/settings/consent/{stage.row.contact.public_id}/{end}" for end in ("", "keeping/")]

    def shown(user: User) -> list[bool]:
        html = folds(stage, login(user))
        return [f'href="{link}"' in html for link in links]

    assert shown(stage.house.alice) == [False, False]
    assert shown(admin) == [True, True]


def test_the_folds_cost_the_same_for_one_message_and_for_many(
    stage: Stage, login: Login, django_assert_max_num_queries: Any
) -> None:
    alice = login(stage.house.alice)
    for hours in range(1, 5):
        stage.reply(stage.house.alice, later=Later(stage.now + timedelta(hours=hours)))
    folds(stage, alice)

    with django_assert_max_num_queries(10):
        folds(stage, alice)


@pytest.mark.parametrize(
    ("said", "is_link"),
    [
        ("https://crm.example.com/people/7?a=1&b=2", True),
        ("http://crm.example.com/7", False),
        ("javascript:alert(1)", False),
        ("https://crm.example.com@evil.example/", False),
        ("https://", False),
        ("see https://crm.example.com/7", False),
        ("gold", False),
    ],
)
def test_only_a_whole_https_address_can_be_followed(said: str, is_link: bool) -> None:
    html = web_link(said)

    assert html.startswith("<a ") is is_link
    assert is_link or html == said
