"""Does a whole account's STOP at one moment make one ledger, and is nobody lost or held up?"""

from contextlib import suppress
from datetime import UTC, datetime
from threading import Thread

import pytest
from django.db import connection
from django.utils import timezone

from accounts.access import viewer_of
from compliance.comparing import differences
from compliance.gate import SendBlockedError
from compliance.models import Consent, ConsentChain, ConsentEvent, GateDecision
from compliance.verifying import verify_account
from inbox.models import Conversation, Message, Receipt
from inbox.models import Thread as ConversationThread
from inbox.models.ids import client_id
from inbox.sending import send_reply
from tests.conftest import House
from tests.doors import all_at_once, signed
from tests.live import Live, until
from tests.twilio import inbound_form

NEVER = datetime.min.replace(tzinfo=UTC)
PEOPLE = [f"+1415555{n:04d}" for n in range(30)]


@pytest.mark.slow
def test_a_storm_of_stops_among_other_messages_makes_one_whole_ledger(
    house: House, live: Live
) -> None:
    said = [(person, body) for body in ("Hello", "STOP", "HELP") for person in PEOPLE]
    forms = [inbound_form(house.sender, person, body) for person, body in said]

    answers = all_at_once([signed(live, house.sender, form) for form in forms])

    assert {answer.status for answer in answers} == {200}
    until(lambda: not Receipt.objects.exclude(state="done").exists(), within=120)
    assert not Receipt.objects.filter(attempts__gt=1).exists(), "one waited in vain for another"
    assert Consent.objects.filter(state="opted_out").count() == len(PEOPLE)
    assert ConsentEvent.objects.count() == ConsentChain.objects.get().seq == 2 * len(PEOPLE)
    assert verify_account(house.account.pk).broken is None
    assert list(differences(house.account.pk)) == []


@pytest.mark.slow
def test_nothing_leaves_after_an_opt_out_whatever_happens_at_once(house: House, live: Live) -> None:
    """The first invariant of the compliance reference, 12: by the times that are kept as evidence.

    People answer and rules send, workers deliver, and customers stop, all at the same moment.
    """
    live.carrier.know(live.base_url, house.sender)
    greetings = [inbound_form(house.sender, person, "Hello") for person in PEOPLE]
    all_at_once([signed(live, house.sender, form) for form in greetings])
    until(lambda: Conversation.objects.count() == len(PEOPLE), within=60)
    stops = [
        signed(live, house.sender, inbound_form(house.sender, person, "STOP")) for person in PEOPLE
    ]

    writing = Thread(target=_answer_everybody, args=(house,))
    writing.start()
    answers = all_at_once(stops)
    writing.join()

    assert {answer.status for answer in answers} == {200}
    until(lambda: not Receipt.objects.exclude(state="done").exists(), within=60)
    until(lambda: not Message.objects.filter(status__in=["queued", "sending"]).exists(), within=60)
    assert Consent.objects.filter(state="opted_out").count() == len(PEOPLE)
    stopped = {
        ConversationThread.objects.get(address__key=event.address).public_id: event.recorded_at
        for event in ConsentEvent.objects.filter(kind="opt_out")
    }
    left = GateDecision.objects.filter(dispatched_at__isnull=False)
    late = [row for row in left if (row.dispatched_at or NEVER) > stopped[row.thread_ref]]
    assert not late, [(row.dispatched_at, stopped[row.thread_ref]) for row in late]
    assert verify_account(house.account.pk).broken is None


def _answer_everybody(house: House) -> None:
    """Let Alice answer everybody, as fast as she can; whoever stopped meanwhile gets nothing."""
    try:
        rows = Conversation.objects.select_related(
            "inbox", "thread__sender", "thread__contact", "thread__address", "contact"
        )
        for row in rows.order_by("?"):
            now = timezone.now()
            with suppress(SendBlockedError):
                send_reply(
                    conversation=row,
                    by=viewer_of(house.alice, now=now),
                    user=house.alice,
                    body="Hello to you",
                    client_id=client_id(),
                    now=now,
                )
    finally:
        connection.close()
