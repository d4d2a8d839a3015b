"""Is every message sent once or shown as unknown, whoever is killed in the middle?"""

from __future__ import annotations

import random

import pytest

from inbox.fragments import render_bubble
from inbox.models import InboxEvent, Message
from tests.conftest import House
from tests.faults import (
    ARRIVED,
    customers_write,
    gaps,
    handed_over_twice,
    harm_workers,
    lost,
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

    harm = harm_workers(live, random.Random(SEED), house.account, seconds=6, kills=8)

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
