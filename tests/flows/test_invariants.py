"""Do the invariants of consent hold when everything happens at once? (compliance reference, 12)

Real PostgreSQL, several workers, the real webhook and the stories that people press. The first
invariant, that nothing leaves after an opt-out, and the second, that replaying gives what is
stored, have theirs in `test_stop_storm.py` and `tests/compliance/test_standing.py`.
"""

from __future__ import annotations

import random
from contextlib import suppress
from datetime import datetime, timedelta

import pytest
from django.db import transaction
from django.db.models import QuerySet
from django.test import Client
from django.utils import timezone

from accounts.access import viewer_of
from accounts.models import User
from compliance.addresses import parse_address
from compliance.comparing import differences
from compliance.evidence import EventKind, Evidence, Quality, Source
from compliance.gate import Purpose
from compliance.history import as_json, views_of_address
from compliance.models import Consent, ConsentEvent
from compliance.recording import OptInRefusedError, record_consent
from compliance.state_machine import ConsentState, replay
from compliance.verifying import verify_account
from inbox.models import Conversation, Message, Thread
from inbox.refusals import RefusedError
from inbox.said_elsewhere import lift_noted, note_opt_out
from inbox.sending import Wanted, verdict_on
from tests.compliance.ledgers import proof
from tests.compliance.test_standing import at_once
from tests.conftest import House
from tests.factories import make_sender, make_user
from tests.twilio import text_in

MARIA = "+14155550100"
OUT, BACK = "please take me off your list", "START"


@pytest.fixture
def greeted(house: House) -> Conversation:
    message = text_in(Client(), house.sender, MARIA, "Hello")
    assert message.conversation is not None
    return message.conversation


# --- At most one confirmation per opt-out ---------------------------------------------------------


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_whoever_asks_four_times_at_once_is_told_once(house: House) -> None:
    text_in(Client(), house.sender, MARIA, "Hello")

    at_once(4, lambda n: _say(house, OUT))

    assert Consent.objects.get().state == "opted_out"
    assert ConsentEvent.objects.filter(kind=EventKind.OPT_OUT).count() == 4
    assert _confirmations().count() == 1


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("seed", range(2))
def test_between_two_confirmations_they_always_came_back(house: House, seed: int) -> None:
    text_in(Client(), house.sender, MARIA, "Hello")
    senders = [
        house.sender,
        make_sender(house.inbox, "+15550100002", twilio_account=house.sender.twilio_account),
    ]

    def work(worker: int) -> None:
        rng = random.Random(100 * seed + worker)
        for _ in range(12):
            text_in(Client(), rng.choice(senders), MARIA, rng.choice([OUT, OUT, BACK, "Hello"]))

    at_once(4, work)

    events = ConsentEvent.objects.order_by("seq")
    by_message = {event.message_sid: event.seq for event in events}
    told = sorted(
        by_message[trigger.provider_sid or ""] for trigger in map(_trigger_of, _confirmations())
    )
    backs = [event.seq for event in events if event.kind == EventKind.OPT_IN]
    for first, second in zip(told, told[1:], strict=False):
        assert any(first < back < second for back in backs), (told, backs)
    assert verify_account(house.account.pk).broken is None
    assert list(differences(house.account.pk)) == []


def _say(house: House, body: str) -> None:
    text_in(Client(), house.sender, MARIA, body)


def _confirmations() -> QuerySet[Message]:
    rows = Message.objects.filter(purpose=Purpose.OPT_OUT_CONFIRMATION.value)
    return rows.order_by("pk")


def _trigger_of(confirmation: Message) -> Message:
    """Return the message that a confirmation answers: the last of theirs before it."""
    before = Message.objects.filter(
        thread=confirmation.thread_id, direction="in", seq__lt=confirmation.seq
    )
    found = before.order_by("-seq").first()
    assert found is not None
    return found


# --- Nothing but what they do themselves brings them back -----------------------------------------

