"""What do rules learn from outside, how often is it asked, and what if it is away or wrong?"""

import json
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from standardwebhooks import Webhook

from inbox.lookups.asking import LEFT_ALONE, Asked, Subject, answers_of, ask, known_of
from inbox.models import Contact, CrmAnswer
from routing.crm_fields import Field, FieldKind
from routing.crm_tables import read_table
from routing.data_action import Contact as Writer
from routing.data_action import Conversation, Inbox, Known, Message, Question
from routing.facts import Answer, Customer, Directory, Person
from routing.lookups import (
    Wanted,
    add_connector,
    add_data_action,
    begin_new_secret,
    change_connector,
    change_data_action,
    delete_definition,
    import_table,
)
from routing.models import CrmConnector, DataAction
from tests.conftest import NOW, House
from tests.factories import make_account
from tests.outside import Asked as Request
from tests.outside import drips, outside, says

TIER = (Field("tier", "customer.tier"), Field("seats", "customer.seats", FieldKind.NUMBER))
GOLD = b'{"customer": {"tier": "gold", "seats": "7"}}'
TOKEN = "tok-5ec2e7"
WORDS = "words-of-a-customer"


@pytest.fixture(autouse=True)
def internal(settings: Any) -> None:
    """The operator lets hosts of this machine be asked; no other test's failures count."""
    settings.CHANNEL_PREFIX = f"test-{uuid4().hex}"
    settings.LOOKUP_INTERNAL_HOSTS = ["127.0.0.1", "crm.test"]


@pytest.fixture
def hosts() -> Iterator[Callable[..., Any]]:
    """Return a function that starts a host, which ends with the test."""
    with ExitStack() as stack:
        yield lambda answer: stack.enter_context(outside(answer))


@pytest.fixture
def subject(house: House) -> Subject:
    contact = Contact.objects.create(account=house.account, name="Zoë")
    return Subject(
        contact,
        Customer(number="+14155550100", name="Zoë"),
        Question(
            "msg_1",
            house.account.pk,
            Inbox(house.inbox.pk, "Support", "+15550100001"),
            Writer(contact.public_id, "Zoë", "+14155550100"),
            Conversation("c1", is_new=True),
            Message("m1", WORDS, "sms", NOW),
        ),
        Known(Directory({1: Person(1, "Anna", "anna@example.com")})),
    )


def add_crm(house: House, url: str, name: str = "CRM", **more: Any) -> CrmConnector:
    wanted = {
        "kind": "json",
        "fields": TIER,
        "url": url + "/{{contact.number}}",
        "headers": {"Authorization": "Bearer {{secret.token}}"},
        "new_secrets": {"token": TOKEN},
    }
    return add_connector(
        account=house.account, wanted=Wanted(name, **{**wanted, **more}), by=house.sue, now=NOW
    )


def add_code(house: House, url: str, name: str = "Code") -> tuple[DataAction, str]:
    return add_data_action(account=house.account, name=name, url=url, by=house.sue, now=NOW)


def asked(
    house: House, subject: Subject, *names: str, now: datetime = NOW, **more: Any
) -> dict[str, Asked]:
    return dict(ask(names, account_id=house.account.pk, subject=subject, now=now, **more))


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


# --- A CRM ---


def test_a_crm_is_asked_about_a_contact(house: House, subject: Subject, hosts: Any) -> None:
    host = hosts(says(GOLD))
    add_crm(house, host.url)

    found = asked(house, subject, "CRM")

    assert answers_of(found) == {"CRM": Answer({"tier": "gold", "seats": 7})}
    assert (found["CRM"].kind, found["CRM"].at, found["CRM"].is_cached) == ("json", NOW, False)
    assert host.asked[0].path == "/%2B14155550100"
    assert host.asked[0].headers["authorization"] == f"Bearer {TOKEN}"


def test_an_answer_is_used_again_for_some_minutes(
    house: House, subject: Subject, hosts: Any
) -> None:
    host = hosts(says(b'{"customer": {"tier": "gold", "seats": "many"}}'))
    add_crm(house, host.url, cache_minutes=10)

    first = asked(house, subject, "CRM")["CRM"]
    again = asked(house, subject, "CRM", now=at(599))["CRM"]
    later = asked(house, subject, "CRM", now=at(600))["CRM"]

    assert len(host.asked) == 2
    assert first.answer == again.answer == later.answer == Answer({"tier": "gold"})
    assert (again.is_cached, again.at) == (True, NOW)
    assert first.skipped == again.skipped == ("seats is no number",)
    assert (later.is_cached, later.at) == (False, at(600))
    assert subject.contact is not None
    kept = known_of(subject.contact)
    assert [(one.connector.name, one.facts, one.answered_at) for one in kept] == [
        ("CRM", {"tier": "gold"}, at(600))
    ]


