"""Does the virtual run of a policy tell what happens to a customer who really waits?"""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from accounts.models import User
from inbox.closing import close_conversation
from inbox.conversations import (
    claim_conversation,
    release_conversation,
    snooze_conversation,
    transfer_to_user,
    wake_conversation,
)
from inbox.escalating import fire_due
from inbox.models import Conversation, ConversationEvent, TeamInbox
from inbox.models.ids import client_id
from inbox.refusals import RefusedError
from inbox.sending import send_reply
from inbox.timers import hours_of
from routing.escalation import LAST, Waiting
from routing.policy_documents import read_policy
from routing.rehearsal import Act, Event, What, run
from tests.conftest import House
from tests.factories import make_hours, make_policy, make_user
from tests.twilio import text_in

MARIA = "+14155550100"
# A Friday evening, two days before clocks in Berlin go forward.
BEGIN = datetime(2026, 3, 27, 15, 30, tzinfo=UTC)
MINUTES = 150
Step = dict[str, Any]


def some_steps(rng: random.Random, helpers: list[User]) -> list[Step]:
    """Return steps of every kind that needs no machine; each names somebody of their own."""

    def step(helper: User) -> Step:
        do = rng.choice(["add", "move", "release", "notify", "priority"])
        whens = ["owner_silent", "any_unanswered", *(["unclaimed"] if do != "release" else [])]
        more: Step = {"to": [{"users": [helper.pk]}]} if do in ("add", "move") else {}
        more |= {"priority": "high"} if do == "priority" else {}
        clock = rng.choice(["calendar", "calendar", "business"])
        after = rng.randint(2, 40)
        return {"after": after, "do": do, "when": rng.choice(whens), "clock": clock, **more}

    return [step(helper) for helper in helpers]


def some_acts(rng: random.Random) -> dict[int, Act]:
    acts = [act for act in Act if act is not Act.OPT_OUT]
    return {minute: rng.choice(acts) for minute in rng.sample(range(1, MINUTES), 8)}


class Desk:
    """Alice and Bob, who do what acts say to the one conversation."""

    def __init__(self, house: House, client: Client) -> None:
        self.house, self.client = house, client

    def do(self, act: Act, now: datetime) -> None:
        """Do it, or nothing where it cannot be done."""
        row = Conversation.objects.select_related("thread").get()
        owner = row.owner or self.house.alice
        by = {"conversation": row, "by": self.house.viewer(owner), "user": owner, "now": now}
        try:
            self._do(act, row, by)
        except RefusedError:
            # As on a page where somebody else was faster.
            return

    def _do(self, act: Act, row: Conversation, by: dict[str, Any]) -> None:
        alice, bob = self.house.alice, self.house.bob
        match act:
            case Act.CUSTOMER_WRITES:
                text_in(self.client, self.house.sender, MARIA, "Hello?")
            case Act.CLAIM:
                claim_conversation(**by)
            case Act.RELEASE:
                release_conversation(**by)
            case Act.TRANSFER:
                transfer_to_user(to=bob if row.owner == alice else alice, **by)
            case Act.REPLY:
                send_reply(body="Hi", client_id=client_id(), **by)
            case Act.SNOOZE:
                snooze_conversation(until=None, **by)
            case Act.WAKE:
                wake_conversation(**by)
            case Act.CLOSE:
                close_conversation(last_seen_seq=999, waiting_ok=True, **by)


def told_shortly(fired: Iterable[tuple[datetime, int]]) -> list[tuple[float, int]]:
    """Return after how many minutes which step acted; the last step left out."""
    return [((at - BEGIN) / timedelta(minutes=1), step) for at, step in fired if step < LAST]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_a_run_tells_which_steps_act_and_when_as_they_do(
    house: House, client: Client, seed: int
) -> None:
    rng = random.Random(seed)
    house.inbox.hours = make_hours(house.account, zone="Europe/Berlin")
    house.inbox.reopen_owner = TeamInbox.ReopenOwner.TEAM
    house.inbox.handover_minutes = 0
    house.inbox.save()
    helpers = [make_user(house.account, f"Helper {n}", team=house.inbox.team) for n in range(5)]
    policy = make_policy(house.inbox, *some_steps(rng, helpers))
    acts = some_acts(rng)
    desk = Desk(house, client)

    with time_machine.travel(BEGIN, tick=False) as clock:
        text_in(client, house.sender, MARIA)
        for minute in range(1, MINUTES + 1):
            now = BEGIN + timedelta(minutes=minute)
            clock.move_to(now)
            if minute in acts:
                desk.do(acts[minute], now)
            # Each look acts once in a conversation: a step may change the others.
            while fire_due(now=now):
                pass

    told = run(
        read_policy(policy.document),
        Waiting(BEGIN),
        hours_of(house.inbox).calendar,
        [Event(BEGIN + timedelta(minutes=minute), act) for minute, act in acts.items()],
        BEGIN + timedelta(minutes=MINUTES),
    )
    foretold = [(one.at, one.number) for one in told if one.what is What.FIRED]
    events = ConversationEvent.objects.filter(verb="escalated").order_by("pk")
    happened = [(event.at, event.data["step"]) for event in events]
    assert told_shortly(happened) == told_shortly(foretold), (policy.document["steps"], acts)
