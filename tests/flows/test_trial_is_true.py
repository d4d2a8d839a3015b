"""Does a trial of a message say what then really happens when that very message comes?

Every text of the development set, and words of the account's own, as a dry run and then through the
webhook: read alike, the same consent after it, the same verdict of the gate on an answer.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from compliance.addresses import parse_address
from compliance.consent import consent_of
from compliance.foretelling import Outcome, Trial
from compliance.gate import Purpose
from compliance.keyword_settings import replace_keywords
from compliance.own_keywords import OwnKeyword
from compliance.state_machine import ConsentState
from inbox.explaining.dry_run import A_WISH, Bench, try_typed_message
from inbox.explaining.places import Which
from inbox.explaining.wishes import Wish
from inbox.models import Message, Sender, Thread
from inbox.reply_settings import greeting
from inbox.sending import Wanted, verdict_on
from inbox.setup.keyword_trial import try_message
from routing.replies import FirstWhen, Reply, Silence
from routing.trying import Typed
from tests.conftest import NOW, House
from tests.factories import make_sender, make_user
from tests.twilio import text_in

pytestmark = pytest.mark.django_db
_ROWS = Path("tests/compliance/data/optout_dev.csv").read_text(encoding="utf-8").splitlines()
TEXTS = list(dict.fromkeys((row["text"], row["channel"]) for row in csv.DictReader(_ROWS)))
OWN = [
    OwnKeyword("opt_out", "Genug", "", ""),
    OwnKeyword("opt_in", "Wieder", "", ""),
    OwnKeyword("help", "Auskunft", "", ""),
    OwnKeyword("none", "BAJA", "es", ""),
]
MORE = [
    *((word, "sms") for word in ("genug!", "Wieder", "auskunft", "BAJA", "yes", "YES", "Yes!")),
    *((word, "whatsapp") for word in ("Genug", "wieder", "CANCEL", "END", "yes", "START")),
    *((word, "sms") for word in ("START", "unstop", "HELP", "hello", "", "stop the bill")),
]


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


def later(clock: time_machine.Traveller) -> datetime:
    """Let a second pass: of an opt-out and a START at one instant the opt-out counts."""
    clock.shift(1)
    return timezone.now()


@pytest.fixture
def senders(house: House) -> dict[str, Sender]:
    whatsapp = make_sender(
        house.inbox, "whatsapp:+15550100003", twilio_account=house.sender.twilio_account
    )
    return {"sms": house.sender, "whatsapp": whatsapp}


@pytest.fixture(autouse=True)
def _inbox(house: House) -> None:
    house.inbox.replies = greeting("Welcome.", FirstWhen.EVER)
    house.inbox.save(update_fields=["replies"])
    ada = make_user(house.account, "Ada", works_as="account_admin")
    replace_keywords(account=house.account, wanted=OWN, by=ada, now=NOW)


# What went before: nothing, a word of theirs, an opt-out, one that may be one, and what was asked.
BEFORE = {
    "new": (),
    "wrote": ("Where is it?",),
    "out": ("Where is it?", "please take me off this list"),
    "out_by_keyword": ("Where is it?", "STOP"),
    "held": ("Where is it?", "no more of these ok"),
}


def number(at: int) -> str:
    return f"+1415555{1000 + at:04d}"


@pytest.mark.parametrize("before", list(BEFORE))
def test_a_trial_says_what_then_happens(
    house: House,
    client: Client,
    senders: dict[str, Sender],
    clock: time_machine.Traveller,
    before: str,
) -> None:
    for at, (text, channel) in enumerate([*TEXTS, *MORE]):
        customer = number(at)
        raw = f"whatsapp:{customer}" if channel == "whatsapp" else customer
        for said in BEFORE[before]:
            text_in(client, senders[channel], raw, said)
        now = later(clock)
        typed = Typed(now, text, number=customer, channel=channel)
        bench = Bench(house.inbox, Which.PUBLISHED, house.viewer(house.sue), now)

        tried = try_typed_message(bench, typed, as_they_are=True)
        message = text_in(client, senders[channel], raw, text)

        where = f"{text!r} over {channel}, {before}"
        assert_told(tried.wish, message, where, now=now)
        if before == "new":
            assert_answered(tried.outcome.said, message, where)


def assert_told(wish: Wish, message: Message, where: str, *, now: datetime) -> None:
    """Compare what was foretold with the consent that is kept and what the gate says now."""
    thread = Thread.objects.select_related("sender__account", "contact", "address").get(
        pk=message.thread_id
    )
    address = parse_address(thread.customer_address)
    row = consent_of(thread.account_id, address)
    assert row is not None, where
    if not wish.is_keyword or wish.after.state is not ConsentState.NONE:
        assert wish.after.state == row.state, where
    if wish.is_keyword:
        assert wish.verdict is None, where
        return
    really = verdict_on(thread, Wanted(Purpose.AUTO_REPLY, None, now), now=now)
    assert wish.verdict is not None, where
    assert (wish.verdict.reason, wish.verdict.answer) == (really.reason, really.answer), where


def assert_answered(said: Reply | Silence, message: Message, where: str) -> None:
    """Compare the answer that was foretold with the one that is on its way."""
    sent = Message.objects.filter(thread=message.thread_id, purpose=Purpose.AUTO_REPLY.value)
    bodies = list(sent.values_list("body", flat=True))
    assert bodies == ([said.text] if isinstance(said, Reply) else []), where
    if isinstance(said, Silence) and said.reason == A_WISH:
        assert message.conversation is None, where


_LASTING = {
    Outcome.OPTED_OUT: "opted_out",
    Outcome.HELD: "held",
}


def test_the_tester_of_keywords_says_so_too(
    house: House, client: Client, senders: dict[str, Sender]
) -> None:
    for at, (text, channel) in enumerate([*TEXTS, *MORE]):
        customer = number(at)
        raw = f"whatsapp:{customer}" if channel == "whatsapp" else customer
        trial = Trial(text, channel, languages=("en", "es"))

        tried = try_message(house.account, trial, country="US")
        message = text_in(client, senders[channel], raw, text)

        row = consent_of(house.account.pk, parse_address(raw))
        state = row.state if row else ""
        foretold = next(
            one.foretold for one in tried.senders if one.address == message.thread.sender.address
        )
        where = f"{text!r} over {channel}"
        expected = _LASTING.get(foretold.outcome)
        assert (state == expected) if expected else (state not in _LASTING.values()), where