def test_lists_are_the_same_when_they_are_used_again(
    house: House, subject: Subject, hosts: Any
) -> None:
    host = hosts(says(b'{"tags": ["a", "b"]}'))
    add_crm(house, host.url, fields=(Field("tags", "tags", FieldKind.LIST),))

    for _ in range(2):
        assert asked(house, subject, "CRM")["CRM"].answer == Answer({"tags": ("a", "b")})
    assert len(host.asked) == 1


def test_that_nobody_is_known_is_kept_too(house: House, subject: Subject, hosts: Any) -> None:
    host = hosts(says(b"", 404))
    add_crm(house, host.url)

    for _ in range(2):
        assert asked(house, subject, "CRM")["CRM"].answer == Answer()
    assert len(host.asked) == 1


def test_without_a_contact_nothing_is_kept_nor_used_again(
    house: House, subject: Subject, hosts: Any
) -> None:
    host = hosts(says(b'{"customer": {"tier": "gold"}}'))
    add_crm(house, host.url, cache_minutes=10)
    asked(house, subject, "CRM")
    assert subject.contact is not None
    before = known_of(subject.contact)

    found = asked(house, replace(subject, contact=None), "CRM", now=at(5))["CRM"]

    assert found.answer == Answer({"tier": "gold"})
    assert not found.is_cached
    assert len(host.asked) == 2
    assert [one.answered_at for one in known_of(subject.contact)] == [NOW]
    assert len(before) == 1


def test_another_number_another_contact_and_another_definition_are_asked_anew(
    house: House, subject: Subject, hosts: Any
) -> None:
    host = hosts(says(GOLD))
    row = add_crm(house, host.url)
    asked(house, subject, "CRM")

    number = replace(subject, customer=replace(subject.customer, number="+14155550101"))
    asked(house, number, "CRM")
    other = replace(subject, contact=Contact.objects.create(account=house.account))
    asked(house, other, "CRM")
    wanted = Wanted("CRM", "json", TIER[:1], url=row.url, headers=row.headers)
    change_connector(connector=row, wanted=wanted, version=1, by=house.sue, now=NOW)
    changed = asked(house, other, "CRM")["CRM"]

    assert len(host.asked) == 4
    assert changed.answer == Answer({"tier": "gold"})
    assert CrmAnswer.objects.count() == 2


def test_nothing_is_kept_where_nothing_may_be(house: House, subject: Subject, hosts: Any) -> None:
    host = hosts(says(GOLD))
    add_crm(house, host.url, cache_minutes=0)

    for _ in range(2):
        assert not asked(house, subject, "CRM")["CRM"].is_cached
    assert len(host.asked) == 2


def test_a_table_is_asked_without_network(house: House, subject: Subject) -> None:
    sheet = read_table(b"number,tier\n+14155550100,gold\n")
    table = import_table(account=house.account, name="T", sheet=sheet, by=house.sue, now=NOW)
    wanted = Wanted("CRM", "table", (Field("tier", "tier"),), table=table)
    add_connector(account=house.account, wanted=wanted, by=house.sue, now=NOW)
    nobody = replace(subject, customer=Customer(number="+14155550199"))

    assert asked(house, subject, "CRM")["CRM"].answer == Answer({"tier": "gold"})
    assert asked(house, nobody, "CRM")["CRM"].answer == Answer()


# --- A Data Action ---


def verdict_of(found: dict[str, Asked], name: str = "Code") -> Answer:
    return found[name].answer


