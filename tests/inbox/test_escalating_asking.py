"""Does a step ask customers' own code once, outside of the clock, and do what it decides?"""

from __future__ import annotations

import json
import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client

from accounts.models import User
from inbox.alerts import Happening, Kind, notices_of
from inbox.conversations import claim_conversation, snooze_conversation, wake_conversation
from inbox.escalating import ask_next, asking, fire_due, next_due
from inbox.labels import activity_words
from inbox.lookups.asking import ask
from inbox.models import Conversation, ConversationEvent, EscalationTimer, Message, Participant
from inbox.models.ids import client_id
from inbox.sending import send_reply
from routing.crm_fields import Field
from routing.crm_tables import read_table
from routing.lookups import Wanted, add_connector, add_data_action, import_table
from tests.conftest import NOW, House
from tests.factories import make_inbox, make_policy, make_user
from tests.outside import Asked as Request
from tests.outside import Outside, outside, says
from tests.twilio import text_in

ASK = {"after": 5, "do": "data_action", "data_action": "Code"}
MARIA = "+14155550100"


def minutes(n: float) -> timedelta:
    return timedelta(minutes=n)


@pytest.fixture(autouse=True)
def internal(settings: Any) -> None:
    """The operator lets hosts of this machine be asked; no other test's failures count."""
    settings.CHANNEL_PREFIX = f"test-{uuid4().hex}"
    settings.LOOKUP_INTERNAL_HOSTS = ["127.0.0.1"]


@pytest.fixture
def code(house: House) -> Iterator[Callable[..., Outside]]:
    """Return a function: the customer's code runs, and answers so."""
    with ExitStack() as stack:

        def run(
            answer: Any = None, *, does: Callable[[Request], None] = lambda asked: None
        ) -> Outside:
            body = answer if isinstance(answer, bytes) else json.dumps(answer or {}).encode()

            def reply(connection: socket.socket, asked: Request) -> None:
                does(asked)
                says(body)(connection, asked)

            host = stack.enter_context(outside(reply))
            add_data_action(account=house.account, name="Code", url=host.url, by=house.sue, now=NOW)
            return host

        yield run


@pytest.fixture
def waits(house: House, client: Client) -> Callable[..., Conversation]:
    """Return a function: Maria writes, and a step asks the code after five minutes."""

    def begin(*steps: dict[str, Any]) -> Conversation:
        make_policy(house.inbox, *(steps or (ASK,)))
        row = text_in(client, house.sender, MARIA, "Where is it?").conversation
        assert row is not None
        return row

    return begin


def fresh(row: Conversation) -> Conversation:
    return Conversation.objects.select_related(
        "inbox", "thread__sender", "thread__contact", "thread__address", "contact"
    ).get(pk=row.pk)


def since(row: Conversation) -> datetime:
    assert row.waiting_since is not None
    return row.waiting_since


def go(row: Conversation, *, after: float = 5) -> None:
    """Let the clock and then a caller do what is due so many minutes after they wrote."""
    at = since(row) + minutes(after)
    fire_due(now=at)
    while ask_next(now=at):
        pass


def line(row: Conversation) -> ConversationEvent:
    """Return the only line that escalation wrote."""
    return ConversationEvent.objects.get(conversation=row, verb="escalated")


def people(row: Conversation) -> set[User]:
    parts = Participant.objects.filter(conversation=row, ended_at=None)
    return {part.user for part in parts.exclude(role="watcher")}


def timer() -> EscalationTimer:
    return EscalationTimer.objects.get(step=1)


def test_code_is_asked_who_helps_and_they_are_added_and_told(
    house: House, code: Callable[..., Outside], waits: Callable[..., Conversation]
) -> None:
    olga = make_user(house.account, "Olga")
    host = code({"assign": {"users": [olga.email]}, "priority": "high", "tags": ["late"]})
    row = waits()

    go(row)

    row = fresh(row)
    assert people(row) == {olga}
    assert (row.owner, row.priority, row.tags) == (None, "high", ["late"])
    assert timer().fired_at is not None
    [asked] = host.asked
    told = json.loads(asked.body)
    assert told["type"] == "escalation"
    assert told["message"]["text"] == "Where is it?"
    assert told["id"] == f"{row.public_id}.1.1" == asked.headers["webhook-id"]
    assert activity_words(line(row)) == (
        "Escalation asked Code: it added Olga; it tagged this late; "
        "it set the priority to High; no answer for 5 minutes"
    )
    happening = Happening(Kind.SLA, line(row).public_id, row.public_id, str(house.inbox.public_id))
    everybody = [user.pk for user in (house.alice, house.bob, house.sue, olga)]
    [notice] = notices_of([happening], everybody, now=since(row) + minutes(5))
    assert notice.user_id == olga.pk


def test_the_clock_does_not_wait_for_code(
    house: House, code: Callable[..., Outside], waits: Callable[..., Conversation]
) -> None:
    host = code()
    row = waits()

    fire_due(now=since(row) + minutes(5))

    assert host.asked == []
    assert timer().ask_at == since(row) + minutes(5)
    assert next_due() != timer().due_at
    assert not ConversationEvent.objects.filter(verb="escalated").exists()


