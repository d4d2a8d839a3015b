"""How long did it take? What ends a wait or a conversation writes it down, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from inbox.closing import close_conversation, undo_close
from inbox.conversations import add_note, claim_conversation, snooze_conversation
from inbox.models import Conversation, Message, ResponseTime
from inbox.models.ids import client_id
from inbox.sending import send_reply
from inbox.sending.progress import finish
from inbox.story import Story
from routing.hours import Opening
from tests.conftest import House
from tests.factories import make_hours
from tests.twilio import text_in

MARIA = "+14155550100"
# A Monday, 14:00 in Berlin.
T = datetime(2026, 11, 23, 13, 0, tzinfo=UTC)
Found = tuple[str, float, float]


def minutes(n: float) -> timedelta:
    return timedelta(minutes=n)


class Talk:
    """A customer and Alice, minute by minute after `began`."""

    def __init__(self, house: House, client: Client, began: datetime) -> None:
        self.house, self.client, self.began = house, client, began

    def at(self, n: float) -> datetime:
        return self.began + minutes(n)

    @property
    def row(self) -> Conversation:
        rows = Conversation.objects.select_related(
            "inbox", "thread__sender", "thread__contact", "thread__address", "contact"
        )
        return rows.order_by("-pk")[0]

    @property
    def by(self) -> dict[str, Any]:
        return {"by": self.house.viewer(self.house.alice), "user": self.house.alice}

    def writes(self, n: float, words: str = "Hello?") -> Message:
        with time_machine.travel(self.at(n), tick=False):
            return text_in(self.client, self.house.sender, MARIA, words)

    def answers(self, n: float) -> Message:
        return send_reply(
            conversation=self.row,
            body="Hi",
            client_id=client_id(),
            now=self.at(n),
            **self.by,
        )

    def closes(self, n: float) -> None:
        close_conversation(
            conversation=self.row, last_seen_seq=99, waiting_ok=True, now=self.at(n), **self.by
        )

    def snoozes(self, n: float) -> None:
        claim_conversation(conversation=self.row, now=self.at(n), **self.by)
        snooze_conversation(conversation=self.row, until=None, now=self.at(n), **self.by)


@pytest.fixture
def talk(house: House, client: Client) -> Callable[..., Talk]:
    """Return a function: a talk begins at that moment, on a Monday at two unless it says."""
    return lambda began=T: Talk(house, client, began)


def found() -> list[Found]:
    """Return what was written: kind, calendar and business time in minutes."""
    rows = ResponseTime.objects.order_by("ended_at", "pk")
    return [
        (row.kind, row.calendar_time / minutes(1), row.business_time / minutes(1)) for row in rows
    ]


def test_an_answer_says_how_long_the_first_one_took_and_who_gave_it(
    house: House, talk: Callable[..., Talk]
) -> None:
    one = talk()
    one.writes(0)
    one.writes(3, "Are you there?")
    one.answers(5)

    assert found() == [("first", 5, 5)]
    row = ResponseTime.objects.get()
    assert (row.user, row.inbox, row.account) == (house.alice, house.inbox, house.account)
    assert (row.began_at, row.ended_at, row.turn) == (one.at(0), one.at(5), 1)


def test_the_next_question_is_measured_by_itself(talk: Callable[..., Talk]) -> None:
    one = talk()
    one.writes(0)
    one.answers(5)
    one.answers(6)
    one.writes(10)
    one.answers(12)

    assert found() == [("first", 5, 5), ("next", 2, 2)]


def test_neither_a_robot_nor_a_note_answers(house: House, talk: Callable[..., Talk]) -> None:
    house.inbox.replies = {
        "format": 1,
        "first": {"is_on": True, "when": "conversation", "texts": [{"text": "Welcome"}]},
    }
    house.inbox.save()
    one = talk()
    one.writes(0)
    add_note(
        conversation=one.row, body="Who knows?", client_id=client_id(), now=one.at(2), **one.by
    )
    claim_conversation(conversation=one.row, now=one.at(3), **one.by)
    assert found() == []

    one.answers(9)

    assert found() == [("first", 9, 9)]


def test_a_close_says_how_long_all_took_and_that_nobody_had_answered(
    talk: Callable[..., Talk],
) -> None:
    one = talk()
    one.writes(0)
    one.answers(5)
    one.writes(10)
    one.closes(30)

    assert found() == [("first", 5, 5), ("unanswered", 20, 20), ("resolution", 30, 30)]


def test_an_undone_close_was_none(talk: Callable[..., Talk]) -> None:
    one = talk()
    one.writes(0)
    one.closes(10)
    undo_close(conversation=one.row, now=one.at(11), **one.by)
    assert found() == []

    one.answers(15)
    one.closes(20)

    assert found() == [("first", 15, 15), ("resolution", 20, 20)]


def test_a_reopened_conversation_takes_longer_and_has_had_its_first_answer(
    talk: Callable[..., Talk],
) -> None:
    one = talk()
    one.writes(0)
    one.answers(5)
    one.closes(10)
    one.writes(60)
    one.answers(62)
    one.closes(65)

    # What lay between the close and the customer's return is nobody's time.
    assert found() == [
        ("first", 5, 5),
        ("resolution", 10, 10),
        ("next", 2, 2),
        ("resolution", 15, 15),
    ]


def test_a_new_segment_has_a_first_answer_of_its_own(
    house: House, talk: Callable[..., Talk]
) -> None:
    house.inbox.reopen_hours = 0
    house.inbox.save()
    one = talk()
    one.writes(0)
    one.answers(5)
    one.closes(10)
    one.writes(60)
    one.answers(62)

    assert Conversation.objects.count() == 2
    assert found() == [("first", 5, 5), ("resolution", 10, 10), ("first", 2, 2)]


def test_what_lay_in_a_snooze_is_left_out(talk: Callable[..., Talk]) -> None:
    one = talk()
    one.writes(0)
    one.snoozes(4)
    one.writes(34, "Now?")
    one.answers(36)
    one.snoozes(40)
    one.answers(50)
    one.closes(55)

    assert found() == [("first", 6, 6), ("resolution", 15, 15)]


def test_an_answer_that_fails_was_none(talk: Callable[..., Talk]) -> None:
    one = talk()
    one.writes(0)
    message = one.answers(5)
    message.conversation = one.row
    finish(message, Story(now=one.at(6)), status="failed", error_code="1", error_words="")
    assert found() == []

    one.answers(8)

    assert found() == [("first", 8, 8)]


def test_who_wrote_before_the_customer_gave_no_first_answer(talk: Callable[..., Talk]) -> None:
    one = talk()
    one.writes(0)
    one.answers(1)
    one.closes(2)
    # To a closed thread; this reopens it.
    one.answers(10)
    one.writes(20)
    one.answers(23)

    assert [kind for kind, *_ in found()] == ["first", "resolution", "next"]


@pytest.mark.parametrize(
    ("week", "began", "answered", "calendar", "business"),
    [
        # Nine to five: from half past four in the afternoon to half past nine the next morning.
        ("days", datetime(2026, 11, 23, 15, 30, tzinfo=UTC), 17 * 60, 1020, 60),
        # From ten in the evening to six: asked at eight, answered at one.
        ("nights", datetime(2026, 11, 23, 19, tzinfo=UTC), 5 * 60, 300, 180),
        # The clocks went back in the night of 25 October: an hour more of the night.
        ("nights", datetime(2026, 10, 24, 19, tzinfo=UTC), 12 * 60, 720, 540),
        # And forward on 29 March: an hour less.
        ("nights", datetime(2026, 3, 28, 20, tzinfo=UTC), 12 * 60, 720, 420),
        ("never", T, 30, 30, 0),
    ],
)
def test_business_time_is_that_of_the_inbox(
    week: str,
    began: datetime,
    answered: float,
    calendar: float,
    business: float,
    house: House,
    talk: Callable[..., Talk],
) -> None:
    days: dict[str, Any] = {
        "days": (Opening(9 * 60, 17 * 60),),
        "nights": (Opening(22 * 60, 30 * 60),),
        "never": (),
    }
    hours = make_hours(house.account, week=(days[week],) * 7, zone="Europe/Berlin")
    house.inbox.hours = hours
    house.inbox.save()
    one = talk(began)
    one.writes(0)
    one.answers(answered)

    assert found() == [("first", calendar, business)]
    row = ResponseTime.objects.get()
    assert (row.hours_number, row.hours_version) == (hours.pk, hours.version)


def _asked(talk: Talk, n: float) -> int:
    with CaptureQueriesContext(connection) as captured:
        talk.answers(n)
    brackets = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")
    return sum(not query["sql"].startswith(brackets) for query in captured)


@pytest.mark.parametrize("keeps_hours", [False, True])
def test_an_answer_asks_one_question_more(
    keeps_hours: bool, house: House, talk: Callable[..., Talk]
) -> None:
    if keeps_hours:
        house.inbox.hours = make_hours(house.account)
        house.inbox.save()
    one = talk()
    one.writes(0)
    one.answers(1)
    without = _asked(one, 2)
    one.writes(3)

    # What it took, and that no timer fires any more.
    assert _asked(one, 4) <= without + 2
    assert ResponseTime.objects.count() == 2


def test_others_see_none_of_it(house: House, charlie: User, talk: Callable[..., Talk]) -> None:
    one = talk()
    one.writes(0)
    one.answers(5)

    assert not ResponseTime.objects.filter(account=charlie.account_id).exists()
