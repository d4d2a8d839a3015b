"""Does whoever hears from us first learn who writes? G10a at real sends, one test per column."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import transaction
from django.test import Client

from accounts.models import User
from compliance.gate import Purpose, Reason, SendBlockedError
from compliance.models import GateDecision
from inbox.models import Message, TeamInbox
from inbox.models.ids import client_id
from inbox.reply_settings import greeting
from inbox.sending import (
    Wanted,
    deliver,
    locked_thread,
    queue_message,
    verdict_on,
    warnings_on,
)
from inbox.story import Story
from tests.carrier import Twilio
from tests.compliance.ledgers import proof, tell
from tests.conftest import House
from tests.flows.test_together import Stage

Login = Callable[[User], Client]
SAID = {"code": "NO_IDENTITY", "answer": "allow", "rule": "", "until": ""}
REFUSED = SAID | {"answer": "block"}


@pytest.fixture
def stage(house: House, client: Client, now: datetime, twilio: Twilio) -> Stage:
    twilio.knows(house.sender)
    return Stage(house, client, now)


def said_of(message: Message) -> list[tuple[str, list[Any]]]:
    """Return what the gate said of a message at each stage."""
    rows = GateDecision.objects.filter(message_ref=message.public_id).order_by("pk")
    return list(rows.values_list("stage", "findings"))


# --- Warned, and sent -----------------------------------------------------------------------------


@pytest.mark.parametrize("purpose", [Purpose.REPLY, Purpose.NOTIFICATION])
def test_the_first_words_of_a_person_go_with_a_warning(stage: Stage, purpose: Purpose) -> None:
    message = stage.reply(stage.house.alice, "It is ready.", purpose=purpose)

    deliver(message.pk, now=stage.now)

    message.refresh_from_db()
    assert message.status == "sent"
    assert said_of(message) == [("queued", [SAID]), ("sent", [SAID])]
    assert warnings_on(message) == ["It did not say who writes."]


@pytest.mark.parametrize("purpose", [Purpose.REPLY, Purpose.NOTIFICATION])
def test_who_says_who_writes_is_not_warned(stage: Stage, purpose: Purpose) -> None:
    message = stage.reply(stage.house.alice, "Here is ACME. It is ready.", purpose=purpose)

    assert said_of(message) == [("queued", [])]
    assert warnings_on(message) == []


def test_only_the_first_words_are_warned_of(stage: Stage) -> None:
    stage.reply(stage.house.alice, "It is ready.")
    stage.now += timedelta(minutes=1)

    second = stage.reply(stage.house.alice, "Come when you like.")

    assert said_of(second) == [("queued", [])]


def test_a_note_is_nothing_that_they_heard(stage: Stage, login: Login) -> None:
    browser = login(stage.house.alice)
    with time_machine.travel(stage.now, tick=False):
        write(browser, stage, "note", "She is in a hurry.")
    stage.now += timedelta(minutes=1)

    first = stage.reply(stage.house.alice, "It is ready.")

    assert said_of(first) == [("queued", [SAID])]


def test_an_automatic_reply_goes_with_a_warning(
    house: House, client: Client, now: datetime, twilio: Twilio
) -> None:
    twilio.knows(house.sender)
    TeamInbox.objects.update(replies=greeting("We got it, and answer soon."))
    Stage(house, client, now)
    reply = Message.objects.get(purpose="auto_reply")

    deliver(reply.pk, now=now)

    reply.refresh_from_db()
    assert reply.status == "sent"
    assert said_of(reply) == [("sent", [SAID])]


# --- Refused --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "purpose", [Purpose.OPT_OUT_CONFIRMATION, Purpose.OPT_IN_CONFIRMATION, Purpose.HELP_REPLY]
)
def test_a_confirmation_that_does_not_say_who_writes_is_refused(
    stage: Stage, twilio: Twilio, purpose: Purpose
) -> None:
    message = queued(stage, purpose, "You are off the list.")

    deliver(message.pk, now=stage.now)

    message.refresh_from_db()
    assert (message.status, message.error_code) == ("blocked", "NO_IDENTITY")
    assert said_of(message) == [("sent", [REFUSED])]
    assert not twilio.requests_to_send()


@pytest.mark.parametrize(
    ("word", "purpose"), [("please take me off your list", "optout_confirmation")]
)
def test_our_own_confirmations_say_it(stage: Stage, word: str, purpose: str) -> None:
    stage.hear(word)
    message = Message.objects.get(purpose=purpose)

    deliver(message.pk, now=stage.now)

    message.refresh_from_db()
    assert message.status == "sent"
    assert message.body.startswith("Acme")


def test_an_offer_that_does_not_say_who_writes_is_refused_and_is_no_message(stage: Stage) -> None:
    tell(stage.house.account, proof(), at=stage.now)
    stage.reply(stage.house.alice, "Acme here.")
    stage.now += timedelta(hours=3)

    with pytest.raises(SendBlockedError) as refused:
        stage.reply(
            stage.house.alice, "20% off. Reply STOP to opt out.", purpose=Purpose.PROMOTIONAL
        )

    assert refused.value.verdict.reason is Reason.NO_IDENTITY
    assert GateDecision.objects.latest("pk").findings == [REFUSED]


def test_a_question_for_consent_that_does_not_say_who_writes_is_refused(stage: Stage) -> None:
    at = stage.now + timedelta(hours=3)
    body = "Offers by text? Reply YES. Reply STOP to opt out."

    verdict = verdict_on(stage.row.thread, Wanted(Purpose.CONSENT_REQUEST, None, at, body), now=at)

    assert verdict.reason is Reason.NO_IDENTITY


def queued(stage: Stage, purpose: Purpose, body: str) -> Message:
    with transaction.atomic():
        return queue_message(
            thread=locked_thread(stage.row.thread_id),
            conversation=stage.row,
            body=body,
            purpose=purpose,
            story=Story(now=stage.now),
            bot_name="Acme",
        )


# --- What its author is told ----------------------------------------------------------------------


def write(browser: Client, stage: Stage, kind: str, body: str) -> Any:
    return browser.post(
        f"/c/{stage.row.public_id}/messages/",
        {"kind": kind, "body": body, "client_id": client_id()},
        follow=True,
    )


def page_of(browser: Client, stage: Stage) -> str:
    return str(browser.get(f"/inbox/support/c/{stage.row.public_id}/").content.decode())


def test_the_composer_knows_the_name_until_something_went_out(stage: Stage, login: Login) -> None:
    browser = login(stage.house.alice)
    with time_machine.travel(stage.now, tick=False):
        before = page_of(browser, stage)
        write(browser, stage, "reply", "Acme here. It is ready.")
    with time_machine.travel(stage.now + timedelta(minutes=1), tick=False):
        after = page_of(browser, stage)

    assert 'data-name-to-say="Acme"' in before
    assert 'data-name-to-say=""' in after


def test_who_writes_without_a_script_is_told_on_the_page(stage: Stage, login: Login) -> None:
    with time_machine.travel(stage.now, tick=False):
        page = write(login(stage.house.alice), stage, "reply", "It is ready.")

    assert "It did not say who writes." in page.content.decode()
    assert Message.objects.get(author=stage.house.alice).status == "queued"


@pytest.mark.parametrize(
    ("text", "warnings"),
    [
        ("It is ready.", ["It does not say who you are: name your business."]),
        ("Acme here: it is ready.", []),
        ("", []),
    ],
)
def test_the_api_warns_before_it_is_sent(
    stage: Stage, login: Login, text: str, warnings: list[str]
) -> None:
    with time_machine.travel(stage.now, tick=False):
        answer = login(stage.house.alice).post(
            f"/api/v1/conversations/{stage.row.public_id}/verdict/",
            json.dumps({"purpose": "reply", "text": text}),
            content_type="application/json",
        )

    told = answer.json()
    assert (told["answer"], told["code"]) == ("allow", "OK")
    assert told["warnings"] == warnings
