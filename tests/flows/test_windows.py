"""Is who has a conversation told, once, before WhatsApp's window closes over who waits?"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from accounts.models import Feature, FeatureGrant, User
from inbox.alerts import Kind, Notice
from inbox.attention import Sort, attention_of, save_attention
from inbox.closing import close_conversation
from inbox.conversations import (
    claim_conversation,
    release_conversation,
    snooze_conversation,
    transfer_to_user,
)
from inbox.desk import desk_of
from inbox.models import Conversation, ConversationEvent, Message, TeamInbox
from inbox.muting import mute
from inbox.windows import tell_closing
from tests.conftest import House
from tests.factories import make_sender
from tests.flows.test_together import MARIA, Stage
from tests.inbox.test_alerts import Told, told
from tests.inbox.test_protocol import Ear, Heard, ear, published
from tests.twilio import text_in

__all__ = ["Ear", "Heard", "ear", "published", "told"]
HER = f"whatsapp:{MARIA}"
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
WARNS, CLOSES = 22 * HOUR, 24 * HOUR


class WhatsApp(Stage):
    """Maria writes on WhatsApp."""

    def hear(self, body: str) -> None:
        with time_machine.travel(self.now, tick=False):
            self.message = text_in(self.client, self.house.sender, HER, body)
        if self.message.conversation_id:
            self.pk = self.message.conversation_id


@pytest.fixture
def stage(house: House, client: Client, now: datetime) -> Stage:
    """Maria wrote, Alice has it."""
    house.sender = make_sender(house.inbox, "whatsapp:+15550100003")
    stage = WhatsApp(house, client, now)
    stage.do(claim_conversation, house.alice)
    return stage


def tells(stage: Stage, after: timedelta) -> int:
    return tell_closing(now=stage.now + after)


def lines() -> list[ConversationEvent]:
    return list(ConversationEvent.objects.filter(verb="window"))


def test_it_is_told_once_two_hours_before(stage: Stage) -> None:
    assert tells(stage, WARNS - MINUTE) == 0
    assert tells(stage, WARNS) == 1
    assert tells(stage, WARNS + MINUTE) == 0

    [line] = lines()
    assert line.data["closes_at"] == (stage.now + CLOSES).isoformat()
    assert stage.row.window_warns_at is None


@pytest.mark.parametrize("after", [WARNS, WARNS + HOUR, CLOSES])
def test_a_late_sweep_tells_as_long_as_it_helps(stage: Stage, after: timedelta) -> None:
    assert tells(stage, after) == 1


def test_who_comes_too_late_tells_nobody(stage: Stage) -> None:
    assert tells(stage, CLOSES + MINUTE) == 0
    assert stage.row.window_warns_at is None


def test_another_message_of_theirs_counts_anew(stage: Stage) -> None:
    began = stage.now
    stage.now = began + 20 * HOUR
    stage.hear("Are you there?")

    assert tell_closing(now=began + WARNS) == 0
    assert tells(stage, WARNS) == 1
    stage.now += 23 * HOUR
    stage.hear("Still nobody?")
    assert tells(stage, WARNS) == 1
    assert len(lines()) == 2


def test_a_window_that_grew_without_the_row_is_waited_for(stage: Stage) -> None:
    thread = stage.row.thread
    thread.last_inbound_at = stage.now + HOUR
    thread.save()

    assert tells(stage, WARNS) == 0
    assert stage.row.window_warns_at == stage.now + WARNS + HOUR
    assert tells(stage, WARNS + HOUR) == 1


def answered(stage: Stage) -> None:
    stage.reply(stage.house.alice)


def closed(stage: Stage) -> None:
    stage.do(close_conversation, stage.house.alice, last_seen_seq=9, waiting_ok=True)


def released(stage: Stage) -> None:
    stage.do(release_conversation, stage.house.alice)


def opted_out(stage: Stage) -> None:
    stage.hear("STOP")


def blocked(stage: Stage) -> None:
    Conversation.objects.update(is_hidden=True)


def switched_off(stage: Stage) -> None:
    TeamInbox.objects.update(is_on=False)


def without_whatsapp(stage: Stage) -> None:
    FeatureGrant.objects.filter(feature=Feature.WHATSAPP).update(ends_at=stage.now)


@pytest.mark.parametrize(
    "change", [answered, closed, released, opted_out, blocked, switched_off, without_whatsapp]
)
def test_where_nobody_waits_or_nobody_has_it_nobody_is_told(
    stage: Stage, change: Callable[[Stage], None]
) -> None:
    change(stage)

    assert tells(stage, WARNS) == 0
    assert lines() == []
    assert stage.row.window_warns_at is None


def test_a_snooze_does_not_hide_it(stage: Stage) -> None:
    stage.do(snooze_conversation, stage.house.alice, until=stage.now + 30 * HOUR)

    assert tells(stage, WARNS) == 1


def test_sms_has_no_window(house: House, client: Client, now: datetime) -> None:
    stage = Stage(house, client, now)
    stage.do(claim_conversation, house.alice)

    assert stage.row.window_warns_at is None
    assert desk_of(stage.viewer(house.alice), house.alice, stage.row, now=now).window is None


# --- Who is told ----------------------------------------------------------------------------------


@pytest.fixture
def nudged(stage: Stage, told: Told) -> Callable[[], list[Notice]]:
    """Return a function that lets the moment come and returns who is told what."""

    def come() -> list[Notice]:
        stage.now += WARNS
        return told(lambda: tell_closing(now=stage.now))

    return come


def test_its_owner_alone_is_told_why(stage: Stage, nudged: Callable[[], list[Notice]]) -> None:
    [notice] = nudged()

    assert (notice.user_id, notice.kind) == (stage.house.alice.pk, Kind.WINDOW)
    assert notice.body == "The customer still waits, and WhatsApp’s 24 hours are over soon"
    assert '"kind":"window"' in notice.as_frame()


def test_its_new_owner_is_told(stage: Stage, nudged: Callable[[], list[Notice]]) -> None:
    stage.do(transfer_to_user, stage.house.alice, to=stage.house.bob)

    assert [one.user_id for one in nudged()] == [stage.house.bob.pk]


def quiet(stage: Stage, user: User) -> None:
    row = attention_of(user)
    at = (stage.now + WARNS).time()
    row.quiet_from = time(at.hour)
    row.quiet_until = time((at.hour + 1) % 24)
    row.time_zone = "UTC"
    save_attention(row, {}, now=stage.now)


def unwanted(stage: Stage, user: User) -> None:
    wanted = frozenset(Sort) - {Sort.WAITING}
    save_attention(attention_of(user), {stage.house.inbox: wanted}, now=stage.now)


def muted(stage: Stage, user: User) -> None:
    mute(conversation=stage.row, by=stage.viewer(user), is_on=True)


@pytest.mark.parametrize("wish", [quiet, unwanted, muted])
def test_who_does_not_want_to_hear_it_is_left_alone(
    stage: Stage, nudged: Callable[[], list[Notice]], wish: Callable[[Stage, User], None]
) -> None:
    wish(stage, stage.house.alice)

    assert nudged() == []
    assert len(lines()) == 1


# --- What the desk says of it ---------------------------------------------------------------------


def desk(stage: Stage, after: timedelta) -> Any:
    alice = stage.house.alice
    return desk_of(stage.viewer(alice), alice, stage.row, now=stage.now + after)


@pytest.mark.parametrize(
    ("after", "composer", "kind"),
    [
        (WARNS - MINUTE, "open", None),
        (WARNS, "open", "window"),
        (CLOSES, "open", "window"),
        (CLOSES + MINUTE, "blocked", "wa_window_closed"),
    ],
)
def test_the_desk_turns_at_its_moments(
    stage: Stage, after: timedelta, composer: str, kind: str | None, settings: Any
) -> None:
    settings.TWILIO_API_BASE = ""
    laid = desk(stage, after)

    assert laid.composer == composer
    assert (laid.banner.kind if laid.banner else None) == kind
    assert laid.window.warns_at == stage.now + WARNS
    assert laid.window.closes_at == stage.now + CLOSES


def test_the_page_is_told_when_it_turns(stage: Stage, login: Any) -> None:
    with time_machine.travel(stage.now + HOUR, tick=False):
        page = login(stage.house.alice).get(f"/c/{stage.row.public_id}/desk/").text

    def micros(at: datetime) -> str:
        return str(int(at.timestamp() * 1_000_000))

    assert f'data-now="{micros(stage.now + HOUR)}"' in page
    assert f'data-window-warns="{micros(stage.now + WARNS)}"' in page
    assert f'data-window-closes="{micros(stage.now + CLOSES)}"' in page


def test_a_failed_answer_lets_the_window_count_again(stage: Stage) -> None:
    """What is judged is how it is at that moment: an answer that failed is none."""
    message = stage.reply(stage.house.alice)
    Message.objects.filter(pk=message.pk).update(status="failed")
    Conversation.objects.update(waiting_since=stage.now)

    assert tells(stage, WARNS) == 1
