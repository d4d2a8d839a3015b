"""Is each message sent once or shown as unknown, and each step done once, whoever is killed?"""

from __future__ import annotations

import random
from collections import Counter
from datetime import timedelta

import pytest
from django.db.models import F
from django.utils import timezone

from inbox.fragments import render_bubble
from inbox.models import (
    Conversation,
    ConversationEvent,
    EscalationTimer,
    InboxEvent,
    Message,
    Participant,
)
from routing.escalation import LAST
from tests.conftest import House
from tests.factories import make_policy, make_user
from tests.faults import (
    ARRIVED,
    customers_write,
    gaps,
    handed_over_twice,
    harm_workers,
    is_sending,
    lost,
    many_wait,
    out_of_order,
    unsettled,
    write_answers,
)
from tests.live import Live, until

SEED = 20_261_123


@pytest.mark.slow
def test_killed_workers_and_an_emptied_broker_neither_double_nor_lose_a_message(
    house: House, live: Live
) -> None:
    live.carrier.know(live.base_url, house.sender)
    for _ in range(2):
        live.add_worker()
    conversations = customers_write(live, house.sender, 20)
    # Twilio takes most messages at once and answers late, some callbacks never come: a kill in
    # between leaves us not knowing.
    live.carrier.fault("hang_after", seconds=0.3, times=-1, probability=0.9)
    live.carrier.fault("no_callback", times=-1, probability=0.6)
    writing = write_answers(live, house.alice, conversations, each=10)

    harm = harm_workers(
        live,
        random.Random(SEED),
        house.account,
        seconds=6,
        kills=8,
        matters=lambda: is_sending(house.account),
    )

    refused = [problem for done in writing for problem in done.result()]
    until(lambda: unsettled(house.account) == 0, within=60, what=f"all settled after {harm}")
    ledger = live.carrier.ledger()
    answers = Message.objects.filter(direction="out")
    assert refused == []
    assert answers.count() == 200
    assert (harm.emptied_broker, harm.killed_workers + harm.killed_children) == (2, 8)
    assert harm.hit, "no kill came at a moment that matters"
    assert handed_over_twice(ledger) == []
    assert lost(house.account, ledger) == []
    assert out_of_order(house.account, ledger) == []
    assert gaps(house.inbox) == []
    assert {message.status for message in answers} <= {*ARRIVED, Message.Status.UNKNOWN}
    for message in answers.filter(status=Message.Status.UNKNOWN):
        assert "Not confirmed" in render_bubble(message)
        told = InboxEvent.objects.filter(type="message.updated", data__id=message.public_id)
        assert told.exists()


@pytest.mark.slow
def test_killed_workers_and_an_emptied_broker_neither_double_nor_forget_a_step(
    house: House, live: Live
) -> None:
    olga = make_user(house.account, "Olga")
    urgent = {"after": 5, "do": "priority", "priority": "urgent"}
    make_policy(house.inbox, {"after": 5, "to": [{"users": [olga.pk]}]}, urgent)
    for _ in range(2):
        live.add_worker()
    # One after the other they are due while workers are being killed.
    first = timezone.now() - timedelta(minutes=5) + timedelta(seconds=1)
    many_wait(house, [first + timedelta(milliseconds=20 * n) for n in range(300)])
    steps = EscalationTimer.objects.filter(step__lt=LAST)

    harm = harm_workers(live, random.Random(SEED), house.account, seconds=6, kills=8)

    done = steps.filter(fired_at__isnull=False)
    until(lambda: done.count() == 600, within=60, what=f"all steps act after {harm}")
    told = ConversationEvent.objects.filter(verb="escalated").values_list(
        "conversation", "data__step", "data__did"
    )
    assert Counter(told) == Counter(
        one
        for row in Conversation.objects.all()
        for one in ((row.pk, 1, "add"), (row.pk, 2, "priority"))
    )
    assert Participant.objects.filter(user=olga, ended_at=None).count() == 300
    assert Participant.objects.filter(user=olga).count() == 300
    assert set(Conversation.objects.values_list("priority", flat=True)) == {"urgent"}
    assert not steps.filter(fired_at__lt=F("due_at")).exists()
    assert gaps(house.inbox) == []
