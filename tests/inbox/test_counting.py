"""Are reports made of what happened, and the same however often it is counted?"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db.models import Sum
from django.test import Client

from accounts.models import Account
from inbox import counting
from inbox.closing import reopen_conversation, undo_close
from inbox.conversations import add_note
from inbox.counting import AGAIN, CELL, REPAIRED, count_again, count_next, quarter_of
from inbox.models import (
    Conversation,
    ConversationEvent,
    Message,
    ReportCell,
    ReportState,
    RoutingTrace,
)
from inbox.models.ids import client_id
from inbox.undoing import undo_act
from tests.conftest import House
from tests.factories import make_account, make_inbox
from tests.flows.test_service_levels import T, Talk, found

HOUR = timedelta(hours=1)
EVERYTHING = {"since": T - timedelta(days=1), "until": T + timedelta(days=1)}


@pytest.fixture
def talk(house: House, client: Client) -> Talk:
    return Talk(house, client, T)


def count(house: House) -> list[dict[str, Any]]:
    count_again(house.account.pk, **EVERYTHING)
    return cells()


def cells() -> list[dict[str, Any]]:
    rows = ReportCell.objects.order_by("begins_at", "agent", "inbound")
    return [dict(row) for row in rows.values()]


def told(row: dict[str, Any]) -> dict[str, Any]:
    """Return what is not nothing, without who and where."""
    about = ("id", "account_id", "inbox_id", "conversation_id", "sender_id", "channel")
    return {name: value for name, value in row.items() if value and name not in about}


def a_day(talk: Talk) -> None:
    """Maria asks, Alice answers, notes and closes within one quarter; Maria asks again later."""
    talk.writes(1)
    talk.answers(4)
    add_note(conversation=talk.row, body="Nice", client_id=client_id(), now=talk.at(5), **talk.by)
    talk.closes(6)
    talk.writes(31)


def test_a_quarter_of_an_hour_holds_what_happened_in_it(house: House, talk: Talk) -> None:
    a_day(talk)

    hers, theirs, later = sorted(count(house), key=lambda row: (row["begins_at"], row["inbound"]))

    alice = house.alice.pk
    assert told(hers) == {"begins_at": T, "agent_id": alice, "replies": 1, "notes": 1, "closed": 1}
    assert told(theirs) == {"begins_at": T, "inbound": 1, "opened": 1}
    assert later["begins_at"] == T + 2 * CELL
    assert (later["inbound"], later["reopened"], later["opened"]) == (1, 1, 0)
    assert {row["conversation_id"] for row in (hers, theirs, later)} == {talk.row.pk}
    assert {row["sender_id"] for row in (hers, theirs, later)} == {house.sender.pk}
    assert {row["channel"] for row in (hers, theirs, later)} == {"sms"}


def test_what_is_counted_again_comes_out_the_same(house: House, talk: Talk) -> None:
    a_day(talk)
    first = [{**row, "id": 0} for row in count(house)]

    again = [{**row, "id": 0} for row in count(house)]
    # In the middle of a quarter, and over a part of the day.
    count_again(house.account.pk, since=talk.at(4), until=talk.at(20))
    parts = [{**row, "id": 0} for row in cells()]

    assert first == again == parts


def test_what_the_carrier_says_later_is_found_by_the_next_count(house: House, talk: Talk) -> None:
    talk.writes(0)
    message = talk.answers(4)
    Message.objects.filter(pk=message.pk).update(status="delivered", segments=3)
    assert _sums(count(house), "sent", "delivered", "segments", "failed") == (1, 1, 3, 0)

    Message.objects.filter(pk=message.pk).update(status="failed", error_code="30003")

    rows = count(house)
    assert _sums(rows, "sent", "delivered", "segments", "failed") == (0, 0, 0, 1)
    assert [code for row in rows for code in row["error_codes"]] == ["30003"]


def _sums(rows: list[dict[str, Any]], *names: str) -> tuple[int, ...]:
    return tuple(sum(row[name] for row in rows) for name in names)


def test_a_close_that_was_undone_was_none(house: House, talk: Talk) -> None:
    talk.writes(0)
    talk.answers(1)
    talk.closes(2)
    undo_close(conversation=talk.row, now=talk.at(3), **talk.by)

    assert _sums(count(house), "opened", "closed", "reopened") == (1, 0, 0)


def test_a_reopening_that_was_taken_back_is_none(house: House, talk: Talk) -> None:
    talk.writes(0)
    talk.answers(1)
    talk.closes(2)
    before, alice = talk.row, talk.house.alice
    reopen_conversation(conversation=before, now=talk.at(60), **talk.by)
    act = ConversationEvent.objects.get(verb="reopened")
    undo_act(act=act, by=talk.by["by"], user=alice, now=talk.at(61))

    assert _sums(count(house), "opened", "closed", "reopened") == (1, 1, 0)
    assert [one[:2] for one in found()] == [("first", 1), ("resolution", 2)]
    after = talk.row
    for name in ("closed_at", "reopen_count", "last_activity_at", "last_owner", "close_reason"):
        assert getattr(after, name) == getattr(before, name)

    # Opened again for good, it took what it was open.
    reopen_conversation(conversation=after, now=talk.at(100), **talk.by)
    talk.closes(105)
    assert [one[:2] for one in found()][-1] == ("resolution", 7)
    assert _sums(count(house), "opened", "closed", "reopened") == (1, 2, 1)


def test_blocked_contacts_are_in_no_report(house: House, talk: Talk) -> None:
    a_day(talk)
    Conversation.objects.update(is_hidden=True)

    assert count(house) == []


def test_an_opt_out_is_counted(house: House, talk: Talk) -> None:
    talk.writes(0)
    talk.writes(1, "STOP")

    rows = count(house)

    assert _sums(rows, "opt_outs") == (1,)


def test_tags_and_rules_are_kept_with_what_happened(house: House, talk: Talk) -> None:
    talk.writes(0)
    Conversation.objects.update(tags=["vip"])
    RoutingTrace.objects.create(
        account=house.account,
        inbox=house.inbox,
        conversation=talk.row,
        trigger="inbound",
        rule="night",
        at=talk.at(3),
    )

    [row] = count(house)

    assert (row["tags"], row["rules"]) == (["vip"], ["night"])


# --- The clock ------------------------------------------------------------------------------------


def count_all(now: datetime) -> int:
    times = 0
    while count_next(now=now):
        times += 1
    return times


def test_history_is_counted_day_by_day_and_then_every_five_minutes(
    house: House, talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "LITTLE", 1)
    a_day(talk)
    now = T + timedelta(days=2, minutes=7)

    assert count_next(now=now)
    assert ReportState.objects.get().counted_to == talk.at(1 - 5)
    count_all(now)
    state = ReportState.objects.get()
    assert state.counted_to == now
    assert ReportCell.objects.aggregate(n=Sum("inbound"))["n"] == 2

    assert not count_next(now=now + timedelta(minutes=4))
    assert count_next(now=now + timedelta(minutes=5))
    assert ReportState.objects.get().counted_to == now + timedelta(minutes=5)


def test_where_little_was_written_months_are_counted_at_once(house: House, talk: Talk) -> None:
    a_day(talk)
    now = T + timedelta(days=150)

    times = count_all(now)

    # The row is begun, then 64 and 64 days, and what is left.
    assert times == 4
    assert ReportState.objects.get().counted_to == now
    assert ReportCell.objects.aggregate(n=Sum("inbound"))["n"] == 2


def test_a_new_account_is_counted_at_once(house: House, talk: Talk) -> None:
    talk.writes(0)

    count_all(talk.at(0.1))

    assert [row["inbound"] for row in cells()] == [1]


def test_the_night_repairs_a_week(house: House, talk: Talk) -> None:
    a_day(talk)
    count_all(T + 3 * HOUR)
    before = [{**row, "id": 0} for row in cells()]
    ReportCell.objects.update(inbound=77)
    # What was two hours ago is left alone in the middle of the day.
    count_all(T + 5 * HOUR)
    assert 77 in {row["inbound"] for row in cells()}

    count_all(T + timedelta(days=1))

    assert [{**row, "id": 0} for row in cells()] == before
    state = ReportState.objects.get()
    assert state.repaired_to is None
    assert state.repair_at > T + timedelta(days=1)


def test_what_is_older_than_a_repair_stays(house: House, talk: Talk) -> None:
    a_day(talk)
    count_all(T + HOUR)
    ReportCell.objects.update(inbound=77)
    state = ReportState.objects.get()
    late = T + REPAIRED + timedelta(days=2)
    ReportState.objects.update(counted_to=late, repair_at=late, next_at=late)

    count_all(late)

    assert {row["inbound"] for row in cells()} == {77}
    assert state.repaired_to is None


def test_accounts_are_counted_one_by_one(house: House, talk: Talk) -> None:
    other = make_account("Umbrella")
    make_inbox(other)
    make_account("Without an inbox")
    a_day(talk)

    count_all(T + HOUR)

    assert set(ReportState.objects.values_list("account", flat=True)) == {
        house.account.pk,
        other.pk,
    }
    assert set(ReportCell.objects.values_list("account", flat=True)) == {house.account.pk}


def test_who_cannot_be_counted_holds_up_nobody(house: House, talk: Talk) -> None:
    other = make_account("Umbrella")
    make_inbox(other)
    a_day(talk)
    count_all(T + HOUR)
    # No place on earth: its night never comes.
    Account.objects.filter(pk=house.account.pk).update(time_zone="Mars/Olympus")
    ReportState.objects.filter(account=house.account).update(repair_at=T)

    count_all(T + 2 * HOUR)

    states = {one.account_id: one for one in ReportState.objects.all()}
    assert states[other.pk].counted_to == T + 2 * HOUR
    assert states[house.account.pk].next_at == T + 2 * HOUR + AGAIN


@pytest.mark.parametrize(
    ("moment", "quarter"), [("13:00", "13:00"), ("13:14:59", "13:00"), ("13:45:01", "13:45")]
)
def test_quarters(moment: str, quarter: str) -> None:
    day = "2026-11-23T"
    assert quarter_of(datetime.fromisoformat(f"{day}{moment}+00:00")) == datetime.fromisoformat(
        f"{day}{quarter}+00:00"
    )