def test_no_transaction_is_open_and_no_row_held_while_code_is_asked(
    house: House,
    code: Callable[..., Outside],
    waits: Callable[..., Conversation],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    code()
    row = waits()
    depth: list[int] = []

    def watch(*given: Any, **named: Any) -> Any:
        depth.append(len(connection.savepoint_ids))
        return ask(*given, **named)

    outer = len(connection.savepoint_ids)
    monkeypatch.setattr(asking, "ask", watch)
    go(row)

    assert depth == [outer]


def test_a_claim_gives_it_to_one_person_and_takes_it_from_its_owner(
    house: House, code: Callable[..., Outside], waits: Callable[..., Conversation]
) -> None:
    olga = make_user(house.account, "Olga")
    code({"assign": {"users": [olga.pk], "claim": True}})
    row = waits()
    claim_conversation(
        conversation=row, by=house.viewer(house.alice), user=house.alice, now=since(row)
    )

    go(row)

    row = fresh(row)
    assert (row.owner, row.last_owner) == (olga, house.alice)
    assert people(row) == {olga}


def test_a_team_is_added_person_by_person(
    house: House, code: Callable[..., Outside], waits: Callable[..., Conversation]
) -> None:
    billing = make_inbox(house.account, "Billing")
    ben = make_user(house.account, "Ben", team=billing.team)
    code({"assign": {"teams": ["Billing"]}})
    row = waits()

    go(row)

    assert people(row) == {ben}
    assert fresh(row).inbox == house.inbox


def test_what_cannot_be_done_is_skipped_and_listed(
    house: House, charlie: User, code: Callable[..., Outside], waits: Callable[..., Conversation]
) -> None:
    olga = make_user(house.account, "Olga")
    away = make_user(house.account, "Ben", availability=User.Availability.AWAY)
    code(
        {
            "assign": {"users": [charlie.email, away.pk, olga.pk, house.bob.pk], "claim": True},
            "priority": "now",
            "auto_reply": {"text": "Wait"},
            "colour": "red",
        }
    )
    row = waits()

    go(row)

    assert people(row) == {olga, house.bob}
    assert line(row).data["skipped"] == [
        "unknown key: colour",
        f"unknown person: {charlie.email}",
        "unknown priority: now",
        "auto_reply: a step of an escalation does not use it",
        "Ben cannot help now",
        "claim: only one person can own it",
    ]
    assert "3 more" in activity_words(line(row))
    assert not Message.objects.filter(body="Wait").exists()


def test_what_code_knows_of_the_customer_stands_on_their_card(
    code: Callable[..., Outside], waits: Callable[..., Conversation]
) -> None:
    code({"attributes": {"tier": "gold", "a.b": 1}})
    row = waits()

    go(row)

    assert fresh(row).contact.attributes == {"tier": "gold"}
    assert len(line(row).data["skipped"]) == 1


def test_a_note_is_written_and_the_conversation_closed(
    house: House, code: Callable[..., Outside], waits: Callable[..., Conversation]
) -> None:
    code({"note": "Answered by phone", "close": True})
    row = waits()

    go(row)

    row = fresh(row)
    assert row.is_closed
    assert row.close_reason == "A Data Action closed it"
    note = Message.objects.get(kind="note")
    assert (note.body, note.author_label, note.seq) == ("Answered by phone", "Escalation", 2)
    assert line(row).data["did"] == "asked"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"no json", "Escalation asked Code in vain and told the supervisors: "),
        ({"assign": {"users": ["nobody@example.com"]}, "tags": 7}, "“tags” must be a list"),
    ],
)
def test_without_a_usable_answer_the_supervisors_are_told_and_why(
    answer: Any,
    words: str,
    house: House,
    code: Callable[..., Outside],
    waits: Callable[..., Conversation],
) -> None:
    code(answer)
    row = waits()

    go(row)

    assert words in activity_words(line(row))
    assert line(row).data["told"] == [house.sue.pk]
    assert timer().fired_at is not None


def test_code_that_is_gone_leads_to_the_supervisors(
    house: House, waits: Callable[..., Conversation]
) -> None:
    row = waits()

    go(row)

    assert activity_words(line(row)) == (
        "Escalation asked Code in vain and told the supervisors: "
        "There is no look-up of this name; no answer for 5 minutes"
    )


def test_who_is_named_and_cannot_help_leads_to_the_supervisors(
    house: House, code: Callable[..., Outside], waits: Callable[..., Conversation]
) -> None:
    away = make_user(house.account, "Ben", availability=User.Availability.AWAY)
    code({"assign": {"users": [away.pk]}, "tags": ["vip"]})
    row = waits()

    go(row)

    assert line(row).data["did"] == "in_vain"
    assert line(row).data["told"] == [house.sue.pk]
    assert fresh(row).tags == ["vip"]