@time_machine.travel(datetime(2026, 11, 26, 7, 0, tzinfo=UTC), tick=False)
def test_code_is_asked_with_a_signature_that_its_library_believes(
    house: House, subject: Subject, hosts: Any
) -> None:
    answer = {"assign": {"users": ["anna@example.com", "bo@example.com"]}, "x": 1}
    host = hosts(says(json.dumps(answer).encode()))
    action, old = add_code(house, host.url)
    _, new = begin_new_secret(action=action, version=1, by=house.sue, now=NOW)

    found = asked(house, subject, "Code", now=datetime(2026, 11, 26, 7, 0, tzinfo=UTC))

    assert verdict_of(found) == Answer({"users": ("1",)})
    assert found["Code"].skipped == ("unknown key: x", "unknown person: bo@example.com")
    request = host.asked[0]
    for secret in (old, new):
        body = Webhook(secret).verify(request.body, request.headers)
        assert body["message"]["text"] == WORDS
    assert (request.method, request.headers["webhook-id"]) == ("POST", "msg_1")
    assert request.headers["content-type"] == "application/json"


def test_code_is_asked_every_time_and_once_each(house: House, subject: Subject, hosts: Any) -> None:
    host = hosts(says(b"{}"))
    add_code(house, host.url)

    for _ in range(2):
        assert verdict_of(asked(house, subject, "Code")) == Answer()
    assert len(host.asked) == 2
    assert not CrmAnswer.objects.exists()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (says(b"<html>"), "a web page"),
        (says(b'{"close": 1}'), "“close” must be true or false"),
        (says(b"{}", 500), "an error (500)"),
        (says(b"{}", 401), "our credentials"),
        (says(b"", 302, "Location: http://169.254.169.254/\r\n"), "sends us elsewhere (302)"),
        (says(b"x" * 10_000_000), "larger than 64 kB"),
        (lambda connection, asked: None, "The connection failed"),
    ],
)
def test_what_cannot_be_used_is_a_failure_and_asked_once(
    house: House, subject: Subject, hosts: Any, answer: Any, words: str
) -> None:
    host = hosts(answer)
    add_code(house, host.url)

    found = asked(house, subject, "Code")

    assert words in found["Code"].answer.failure
    assert found["Code"].answer.fields == {}
    assert len(host.asked) == 1


# --- Who cannot be asked ---


def test_what_cannot_be_asked_says_why(house: House, subject: Subject) -> None:
    add_crm(house, "https://192.168.1.1", "Inside")
    row = add_crm(house, "https://crm.example.com", "Broken")
    CrmConnector.objects.filter(pk=row.pk).update(fields="nonsense")
    off, _ = add_code(house, "https://code.example.com/", "Off")
    change_data_action(
        action=off, name="Off", url=off.url, is_on=False, version=1, by=house.sue, now=NOW
    )
    add_code(house, "https://code.example.com/", "Code")
    add_crm(house, "https://crm.example.com", "CRM")
    unknown = replace(subject, customer=Customer(), question=None)

    found = asked(house, unknown, "Off", "Code", "CRM", "Broken", "Nothing")
    found |= asked(house, subject, "Inside")

    assert {name: one.answer.failure for name, one in found.items()} == {
        "Off": "It is switched off.",
        "Code": "A Data Action is asked about messages only.",
        "CRM": "The contact’s number is not known.",
        "Broken": "Its definition cannot be read. Save it again.",
        "Nothing": "There is no look-up of this name.",
        "Inside": "The address is not on the public internet.",
    }


def test_a_secret_that_no_key_opens_is_a_failure(
    house: House, subject: Subject, settings: Any
) -> None:
    add_crm(house, "https://crm.example.com")
    add_code(house, "https://code.example.com/")
    settings.SECRET_FIELD_KEYS = ["bmV3LWtleS1uZXZlci1zZWVuLWluLXRoaXMtdGVzdHM="]

    found = asked(house, subject, "CRM", "Code")

    assert all("cannot be read" in one.answer.failure for one in found.values())


def test_no_account_asks_what_is_anothers(house: House, subject: Subject, hosts: Any) -> None:
    host = hosts(says(GOLD))
    add_crm(house, host.url)
    other = make_account("Umbrella")
    theirs = replace(subject, contact=Contact.objects.create(account=other))

    with pytest.raises(ValueError, match="its own account"):
        asked(house, theirs, "CRM")
    found = ask(["CRM"], account_id=other.pk, subject=theirs, now=NOW)

    assert found["CRM"].answer.failure == "There is no look-up of this name."
    assert host.asked == []


# --- Time ---


