"""Does the edge keep every webhook it answers, whatever comes with it in the same commit?"""

from __future__ import annotations

import asyncio
import re
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest
from django.db import DatabaseError, connection

from inbox.edge import MOST_BYTES, Keeper, Rooms
from inbox.models import Message, Receipt
from inbox.receiving import Arrival
from tests.conftest import House
from tests.doors import Request, all_at_once, apart, signed
from tests.live import Live, edge, processes
from tests.twilio import inbound_form

__all__ = ["edge", "processes"]


@pytest.fixture
def arrival(house: House, transactional_db: None) -> Arrival:
    sender = house.sender
    return Arrival(
        kind=Receipt.Kind.INBOUND,
        account_id=sender.account_id,
        twilio_account_id=sender.twilio_account_id,
        sender_id=sender.pk,
        account_sid=sender.twilio_account.account_sid,
        message_sid="SM1",
        status="",
        form=b"Body=Hello",
    )


def keep(*arrivals: Arrival) -> list[Any]:
    """Keep all at the same moment; return what came of each, errors included."""

    async def all_of_them() -> list[Any]:
        wanted = (keeper.keep(arrival) for arrival in arrivals)
        return await asyncio.gather(*wanted, return_exceptions=True)

    keeper = Keeper(Rooms(3))

    with closing(keeper):
        return apart(all_of_them())


def test_many_at_once_are_each_kept_once(arrival: Arrival) -> None:
    kept = keep(*(replace(arrival, message_sid=f"SM{n}") for n in range(300)))

    assert all(one.is_due for one in kept)
    assert len({one.receipt_id for one in kept}) == Receipt.objects.count() == 300
    assert [one.has_room for one in kept].count(True) == 3


def test_repeats_in_one_commit_are_one_receipt_that_counts_them(arrival: Arrival) -> None:
    kept = keep(*[replace(arrival) for _ in range(5)])

    [receipt] = Receipt.objects.all()
    assert {one.receipt_id for one in kept} == {receipt.pk}
    assert [(one.is_due, one.has_room) for one in kept].count((True, True)) == 1
    assert [one.is_due or one.has_room for one in kept].count(True) == 1
    assert receipt.repeats == 4


def test_repeats_take_no_room_from_what_is_new(arrival: Arrival) -> None:
    new = replace(arrival, message_sid="SM2")

    first = keep(arrival)
    kept = keep(*[replace(arrival) for _ in range(20)], new)

    assert first[0].has_room
    assert kept[-1].has_room
    assert not any(one.is_due or one.has_room for one in kept[:-1])
    assert Receipt.objects.get(message_sid="SM1").repeats == 20


def test_one_that_cannot_be_kept_takes_no_neighbour_down(arrival: Arrival) -> None:
    others = [replace(arrival, message_sid=f"SM{n}") for n in range(2, 6)]

    refused, *kept = keep(replace(arrival, account_id=-1, sender_id=None), *others)

    assert isinstance(refused, DatabaseError)
    assert all(one.is_due for one in kept)
    assert Receipt.objects.count() == len(others)


def test_a_broken_line_to_the_database_costs_no_webhook(house: House, edge: Live) -> None:
    def write(sid: str) -> int:
        form = {**inbound_form(house.sender, "+14155550001", "Hello"), "MessageSid": sid}
        [answer] = all_at_once([signed(edge, house.sender, form)])
        return answer.status

    assert write("SM" + "1" * 32) == 200
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )

    assert write("SM" + "2" * 32) == 200
    assert Receipt.objects.count() == 2
    # What is broken is replaced at once, not one line after the other.
    answers = all_at_once([Request("GET", f"{edge.base_url}/readyz")] * 12, within=5)
    assert {answer.status for answer in answers} == {200}


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/hooks/twilio/nobody", b"Body=Hello", 403),
        ("POST", "/hooks/twilio/", b"", 403),
        ("POST", "/hooks/", b"", 403),
        ("POST", "/hooks/twilio/nobody", b"x" * (MOST_BYTES + 1), 413),
    ],
)
def test_what_is_no_webhook_is_refused_in_a_word(
    edge: Live, method: str, path: str, body: bytes, status: int
) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}

    [answer] = all_at_once([Request(method, edge.base_url + path, headers, body)])

    assert answer.status == status
    assert not Receipt.objects.exists()
    assert not Message.objects.exists()


def test_its_lines_say_which_webhook_they_are_about(house: House, edge: Live) -> None:
    """A story that is told, a call that is refused: each has an id of its own, in every thread."""
    form = inbound_form(house.sender, "+14155557731", "Hello")
    log = edge.web.log
    before = len(log.read_text(errors="replace"))

    all_at_once(
        [
            signed(edge, house.sender, form),
            *(Request("POST", f"{edge.base_url}/hooks/twilio/nobody{n}") for n in range(3)),
        ]
    )

    said = log.read_text(errors="replace")[before:]
    refused = [line for line in said.splitlines() if "webhook refused" in line]
    ids = {
        found[1] for line in refused if (found := re.search(r"request_id\W+([0-9a-f-]{36})", line))
    }
    assert len(ids) == len(refused) == 3


def test_a_form_with_thousands_of_fields_is_refused(house: House, edge: Live) -> None:
    form = {str(n): "1" for n in range(2000)}

    [answer] = all_at_once([signed(edge, house.sender, form)])

    assert answer.status == 400
    assert not Receipt.objects.exists()
