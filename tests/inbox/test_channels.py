"""Does the menu of channels lead to what its reader may see, and tell of nothing else?"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from accounts.access import viewer_of
from accounts.models import Account, Membership, User
from inbox.channels import channels_of
from inbox.conversations import claim_conversation
from inbox.models import Conversation, Sender
from tests.conftest import House
from tests.factories import make_inbox, make_sender, make_user
from tests.flows.test_together import MARIA, Stage
from tests.twilio import text_in

Login = Callable[[User], Client]
WHATSAPP, SECOND = "whatsapp:+15550100003", "+15550100004"
PART: dict[str, Any] = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture
def stage(house: House, client: Client, now: datetime) -> Stage:
    return Stage(house, client, now)


def writes(stage: Stage, sender: Sender, customer: str = MARIA) -> Conversation:
    """Let Maria write to another number of ours, a minute later."""
    stage.now += timedelta(minutes=1)
    with time_machine.travel(stage.now, tick=False):
        row = text_in(stage.client, sender, customer, "And here I am").conversation
    assert row is not None
    return row


def another(stage: Stage, address: str = SECOND) -> Sender:
    house = stage.house
    return make_sender(house.inbox, address, twilio_account=house.sender.twilio_account)


def menu(stage: Stage, who: Client) -> str:
    with time_machine.travel(stage.now, tick=False):
        answer = who.get(f"/c/{stage.row.public_id}/channels/", **PART)
    assert answer.status_code == 200
    return str(answer.content.decode())


def known_to(stage: Stage, user: User) -> list[tuple[str, bool]]:
    found = channels_of(viewer_of(user, now=stage.now), stage.row)
    return [(one.conversation.public_id, one.is_here) for one in found.every]


def test_other_channels_and_numbers_are_listed_the_latest_first(stage: Stage, login: Login) -> None:
    by_number = writes(stage, another(stage))
    by_whatsapp = writes(stage, another(stage, WHATSAPP), f"whatsapp:{MARIA}")

    assert known_to(stage, stage.house.alice) == [
        (stage.row.public_id, True),
        (by_whatsapp.public_id, False),
        (by_number.public_id, False),
    ]
    html = menu(stage, login(stage.house.alice))
    for row in (stage.row, by_number, by_whatsapp):
        assert f'href="/inbox/support/c/{row.public_id}/" data-open="{row.public_id}"' in html
    assert html.count('aria-current="true"') == 1
    assert "WhatsApp · " in html
    assert "By no other channel" not in html


def test_each_leads_to_the_latest_conversation_that_one_may_read(stage: Stage) -> None:
    sender = another(stage)
    first = writes(stage, sender)
    Conversation.objects.filter(pk=first.pk).update(
        status="closed",
        closed_at=stage.now - timedelta(days=30),
        was_team_wide_at_close=True,
        waiting_since=None,
    )
    second = writes(stage, sender)
    assert second.pk != first.pk
    assert known_to(stage, stage.house.alice)[1:] == [(second.public_id, False)]

    claim_conversation(
        conversation=second,
        by=viewer_of(stage.house.bob, now=stage.now),
        user=stage.house.bob,
        now=stage.now,
    )

    assert known_to(stage, stage.house.alice)[1:] == [(first.public_id, False)]


def test_what_a_colleague_has_is_not_hinted_at(stage: Stage, login: Login) -> None:
    house, row = stage.house, writes(stage, another(stage))
    before = menu(stage, login(house.alice))
    assert row.public_id in before

    claim_conversation(
        conversation=row, by=viewer_of(house.bob, now=stage.now), user=house.bob, now=stage.now
    )

    html = menu(stage, login(house.alice))
    assert row.public_id not in html
    assert "010-0004" not in html
    assert "By no other channel that you can see." in html
    assert row.public_id in menu(stage, login(house.bob))
    assert row.public_id in menu(stage, login(house.sue))


def test_another_team_is_seen_by_who_works_there_and_opens_by_itself(
    stage: Stage, login: Login
) -> None:
    house = stage.house
    sales = make_inbox(house.account, "Sales")
    sender = make_sender(sales, SECOND, twilio_account=house.sender.twilio_account)
    row = writes(stage, sender)
    both = make_user(house.account, "Berta", team=house.inbox.team)
    Membership.objects.create(user=both, team=sales.team)

    assert row.public_id not in menu(stage, login(house.alice))
    html = menu(stage, login(both))
    assert f"/inbox/{sales.slug}/c/{row.public_id}/" in html
    assert f'data-open="{row.public_id}"' not in html


def test_numbers_are_masked_where_the_account_masks_them(stage: Stage, login: Login) -> None:
    writes(stage, another(stage))
    Account.objects.filter(pk=stage.house.account.pk).update(masks_numbers=True)

    html = menu(stage, login(stage.house.alice))

    assert html.count("+1 ••• ••00") == 2
    assert "555-0100" not in html


def test_who_may_begin_finds_the_way_and_without_a_script_it_is_a_page(
    stage: Stage, login: Login
) -> None:
    alice = login(stage.house.alice)
    way = f'href="/c/{stage.row.public_id}/new/"'
    assert way not in menu(stage, alice)
    stage.house.inbox.may_start_conversations = True
    stage.house.inbox.save()

    assert way in menu(stage, alice)
    page = alice.get(f"/c/{stage.row.public_id}/channels/").content.decode()
    assert "<h1>Channels of this customer</h1>" in page
    assert way in page


def test_many_cost_the_same_as_one(
    stage: Stage, login: Login, django_assert_max_num_queries: Any
) -> None:
    alice = login(stage.house.alice)
    for number in range(5):
        writes(stage, another(stage, f"+1555010001{number}"))
    menu(stage, alice)

    with django_assert_max_num_queries(8):
        menu(stage, alice)
