"""Do timers that act together fail alone, and does the clock go on until nothing is due?"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from inbox import escalating, tasks
from inbox.escalating import clock, fire_due, fire_some, next_due, steps
from inbox.models import Conversation, ConversationEvent, EscalationTimer
from tests.conftest import House
from tests.factories import make_policy, make_user
from tests.twilio import text_in


def minutes(n: float) -> timedelta:
    return timedelta(minutes=n)


@pytest.fixture
def waits(house: House, client: Client) -> list[Conversation]:
    """Return five conversations in which somebody waits, each for Olga after five minutes."""
    olga = make_user(house.account, "Olga")
    make_policy(house.inbox, {"after": 5, "to": [{"users": [olga.pk]}]})
    rows = [text_in(client, house.sender, f"+1415555010{n}").conversation for n in range(5)]
    return [row for row in rows if row is not None]


def since(row: Conversation) -> datetime:
    assert row.waiting_since is not None
    return row.waiting_since


def acted() -> set[int]:
    events = ConversationEvent.objects.filter(verb="escalated")
    return set(events.values_list("conversation_id", flat=True))


def test_a_timer_that_cannot_act_takes_no_other_along(
    waits: list[Conversation], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    at = since(waits[-1]) + minutes(5)
    bad = waits[2].pk

    def fire(row: Conversation, *rest: Any) -> None:
        steps.fire(row, *rest)
        if row.pk == bad:
            raise RuntimeError("this one breaks down")

    with monkeypatch.context() as broken, caplog.at_level(logging.CRITICAL):
        broken.setattr(clock, "fire", fire)
        fire_due(now=at)

    assert acted() == {row.pk for row in waits} - {bad}
    timers = EscalationTimer.objects.filter(step=1)
    assert list(timers.exclude(problem="").values_list("conversation_id", "problem")) == [
        (bad, "RuntimeError")
    ]
    assert timers.filter(fired_at=None).count() == 1

    fire_due(now=at + minutes(1))

    assert acted() == {row.pk for row in waits}
    assert ConversationEvent.objects.filter(verb="escalated").count() == len(waits)


def test_two_steps_of_one_conversation_act_one_after_the_other(
    house: House, client: Client
) -> None:
    olga, ben = make_user(house.account, "Olga"), make_user(house.account, "Ben")
    make_policy(
        house.inbox,
        {"after": 5, "do": "move", "to": [{"users": [olga.pk]}]},
        {"after": 5, "when": "unclaimed", "to": [{"users": [ben.pk]}]},
    )
    row = text_in(client, house.sender, "+14155550100").conversation
    assert row is not None

    fire_due(now=since(row) + minutes(6))

    # The first step made Olga the owner: the second one was for what nobody owns.
    assert ConversationEvent.objects.filter(verb="escalated").count() == 1
    assert EscalationTimer.objects.get(step=2).obsolete_reason == "claimed"


def test_timers_that_act_together_share_what_they_ask(waits: list[Conversation]) -> None:
    at = since(waits[-1]) + minutes(5)

    with CaptureQueriesContext(connection) as captured:
        assert fire_some(now=at) == len(waits)

    asked = [query["sql"] for query in captured]
    told = [sql for sql in asked if not sql.startswith(("SAVEPOINT", "RELEASE"))]
    # Timers, conversations, features, who is able, events; and of each: its timer, its audience
    # before and after, the part, the conversation, the line in the timeline.
    assert len(told) <= 5 + 6 * len(waits), "\n".join(told)


def test_a_tick_does_all_that_is_due_and_what_becomes_due_soon(
    waits: list[Conversation],
) -> None:
    now = timezone.now()
    due = [*[now - minutes(1)] * 3, now + timedelta(seconds=0.4), now + timedelta(seconds=60)]
    for row, at in zip(waits, due, strict=True):
        EscalationTimer.objects.filter(conversation=row, step=1).update(due_at=at, next_at=at)

    tasks.sweep_timers()

    assert acted() == {row.pk for row in waits[:4]}
    fired = EscalationTimer.objects.get(conversation=waits[3], step=1).fired_at
    assert fired is not None
    assert fired >= due[3]
    assert next_due() == due[4]


def test_with_much_to_do_a_second_process_is_asked_to_help_once(
    waits: list[Conversation], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr(tasks, "nudge", lambda task, **named: asked.append((task, named)))
    monkeypatch.setattr(tasks, "ALONE", timedelta(0))
    late = timezone.now() - minutes(1)
    EscalationTimer.objects.filter(step=1).update(due_at=late, next_at=late)
    monkeypatch.setattr(escalating, "fire_some", lambda now: fire_some(now=now, limit=1))

    tasks.sweep_timers()
    tasks.sweep_timers(helps=True)

    assert asked == [("sweep_timers", {"helps": True})]
    assert acted() == {row.pk for row in waits}