def test_all_are_asked_at_once_and_who_is_slow_holds_up_nobody(
    house: House, subject: Subject, hosts: Any
) -> None:
    together = threading.Barrier(3, timeout=20)

    def meets(connection: socket.socket, asked: Request) -> None:
        together.wait()  # Nobody answers before all three were asked.
        says(GOLD)(connection, asked)

    for name in ("One", "Two", "Three"):
        add_crm(house, hosts(meets).url, name)
    over = threading.Event()
    add_code(house, hosts(drips(over, b"HTTP/1.1 200 OK\r\n\r\n", b" ")).url, "Slow")

    found = asked(house, subject, "One", "Two", "Three", "Slow", seconds=2.0)
    over.set()

    assert [found[name].answer.fields.get("tier") for name in ("One", "Two", "Three")] == [
        "gold",
        "gold",
        "gold",
    ]
    assert "did not answer within" in found["Slow"].answer.failure
    assert CrmAnswer.objects.count() == 3


def test_a_name_that_is_looked_up_for_too_long_is_a_failure(house: House, subject: Subject) -> None:
    over = threading.Event()
    add_crm(house, "http://crm.test")

    def resolve(host: str, port: int) -> list[str]:
        over.wait()
        return ["127.0.0.1"]

    found = asked(house, subject, "CRM", seconds=0.3, resolve=resolve)
    over.set()

    assert "did not answer within" in found["CRM"].answer.failure


def test_who_failed_five_times_is_left_alone_for_a_minute_and_then_tried_once(
    house: House, subject: Subject, hosts: Any
) -> None:
    answers = [says(b"", 500)] * 5 + [says(b"{}")] * 2
    host = hosts(lambda connection, asked: answers.pop(0)(connection, asked))
    add_code(house, host.url)
    for second in range(5):
        assert "(500)" in verdict_of(asked(house, subject, "Code", now=at(second))).failure

    assert verdict_of(asked(house, subject, "Code", now=at(5))).failure == LEFT_ALONE
    assert verdict_of(asked(house, subject, "Code", now=at(63))).failure == LEFT_ALONE
    assert len(host.asked) == 5

    for second in (64, 65):
        assert verdict_of(asked(house, subject, "Code", now=at(second))) == Answer()
    assert len(host.asked) == 7


def test_an_address_that_was_corrected_gets_another_chance(
    house: House, subject: Subject, hosts: Any
) -> None:
    bad, good = hosts(says(b"", 500)), hosts(says(b"{}"))
    action, _ = add_code(house, bad.url)
    for second in range(6):
        asked(house, subject, "Code", now=at(second))

    change_data_action(
        action=action, name="Code", url=good.url, is_on=True, version=1, by=house.sue, now=NOW
    )

    assert verdict_of(asked(house, subject, "Code", now=at(7))) == Answer()


# --- Quiet and cheap ---


def test_logs_say_who_was_asked_and_never_what(
    house: House, subject: Subject, hosts: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    row = add_crm(house, hosts(says(GOLD)).url)
    action, secret = add_code(house, hosts(says(b'{"note": "gold"}', 500)).url)

    asked(house, subject, "CRM", "Code")
    asked(house, subject, "CRM")

    said = [record.getMessage() for record in caplog.records if record.name.startswith("inbox")]
    assert [line.rpartition(" in ")[0] for line in said] == [
        f"look-up json {row.pk}: answered",
        f"look-up data_action {action.pk}: failed",
        f"look-up json {row.pk}: kept",
    ]
    everything = caplog.text
    for canary in (TOKEN, secret, WORDS, "gold", "4155550100", "Zoë"):
        assert canary not in everything


def test_asking_costs_few_queries(
    house: House, subject: Subject, hosts: Any, django_assert_num_queries: Any
) -> None:
    host = hosts(says(GOLD))
    for n in range(5):
        add_crm(house, host.url, f"CRM {n}")
    names = [f"CRM {n}" for n in range(5)]

    # Definitions of both kinds, kept answers, one write between its savepoints, and how they are.
    with django_assert_num_queries(7):
        asked(house, subject, *names)
    with django_assert_num_queries(3):
        asked(house, subject, *names)


def test_who_is_gone_meanwhile_is_not_kept(house: House, subject: Subject, hosts: Any) -> None:
    host = hosts(says(GOLD))
    row = add_crm(house, host.url)
    asked(house, subject, "CRM")

    delete_definition(row=row, by=house.sue, now=NOW)

    assert not CrmAnswer.objects.exists()
    assert asked(house, subject, "CRM")["CRM"].answer.failure