_WORDS = Evidence(EventKind.GRANT, Source.VERBAL, quality=Quality.ASSERTED_BY_AGENT.value)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("seed", range(3))
def test_no_path_leads_back_to_offers_without_an_event_of_the_person(
    house: House, greeted: Conversation, seed: int
) -> None:
    """Agents note and lift, systems import, forms of before arrive late: all while they stop."""
    refused = 0

    def work(worker: int) -> None:
        nonlocal refused
        rng = random.Random(10 * seed + worker)
        for _ in range(8):
            deed = rng.choice([_note, _lift, _import, _old_form, _stop])
            try:
                deed(house, greeted.pk)
            except (RefusedError, OptInRefusedError):
                refused += 1

    _stop(house, greeted.pk)
    at_once(4, work)

    row = Consent.objects.get(programme="*")
    assert row.state == ConsentState.OPTED_OUT
    facts = [event.fact for event in ConsentEvent.objects.order_by("seq")]
    assert replay(facts).state is ConsentState.OPTED_OUT
    assert list(differences(house.account.pk)) == []
    thread = _thread(greeted)
    for purpose in (Purpose.PROMOTIONAL, Purpose.NOTIFICATION, Purpose.AUTO_REPLY):
        now = timezone.now()
        verdict = verdict_on(thread, Wanted(purpose, house.alice, now, "Acme: hi"), now=now)
        assert not verdict.is_allowed
        assert not verdict.is_deferred


def _conversation(pk: int) -> Conversation:
    return Conversation.objects.select_related(
        "inbox__account", "owner", "contact", "thread__sender", "thread__address", "thread__contact"
    ).get(pk=pk)


def _note(house: House, pk: int) -> None:
    now = timezone.now()
    by = viewer_of(house.alice, now=now)
    note_opt_out(
        conversation=_conversation(pk), by=by, user=house.alice, way="phone", note="", now=now
    )


def _lift(house: House, pk: int) -> None:
    now = timezone.now()
    by = viewer_of(house.sue, now=now)
    lift_noted(conversation=_conversation(pk), by=by, user=house.sue, reason="Wrong", now=now)


def _import(house: House, pk: int) -> None:
    unproven = proof(quality=Quality.IMPORTED_UNPROVEN.value, source=Source.IMPORT)
    _record(house, unproven)


def _old_form(house: House, pk: int) -> None:
    _record(house, proof(occurred_at=timezone.now() - timedelta(days=3)))


def _record(house: House, evidence: Evidence) -> None:
    with transaction.atomic():
        record_consent(
            account_id=house.account.pk,
            address=parse_address(MARIA),
            evidence=evidence,
            now=timezone.now(),
        )


def _stop(house: House, pk: int) -> None:
    _say(house, OUT)


def _thread(row: Conversation) -> Thread:
    rows = Thread.objects.select_related("sender__account", "contact", "address")
    return rows.get(pk=row.thread_id)


# --- It never depends on who is logged in ---------------------------------------------------------


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("words", ["Hello again", OUT, "STOP", "no more of these ok"])
def test_where_somebody_stands_never_depends_on_who_asks(
    house: House, greeted: Conversation, words: str
) -> None:
    _say(house, words)
    people = [
        house.alice,
        house.sue,
        make_user(house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN),
        make_user(house.account, "Audrey", works_as=User.Role.AUDITOR),
    ]
    said: list[tuple[str, ...]] = []
    at = timezone.now()

    def work(worker: int) -> None:
        now = timezone.now()
        wanted = Wanted(Purpose.NOTIFICATION, people[worker], now, "Acme: it is ready.")
        verdict = verdict_on(_thread(greeted), wanted, now=now)
        codes = {one.code for one in verdict.findings} - {"LICENSE_MISSING"}
        stands = views_of_address(house.account.pk, parse_address(MARIA), at)
        said.append(
            (str(sorted(codes)), str(verdict.inputs), str([as_json(one) for one in stands]))
        )

    at_once(len(people), work)

    assert len(said) == len(people)
    assert len(set(said)) == 1


@pytest.mark.django_db
@pytest.mark.parametrize("who", ["alice", "sue", "nobody"])
def test_what_is_recorded_counts_alike_whoever_records_it(house: House, who: str) -> None:
    by = getattr(house, who).pk if who != "nobody" else None
    at: datetime = timezone.now()

    with suppress(OptInRefusedError):
        for evidence in (
            proof(recorded_by=by),
            Evidence(EventKind.OPT_OUT, Source.VERBAL, recorded_by=by),
        ):
            _record(house, evidence)

    row = Consent.objects.get(programme="*")
    assert (row.state, row.basis) == ("opted_out", "express_written")
    assert row.since is not None
    assert row.since >= at
