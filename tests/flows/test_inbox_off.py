"""An inbox that is switched off: is it nowhere, and is nothing lost?"""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from compliance.models import Consent
from inbox.access import audience_of, readers_of
from inbox.conversations import claim_conversation
from inbox.models import Conversation, InboxEvent, Message, Participant, TeamInbox
from inbox.reply_settings import greeting
from routing.replies import FirstWhen
from tests.conftest import House
from tests.doors import Browser, all_at_once, signed
from tests.factories import make_inbox, make_user
from tests.faults import customers_write
from tests.flows.test_together import Stage, stage
from tests.live import Live
from tests.twilio import inbound_form, text_in

__all__ = ["stage"]
SCRIPT: Any = {"headers": {"Accept": "application/json"}}
RECHECK_S = 6.5  # the consumer looks every five seconds


def switch(*, on: bool) -> None:
    TeamInbox.objects.filter(slug="support").update(is_on=on)


@pytest.fixture
def off(stage: Stage) -> Stage:
    """What was open when the inbox was switched off, of Alice."""
    stage.do(claim_conversation, stage.house.alice)
    switch(on=False)
    return stage


def doors(stage: Stage) -> list[str]:
    conversation = stage.row
    own = f"/c/{conversation.public_id}"
    return [
        "/inbox/support/",
        "/inbox/support/?q=Hello",
        "/inbox/support/counts/",
        f"/inbox/support/c/{conversation.public_id}/",
        f"{own}/",
        f"{own}/thread/",
        f"{own}/messages/",
        f"{own}/desk/",
        f"{own}/panel/",
        f"/api/v1/inboxes/{conversation.inbox.public_id}/events/?after=0",
    ]


def test_every_door_is_closed_to_everybody_who_had_it(off: Stage, login: Any) -> None:
    guest = make_user(off.house.account, "Gus", team=make_inbox(off.house.account).team)
    _take_part(off, guest)

    for user in (off.house.alice, off.house.bob, off.house.sue, guest):
        browser = login(user)
        for door in doors(off):
            answer = browser.get(door)
            assert answer.status_code == 404, f"{door} of {user}"
            assert "Alice" not in answer.content.decode(), "not even who has it"


def _take_part(stage: Stage, user: User) -> None:
    Participant.objects.create(
        account=stage.house.account,
        conversation=stage.row,
        user=user,
        role=Participant.Role.WATCHER,
        source=Participant.Source.MENTION,
        started_at=stage.now,
    )


@pytest.mark.parametrize("story", ["messages", "release", "close", "snooze", "transfer"])
def test_nothing_can_be_done_to_what_lies_in_it(off: Stage, login: Any, story: str) -> None:
    before = off.row.version
    data = {"kind": "reply", "body": "Hi", "last_seen_seq": 9, "preset": "later"}

    answer = login(off.house.alice).post(f"/c/{off.row.public_id}/{story}/", data, **SCRIPT)

    assert answer.status_code == 404
    assert off.row.version == before
    assert not Message.objects.filter(direction="out").exists()


def test_both_faces_of_sight_say_nobody(off: Stage) -> None:
    assert audience_of(off.row).is_nobody
    assert readers_of(off.row, now=off.now) == set()
    assert not any(off.sees(user) for user in (off.house.alice, off.house.sue))


def test_what_customers_write_is_kept_and_nobody_is_told(off: Stage) -> None:
    off.hear("Anybody there?")

    assert Message.objects.filter(body="Anybody there?").exists()
    told = InboxEvent.objects.latest("seq")
    assert told.audience == {"users": []}


def test_a_first_message_to_it_is_kept_without_a_greeting(off: Stage, client: Client) -> None:
    TeamInbox.objects.update(replies=greeting("Welcome!", FirstWhen.EVER))

    message = text_in(client, off.house.sender, "+14155550177", "Hello")

    assert message.conversation is not None
    assert not Message.objects.filter(kind="auto").exists()


def test_consent_keywords_work_in_it(off: Stage) -> None:
    off.hear("STOP")

    assert Consent.objects.get().state == "opted_out"


def test_switching_it_on_again_shows_what_arrived(off: Stage, login: Any) -> None:
    off.hear("Anybody there?")

    switch(on=True)

    alice = login(off.house.alice)
    assert "Anybody there?" in alice.get("/inbox/support/").text
    assert "Anybody there?" in alice.get(f"/inbox/support/c/{off.row.public_id}/").text
    missed = alice.get(f"/api/v1/inboxes/{off.row.inbox.public_id}/events/?after=0").json()
    assert off.row.public_id in {event["conversation"] for event in missed["events"]}


def test_open_sockets_hear_nothing_of_it_and_hear_again_when_it_is_on(
    house: House, edge: Live
) -> None:
    [conversation] = customers_write(edge, house.sender, 1)
    with Browser(edge, house.alice).socket() as alice, Browser(edge, house.sue).socket() as sue:
        chairs = [alice.sit_down(), sue.sit_down()]
        switch(on=False)
        _write(edge, house, conversation, "My card number is 4111")
        for chair in chairs:
            changed = chair.hear_type("access.changed", within=RECHECK_S)
            assert changed["data"] == {"inboxes": []}
            assert "My card number" not in chair.text()
            assert chair.content() == [changed]
        chairs[0].frames.clear()
        _write(edge, house, conversation, "And my name is Maria")
        chairs[0].hear_out()
        assert chairs[0].frames == []

        switch(on=True)
        chairs[0].hear_type("access.changed", within=RECHECK_S)
        _write(edge, house, conversation, "Hello?")
        assert chairs[0].hear_type("message.created")["conversation"] == conversation.public_id


def _write(edge: Live, house: House, conversation: Conversation, body: str) -> None:
    number = conversation.thread.customer_address
    [answer] = all_at_once([signed(edge, house.sender, inbound_form(house.sender, number, body))])
    assert answer.status == 200
    assert Message.objects.filter(body=body, created_at__lte=timezone.now()).exists()