def test_a_crm_is_no_data_action(house: House, waits: Callable[..., Conversation]) -> None:
    table = import_table(
        account=house.account,
        name="Tiers",
        sheet=read_table(b"phone,tier\n+14155550100,gold\n"),
        by=house.sue,
        now=NOW,
    )
    wanted = Wanted("Code", "table", (Field("tier", "tier"),), table=table)
    add_connector(account=house.account, wanted=wanted, by=house.sue, now=NOW)
    row = waits()

    go(row)

    assert "It is no Data Action" in activity_words(line(row))


# --- What happens meanwhile ---


def test_a_verdict_that_comes_after_the_answer_changes_nothing(
    house: House,
    code: Callable[..., Outside],
    waits: Callable[..., Conversation],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    olga = make_user(house.account, "Olga")
    code({"assign": {"users": [olga.pk]}})
    row = waits()

    def answered_meanwhile(*given: Any, **named: Any) -> Any:
        found = ask(*given, **named)
        send_reply(
            conversation=fresh(row),
            by=house.viewer(house.alice),
            user=house.alice,
            body="It is on its way",
            client_id=client_id(),
            now=since(row) + minutes(5),
        )
        return found

    monkeypatch.setattr(asking, "ask", answered_meanwhile)
    go(row)

    assert people(row) == set()
    assert not ConversationEvent.objects.filter(verb="escalated").exists()
    assert (timer().obsolete_reason, timer().ask_at) == ("answered", None)


def test_nobody_else_asks_while_somebody_does(
    house: House,
    code: Callable[..., Outside],
    waits: Callable[..., Conversation],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    host = code()
    row = waits()
    others: list[bool] = []

    def watch(*given: Any, **named: Any) -> Any:
        others.append(ask_next(now=since(row) + minutes(5)))
        return ask(*given, **named)

    monkeypatch.setattr(asking, "ask", watch)
    go(row)

    assert others == [False]
    assert len(host.asked) == 1


def test_who_dies_while_asking_forgets_nothing_and_repeats_the_same_question(
    house: House,
    code: Callable[..., Outside],
    waits: Callable[..., Conversation],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    olga = make_user(house.account, "Olga")
    host = code({"assign": {"users": [olga.pk]}})
    row = waits()
    at = since(row) + minutes(5)

    class KilledError(BaseException):
        pass

    def die(*given: Any, **named: Any) -> Any:
        ask(*given, **named)
        raise KilledError

    fire_due(now=at)
    with monkeypatch.context() as dying:
        dying.setattr(asking, "ask", die)
        with pytest.raises(KilledError):
            ask_next(now=at)
    assert timer().fired_at is None
    assert not ask_next(now=at + timedelta(seconds=10))

    later = at + asking.LEASE
    assert ask_next(now=later)
    assert not ask_next(now=later + minutes(5))

    assert people(row) == {olga}
    first, second = host.asked
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert ConversationEvent.objects.filter(verb="escalated").count() == 1


def test_who_comes_back_late_does_not_do_it_a_second_time(
    house: House,
    code: Callable[..., Outside],
    waits: Callable[..., Conversation],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    olga = make_user(house.account, "Olga")
    code({"assign": {"users": [olga.pk]}})
    row = waits()
    at = since(row) + minutes(5)

    def sleep_long(*given: Any, **named: Any) -> Any:
        monkeypatch.setattr(asking, "ask", ask)
        assert ask_next(now=at + asking.LEASE)
        return ask(*given, **named)

    monkeypatch.setattr(asking, "ask", sleep_long)
    go(row)

    assert people(row) == {olga}
    assert ConversationEvent.objects.filter(verb="escalated").count() == 1


def test_a_fault_of_ours_is_written_down_and_tried_again(
    house: House,
    code: Callable[..., Outside],
    waits: Callable[..., Conversation],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    olga = make_user(house.account, "Olga")
    code({"assign": {"users": [olga.pk]}})
    row = waits()

    def break_down(*_: object, **__: object) -> None:
        raise RuntimeError("the power went off")

    with monkeypatch.context() as broken, caplog.at_level(logging.CRITICAL):
        broken.setattr(asking, "announce", break_down)
        go(row)
    assert (timer().fired_at, timer().problem) == (None, "RuntimeError")
    assert people(row) == set()

    go(row, after=6)

    assert people(row) == {olga}
    assert timer().fired_at is not None


def test_a_snooze_puts_the_question_off(
    house: House, code: Callable[..., Outside], waits: Callable[..., Conversation]
) -> None:
    host = code()
    row = waits()
    at = since(row) + minutes(5)
    by: Any = {"by": house.viewer(house.alice), "user": house.alice}
    fire_due(now=at)
    claim_conversation(conversation=row, now=at, **by)
    snooze_conversation(conversation=fresh(row), until=None, now=at, **by)

    assert not ask_next(now=at + minutes(1))
    assert host.asked == []

    wake_conversation(conversation=fresh(row), now=at + minutes(60), **by)
    go(row, after=65)
    assert len(host.asked) == 1
