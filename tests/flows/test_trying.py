"""Does trying rules tell what live does, without doing any of it? Through the pages, as people do.

Ada is an account admin without a licence, Ava one with; Sue supervises, Alice is an agent, Charlie
administers another account.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
import time_machine
from django.apps import apps
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import SupportAccess, User
from inbox.explaining.dry_run import Bench, message_to_try, try_past_message
from inbox.explaining.examples import failing_examples
from inbox.explaining.places import Which, rules_to_try
from inbox.explaining.replay import read_past, replay_inbox, traces_of
from inbox.models import Conversation, CrmAnswer, Message, RoutingTrace, TeamInbox
from inbox.reply_settings import greeting
from routing.deciding import decide
from routing.examples import Expected
from routing.facts import Directory
from routing.models import RuleExample
from routing.replaying import Kind
from routing.rulebooks import save_draft
from routing.traces import plan_json, read_directory, read_facts
from tests.conftest import NOW, House
from tests.factories import make_hours, make_policy, make_rules, make_user
from tests.twilio import text_in

Login = Callable[[User], Client]
MARIA = "+14155550123"
ADMIN = User.Role.ACCOUNT_ADMIN


@pytest.fixture(autouse=True)
def _clock():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def ada(house: House) -> User:
    return make_user(house.account, "Ada", works_as=ADMIN, is_licensed=False)


@pytest.fixture
def browser(ada: User, login: Login) -> Client:
    return login(ada)


def url(name: str = "try") -> str:
    return reverse(f"settings_rules_{name}", kwargs={"slug": "support"})


def says(*words: str) -> dict[str, Any]:
    return {"all": [{"fact": "text", "test": "contains_any", "value": list(words)}]}


def refunds_to(*people: User, **then: Any) -> dict[str, Any]:
    step = {"who": "people", "people": [one.pk for one in people]}
    return {"name": "Refunds", "if": says("refund"), "then": {"to": [step], **then}}


def draft(inbox: TeamInbox, *rules: dict[str, Any], by: User) -> None:
    """Write these rules as the draft of an inbox's rulebook, unpublished."""
    inbox.refresh_from_db()
    book = inbox.rulebook
    assert book is not None
    numbered = [{"id": f"r{n}", "name": f"Rule {n}", **rule} for n, rule in enumerate(rules, 1)]
    document = {"format": 1, "rules": numbered}
    save_draft(rulebook=book, document=document, seen=book.draft_version, by=by, now=NOW)


def words_of(answer: Any) -> str:
    """Return what a page says, without its marks."""
    text = re.sub(r"<(script|style)\b.*?</\1>", "", answer.content.decode(), flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", text)).split())


def result_of(answer: Any) -> str:
    """Return what the page says came of it."""
    found = re.search(
        r'<section class="sheet try-result".*?</section>', answer.content.decode(), re.S
    )
    assert found is not None, words_of(answer)[:800]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", found.group())).split())


def tried(browser: Client, text: str = "I want a refund", **fields: Any) -> str:
    answer = browser.post(url(), {"do": "try", "text": text, **fields})
    assert answer.status_code == 200, words_of(answer)[:600]
    return result_of(answer)


def rows_there() -> dict[str, int]:
    """Count the rows of every table of ours."""
    ours = ("accounts", "compliance", "routing", "inbox")
    return {
        model._meta.label: model._default_manager.count()
        for model in apps.get_models()
        if model._meta.app_label in ours
    }


def texted(client: Client, house: House, body: str, customer: str = MARIA) -> Message:
    """Let a customer write; return the message."""
    return text_in(client, house.sender, customer, body)


# --- A typed message ---


def test_a_typed_message_tells_who_gets_it_and_why(house: House, browser: Client) -> None:
    spanish = {
        "name": "Spanish",
        "if": {"all": [{"fact": "language", "test": "is_any", "value": ["es"]}]},
    }
    make_rules(house.inbox, spanish, refunds_to(house.alice, tags=["money"]), {"name": "Rest"})

    said = tried(browser)

    assert "Who gets it Alice By which rule Refunds Besides tagged money" in said
    assert "Spanish is passed over: what it asks cannot be known" in said
    assert "The text contains any of “refund” there is: I want a refund" in said
    assert "Alice gets it" in said
    assert "Rest is not asked any more" in said


def test_a_person_who_is_skipped_is_named_with_the_reason(house: House, browser: Client) -> None:
    User.objects.filter(pk=house.alice.pk).update(availability="away")
    make_rules(house.inbox, refunds_to(house.alice))

    assert "Alice is away" in tried(browser)
    assert "nobody it names can" in tried(browser)
    there = tried(browser, people="there")
    assert "Who gets it Alice" in there
    assert "Alice is away" in tried(browser, people="there", away=[house.alice.pk])


def test_the_draft_and_what_holds_are_tried_apart(house: House, ada: User, browser: Client) -> None:
    make_rules(house.inbox, refunds_to(house.alice))
    draft(house.inbox, refunds_to(house.bob), by=ada)

    assert "Who gets it Bob" in tried(browser)
    assert "Who gets it Alice" in tried(browser, which="published")


def test_the_rules_asked_first_come_first_and_their_draft_can_be_tried(
    house: House, ada: User, browser: Client
) -> None:
    make_rules(house.inbox, refunds_to(house.alice))
    version = make_rules(house.inbox, {"name": "Press", "if": says("press")}, is_always_first=True)
    book = version.rulebook
    everything = {"id": "x", "name": "Everything first", "then": {"tags": ["x"]}}
    save_draft(
        rulebook=book,
        document={"rules": [everything]},
        seen=book.draft_version,
        by=ada,
        now=NOW,
    )

    assert "By which rule Refunds" in tried(browser)
    assert "By which rule Everything first" in tried(browser, which="account_draft")


def test_the_answer_is_shown_with_its_words_language_and_segments(
    house: House, browser: Client
) -> None:
    reply = {"en": "Hi {{contact.first_name|there}}, soon!", "es": "¡Hola, {{contact.first_name}}!"}
    make_rules(house.inbox, refunds_to(house.alice, reply=reply, bot_name="Vera"))

    assert "Hi Maria, soon! The rule's reply · en · 1 segment · GSM-7 · Vera" in tried(
        browser, name="Maria Lopez"
    )
    assert "¡Hola, Maria!" in tried(browser, name="Maria Lopez", language="es")


def test_hours_are_those_at_the_chosen_time(house: House, browser: Client) -> None:
    house.inbox.time_zone = "America/New_York"
    house.inbox.hours = make_hours(house.account, zone="America/New_York")
    house.inbox.save()
    closed = {"all": [{"fact": "is_open", "test": "is_true", "not": True}]}
    make_rules(house.inbox, {"name": "Night", "if": closed, "then": {"tags": ["night"]}})

    assert "By which rule Everything else" in tried(browser, at="2026-11-24T10:00")
    assert "By which rule Night" in tried(browser, at="2026-11-24T22:14")


def test_a_wish_about_consent_reaches_no_rule_and_says_so(house: House, browser: Client) -> None:
    make_rules(house.inbox, {"name": "All"})

    assert "“STOP” is a wish about consent" in tried(browser, "stop")


def test_timers_that_would_be_set_are_told(house: House, browser: Client) -> None:
    step = {"after": 5, "to": [{"users": [house.bob.pk]}]}
    make_policy(house.inbox, step)
    make_rules(house.inbox, refunds_to(house.alice))

    said = tried(browser, at="2026-11-24T10:00")

    assert "Step 1: Bob is added 24 Nov 2026, 10:05" in said
    assert "The supervisors are told, if still nobody has answered" in said


def test_what_is_said_to_who_still_waits_is_told_among_the_timers(
    house: House, browser: Client
) -> None:
    two = {"after": 9, "to": [{"users": [house.bob.pk, house.alice.pk]}]}
    make_policy(house.inbox, two)
    house.inbox.replies = {
        "format": 1,
        "still_waiting": {"after": 20, "variants": [{"text": "Soon, promised"}]},
    }
    house.inbox.save()
    make_rules(house.inbox, refunds_to(house.alice))

    said = tried(browser, at="2026-11-24T10:00")

    assert "Step 1: Bob and Alice are added 24 Nov 2026, 10:09" in said
    assert (
        "The reply to who still waits: The customer is told that they are not forgotten "
        "24 Nov 2026, 10:20" in said
    )


def test_look_ups_are_typed_or_passed_over(house: House, browser: Client) -> None:
    code = house.account.data_actions.create(
        name="vip", url="https://code.example.com/", secret="x", created_at=NOW, changed_at=NOW
    )
    gold = {
        "all": [{"fact": "crm", "name": f"{code.name}.tier", "test": "equals", "value": "gold"}]
    }
    make_rules(house.inbox, {"name": "Gold", "if": gold, "then": {"priority": "high"}})

    assert "Not asked: vip." in tried(browser)
    assert "By which rule Gold Besides priority high" in tried(browser, answers="vip.tier = gold")
    assert "not known: It is asleep" in tried(browser, answers="vip.failure = It is asleep")


def test_a_table_is_asked_where_one_wants_it_and_nothing_is_kept(
    house: House, browser: Client
) -> None:
    made: dict[str, Any] = {"account": house.account, "created_at": NOW, "changed_at": NOW}
    table = house.account.crm_tables.create(
        name="T", columns=["tier"], created_at=NOW, changed_at=NOW
    )
    table.rows.create(account=house.account, key=MARIA, values={"tier": "gold"})
    house.account.crm_connectors.create(
        name="crm", kind="table", table=table, fields=[{"name": "tier", "path": "tier"}],
        created_at=NOW, changed_at=NOW,
    )  # fmt: skip
    gold = {"all": [{"fact": "crm", "name": "crm.tier", "test": "equals", "value": "gold"}]}
    make_rules(house.inbox, {"name": "Gold", "if": gold, "then": {"priority": "high"}})
    assert made

    said = tried(browser, number=MARIA, asks="on")

    assert "By which rule Gold" in said
    assert "crm answered in" in said
    assert not CrmAnswer.objects.exists()


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("number", "555", "Write it with + and its country"),
        ("at", "tomorrow", "Write the day and the time"),
        ("answers", "gold", "is no name, = and value"),
        ("answers", "tier = gold", "Write the look-up and its field"),
        ("attributes", "gold", "“gold” is no name, = and value"),
        ("which", "other", "Select a valid choice"),
        ("away", "999999", "Select a valid choice"),
        ("text", "x" * 1601, "at most 1600 characters"),
    ],
)
def test_what_is_wrong_is_said_and_what_was_typed_stays(
    house: House, browser: Client, field: str, value: str, words: str
) -> None:
    data = {"do": "try", "text": "Where is my parcel 77?", field: value}

    answer = browser.post(url(), data)

    assert answer.status_code == 422
    assert words in words_of(answer)
    if field != "text":
        assert "parcel 77" in words_of(answer)


def test_nothing_is_sent_or_written(house: House, client: Client, browser: Client) -> None:
    make_rules(
        house.inbox, refunds_to(house.alice, reply={"en": "Soon"}, note="n", snooze_minutes=5)
    )
    message = texted(client, house, "hello")
    before = rows_there()

    tried(browser, number=MARIA)
    browser.get(url("replay"), {"limit": "100"})
    browser.get(url("examples"))

    assert rows_there() == before
    assert Message.objects.latest("pk") == message


def test_a_contact_counts_only_for_who_may_read_them(
    house: House, client: Client, browser: Client, login: Login
) -> None:
    ava = make_user(house.account, "Ava", works_as=ADMIN, team=house.inbox.team)
    message = texted(client, house, "hello")
    contact = message.thread.contact
    contact.name, contact.tags = "Maria Secret", ["vip"]
    contact.save()
    vip = {"all": [{"fact": "tag", "test": "has_any", "value": ["vip"]}]}
    make_rules(
        house.inbox, {"name": "VIPs", "if": vip, "then": {"reply": {"en": "Hi {{contact.name}}"}}}
    )

    hers = tried(browser, number=MARIA)
    assert "By which rule Everything else" in hers
    assert "Secret" not in hers
    theirs = tried(login(ava), number=MARIA)
    assert "By which rule VIPs" in theirs
    assert "Hi Maria Secret" in theirs


def test_where_custom_routing_is_off_the_page_says_so(house: House, browser: Client) -> None:
    answer = browser.get(url())

    assert "Custom routing is off for your account" in words_of(answer)


# --- A message that came ---


@pytest.fixture
def ava(house: House) -> User:
    """Ava administers the account and supervises the inbox: she reads all of it."""
    supervises: dict[str, Any] = {"team": house.inbox.team, "role": "supervisor"}
    return make_user(house.account, "Ava", works_as=ADMIN, **supervises)


def past(browser: Client, message: Message, **fields: Any) -> str:
    data = {"do": "past", "past-message": message.public_id, **fields}
    answer = browser.post(url(), data)
    assert answer.status_code == 200, words_of(answer)[:600]
    return result_of(answer)


def test_a_past_message_is_tried_as_it_was_known(
    house: House, client: Client, ava: User, login: Login
) -> None:
    make_rules(house.inbox, refunds_to(house.alice))
    message = texted(client, house, "a refund, please")
    User.objects.filter(pk=house.alice.pk).update(availability="away")
    draft(house.inbox, refunds_to(house.bob), by=ava)
    browser = login(ava)

    assert "Who gets it Bob" in past(browser, message)
    held = past(browser, message, **{"past-which": "published"})
    assert "As everything was known when it came" in held
    assert "Who gets it Alice" in held
    now = past(browser, message, **{"past-which": "published", "past-at": "2026-11-24T10:00"})
    assert "Alice is away" in now


def test_a_past_message_is_answered_as_it_was(
    house: House, client: Client, ava: User, login: Login
) -> None:
    house.inbox.replies = greeting("Welcome")
    house.inbox.save()
    make_rules(house.inbox, refunds_to(house.alice))
    message = texted(client, house, "a refund, please")
    assert Message.objects.filter(kind="auto", body="Welcome").exists()

    assert "The answer Welcome First message" in past(login(ava), message)


def test_words_of_customers_are_shown_to_their_readers_only(
    house: House, client: Client, ava: User, browser: Client, login: Login
) -> None:
    message = texted(client, house, "my secret parcel")

    assert "secret parcel" in words_of(login(ava).get(url()))
    shown = words_of(browser.get(url()))
    assert "secret parcel" not in shown
    assert "Without a Pro-CX licence you read none" in shown
    refused = browser.post(url(), {"do": "past", "past-message": message.public_id})
    assert refused.status_code == 422
    assert "secret parcel" not in words_of(browser.get(url(), {"copy": message.public_id}))
    copied = login(ava).get(url(), {"copy": message.public_id}).content.decode()
    assert "my secret parcel</textarea>" in copied
    assert f'value="{MARIA}"' not in copied


@pytest.mark.parametrize(
    "body", ["a refund, please", "hello", "Hola, ¿me pueden devolver el dinero?", "press refund"]
)
def test_the_dry_run_of_a_message_is_what_live_decided(
    house: House, client: Client, ava: User, body: str
) -> None:
    spanish = {"if": {"all": [{"fact": "language", "test": "is_any", "value": ["es"]}]}}
    random = {"name": "Any", "then": {"to": [{"who": "random"}], "tags": ["any"]}}
    make_rules(house.inbox, {"if": says("press"), "continue": True, "then": {"tags": ["press"]}},
               {**spanish, "then": {"to": [{"who": "least_busy", "cap": 3}]}},
               refunds_to(house.alice, reply={"en": "Soon", "es": "Pronto"}), random)  # fmt: skip
    message = texted(client, house, body)
    trace = RoutingTrace.objects.get(message=message)

    bench = Bench(house.inbox, Which.PUBLISHED, house.viewer(ava), NOW)
    asked = message_to_try(house.inbox, bench.viewer, message.public_id)
    assert asked is not None
    outcome = try_past_message(bench, asked).outcome

    assert plan_json(outcome.plan) == trace.plan
    said = Message.objects.filter(kind="auto").values_list("body", flat=True).first()
    assert getattr(outcome.said, "text", None) == said


@pytest.mark.parametrize("change", [{}, {"availability": "away"}, {"is_active": False}])
def test_a_stored_message_replays_to_its_stored_plan(
    house: House, client: Client, change: dict[str, Any]
) -> None:
    make_rules(
        house.inbox,
        refunds_to(house.alice, reply={"en": "Soon"}),
        {"then": {"to": [{"who": "round_robin"}], "priority": "high"}},
    )
    _hear(client, house, *["refund", "hello"] * 3)
    User.objects.filter(memberships__team=house.inbox.team).update(**change)

    for trace in RoutingTrace.objects.select_related("message"):
        assert trace.message is not None
        facts = read_facts(trace.facts, body=trace.message.body)
        rules = rules_to_try(house.inbox, Which.PUBLISHED).rules
        plan = decide(facts, rules, read_directory(trace.people), now=trace.at)
        assert plan_json(plan) == trace.plan


# --- The replay ---


def _hear(client: Client, house: House, *bodies: str) -> list[Message]:
    return [
        texted(client, house, body, f"+1415555{number:04d}")
        for number, body in enumerate(bodies, 100)
    ]


def test_a_replay_counts_what_would_go_elsewhere(
    house: House, client: Client, ava: User, login: Login
) -> None:
    User.objects.filter(pk=house.bob.pk).update(availability="away")
    make_rules(house.inbox, refunds_to(house.alice))
    _hear(client, house, "a refund", "hello", "refund now", "press")
    to_bob = {
        "name": "Press",
        "if": says("press"),
        "then": {"to": [{"who": "people", "people": [house.bob.pk]}]},
    }
    draft(house.inbox, refunds_to(house.sue), to_bob, by=ava)

    answer = login(ava).get(url("replay"), {"limit": "312"})
    said = words_of(answer)

    assert "2 of 4 would go elsewhere, 1 to nobody" in said
    assert "1 would fare as now" in said
    assert "a refund goes elsewhere Alice Refunds Sue Refunds" in said
    assert "press to nobody the whole team Everything else nobody who could" in said
    only = words_of(login(ava).get(url("replay"), {"limit": "312", "kind": "nobody"}))
    assert "1 message " in only
    assert "goes elsewhere Alice" not in only
    by_rule = words_of(login(ava).get(url("replay"), {"limit": "312", "rule": "r1"}))
    assert "2 messages" in by_rule


def test_who_may_not_read_the_messages_sees_their_number_only(
    house: House, client: Client, ada: User, browser: Client
) -> None:
    make_rules(house.inbox, refunds_to(house.alice))
    _hear(client, house, "a secret refund")
    draft(house.inbox, refunds_to(house.sue), by=ada)

    said = words_of(browser.get(url("replay"), {"limit": "312"}))

    assert "1 of 1 would go elsewhere" in said
    assert "You may not read it goes elsewhere Alice Refunds Sue" in said
    assert "secret" not in said


def test_a_replay_asks_little_however_many_there_are(
    house: House, client: Client, ava: User
) -> None:
    make_rules(house.inbox, refunds_to(house.alice))
    _hear(client, house, *["a refund"] * 3)
    few = _queries_of_replay(house, ava)
    first = RoutingTrace.objects.order_by("pk")[0]
    message = first.message
    assert message is not None
    copies = [
        Message(
            account_id=message.account_id, thread=message.thread, conversation=message.conversation,
            seq=1000 + n, direction="in", kind="text", channel="sms", body="a refund",
            status="received", provider_sid=f"SMcopy{n}", created_at=NOW, received_at=NOW,
        )
        for n in range(400)
    ]  # fmt: skip
    Message.objects.bulk_create(copies)
    traces = [RoutingTrace(**_fields(first), message=copy) for copy in copies]
    RoutingTrace.objects.bulk_create(traces)

    assert _queries_of_replay(house, ava) == few
    found = replay_inbox(house.inbox, Which.DRAFT, viewer=house.viewer(ava), limit=1000, now=NOW)
    assert (found.tally.total, found.tally.count(Kind.SAME)) == (403, 403)


def _fields(trace: RoutingTrace) -> dict[str, Any]:
    names = [one.attname for one in trace._meta.concrete_fields]
    return {name: getattr(trace, name) for name in names if name not in ("id", "message_id")}


def _queries_of_replay(house: House, by: User) -> int:
    with CaptureQueriesContext(
        connection,
    ) as asked:
        replay_inbox(house.inbox, Which.DRAFT, viewer=house.viewer(by), limit=1000, now=NOW)
    return len(asked)


def test_a_decision_of_which_too_little_was_kept_is_passed_over(
    house: House, client: Client, ava: User
) -> None:
    make_rules(house.inbox, refunds_to(house.alice))
    _hear(client, house, "a refund", "refund")
    oldest = traces_of(house.inbox).last()
    assert oldest is not None
    RoutingTrace.objects.filter(pk=oldest.pk).update(facts={})

    found = replay_inbox(house.inbox, Which.DRAFT, viewer=house.viewer(ava), limit=9, now=NOW)

    assert (found.tally.total, found.unreadable) == (1, 1)


def test_people_who_were_not_looked_at_then_are_as_they_are_now(
    house: House, client: Client
) -> None:
    make_rules(house.inbox, refunds_to(house.alice))
    message = texted(client, house, "a refund")
    trace = RoutingTrace.objects.get(message=message)
    today = Directory({}, house.inbox.pk, {})

    past = read_past(message.pk, "a refund", trace.facts, trace.people, NOW, today=today)

    assert set(past.directory.people) == {house.alice.pk}


# --- Examples ---


def keep(browser: Client, name: str = "A refund", **fields: Any) -> Any:
    data = {"do": "keep", "text": "I want a refund", "example": name, "expects": ["who", "reply"]}
    return browser.post(url(), {**data, **fields})


def test_a_typed_message_is_kept_and_fails_when_rules_make_something_else_of_it(
    house: House, ada: User, browser: Client
) -> None:
    make_rules(house.inbox, refunds_to(house.alice, reply={"en": "Soon"}))

    kept = keep(browser, number=MARIA)

    assert kept.status_code == 302
    house.inbox.refresh_from_db()
    book = house.inbox.rulebook
    assert book is not None
    assert failing_examples(book, now=NOW) == ()
    assert "All come out as they should." in words_of(browser.get(url("examples")))
    draft(house.inbox, refunds_to(house.bob, reply={"en": "Later"}), by=ada)
    book.refresh_from_db()
    [failing] = failing_examples(book, now=NOW)
    assert failing.example.name == "A refund"
    assert failing.differences == (
        "It goes to Bob, and should go to Alice.",
        "The answer is “Later”, and should be “Soon”.",
    )
    shown = words_of(browser.get(url("examples")))
    assert "It goes to Bob, and should go to Alice." in shown


def test_an_example_holds_whoever_is_away_just_now(house: House, browser: Client) -> None:
    make_rules(house.inbox, refunds_to(house.alice))
    keep(browser)
    User.objects.filter(account=house.account).update(availability="away")
    house.inbox.refresh_from_db()
    book = house.inbox.rulebook
    assert book is not None

    assert failing_examples(book, now=NOW) == ()


def test_what_comes_out_now_can_be_made_right_and_an_example_deleted(
    house: House, ada: User, browser: Client
) -> None:
    make_rules(house.inbox, refunds_to(house.alice))
    keep(browser)
    draft(house.inbox, refunds_to(house.bob), by=ada)
    row = RuleExample.objects.get()
    answers = {"example": row.pk, "version": row.version}

    browser.post(url("examples"), {"do": "expect", **answers})
    assert RuleExample.objects.get().value().expected == Expected(
        who=frozenset({house.bob.pk}), reply=""
    )
    again = browser.post(url("examples"), {"do": "expect", **answers}, follow=True)
    assert "changed this example meanwhile" in words_of(again)
    browser.post(url("examples"), {"do": "delete", **answers})
    assert not RuleExample.objects.exists()
    gone = browser.post(url("examples"), {"do": "delete", **answers}, follow=True)
    assert "deleted this example meanwhile" in words_of(gone)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"name": ""}, "This field is required"),
        ({"expects": []}, "Choose what must stay as it is."),
        ({"name": "x" * 81}, "at most 80 characters"),
    ],
)
def test_what_is_kept_needs_a_name_and_something_to_keep(
    house: House, browser: Client, fields: dict[str, Any], words: str
) -> None:
    make_rules(house.inbox, refunds_to(house.alice))

    answer = keep(browser, **fields)

    assert answer.status_code == 422
    assert words in words_of(answer)
    assert "I want a refund" in words_of(answer)


def test_a_name_that_is_taken_and_rules_that_are_not_there_are_told(
    house: House, browser: Client
) -> None:
    assert "There are no rules yet" in words_of(keep(browser))
    make_rules(house.inbox, refunds_to(house.alice))
    keep(browser)

    assert "There is an example of this name already." in words_of(keep(browser))


def test_a_failing_example_asks_before_rules_are_published(
    house: House, ada: User, browser: Client
) -> None:
    make_rules(house.inbox, refunds_to(house.alice))
    keep(browser)
    draft(house.inbox, refunds_to(house.bob), by=ada)
    house.inbox.refresh_from_db()
    book = house.inbox.rulebook
    assert book is not None
    book.refresh_from_db()
    data = {"version": book.draft_version, "sure": "on", "note": "Bob takes over"}

    asked = browser.post(url("publish"), data)

    assert asked.status_code == 422
    assert "Look at the examples that come out otherwise" in words_of(asked)
    assert "A refund : It goes to Bob, and should go to Alice." in words_of(asked)
    assert "Bob takes over" in asked.content.decode()
    assert browser.post(url("publish"), {**data, "examples_sure": "on"}).status_code == 302
    book.refresh_from_db()
    assert book.published is not None
    assert book.published.number == 2


# --- Why is this here? ---


def why(login: Login, user: User, row: Conversation) -> str:
    answer = login(user).get(reverse("why", kwargs={"cid": row.public_id}))
    return words_of(answer)


def test_everybody_who_reads_it_reads_why_it_is_here(
    house: House, client: Client, login: Login, charlie: User
) -> None:
    spanish = {
        "name": "Spanish",
        "if": {"all": [{"fact": "language", "test": "is_any", "value": ["es"]}]},
    }
    User.objects.filter(pk=house.bob.pk).update(availability="away")
    make_rules(
        house.inbox,
        spanish,
        refunds_to(house.bob, house.alice, reply={"en": "Soon"}, tags=["money"]),
    )
    message = texted(client, house, "a refund, please")
    row = message.conversation
    assert row is not None

    said = why(login, house.alice, row)

    assert "“Refunds” gave it to Alice." in said
    assert "Who has it now: Alice" in said
    assert "A new conversation began" in said
    assert "version 1" in said
    assert "a refund, please" in said
    assert "Besides: tagged money." in said
    assert "Spanish" in said
    assert "The text contains any of “refund” there is: a refund, please" in said
    assert "Bob is away" in said
    assert "Alice gets it" in said
    assert "The rule's reply is said" in said
    assert "Decided in" in said
    assert why(login, house.sue, row)
    for stranger in (house.bob, charlie):
        path = reverse("why", kwargs={"cid": row.public_id})
        assert login(stranger).get(path).status_code == 404


def test_a_rule_that_is_deleted_since_is_still_named(
    house: House, client: Client, login: Login, ada: User
) -> None:
    make_rules(house.inbox, refunds_to(house.alice))
    row = texted(client, house, "a refund").conversation
    assert row is not None
    make_rules(house.inbox, {"name": "Another", "if": says("another")})

    assert "“Refunds” gave it to Alice." in why(login, house.alice, row)


def test_without_rules_it_says_that_the_team_has_everything(
    house: House, client: Client, login: Login
) -> None:
    row = texted(client, house, "hello").conversation
    assert row is not None

    said = why(login, house.alice, row)

    assert "The whole team has it now." in said
    assert "No rule was asked about this conversation." in said


def test_the_newest_decision_comes_first_and_silence_is_explained(
    house: House, client: Client, login: Login
) -> None:
    house.inbox.replies = greeting("Welcome")
    house.inbox.save()
    make_rules(house.inbox, {"name": "Mark", "continue": True, "then": {"tags": ["new"]}})
    row = texted(client, house, "hello").conversation
    assert row is not None
    Conversation.objects.filter(pk=row.pk).update(
        status="closed", closed_at=NOW, waiting_since=None, route_at=None, routing="done"
    )
    with time_machine.travel(NOW + timedelta(minutes=1), tick=False):
        texted(client, house, "hello again")

        said = why(login, house.alice, row)

    assert said.index("A closed conversation came back") < said.index("A new conversation began")
    assert "Nothing was said: no automatic reply applies." in said
    assert "No rule took it: the whole team gets it." in said


def test_a_fragment_is_enough_beside_the_thread(house: House, client: Client, login: Login) -> None:
    row = texted(client, house, "hello").conversation
    assert row is not None
    browser = login(house.alice)

    part = browser.get(
        reverse("why", kwargs={"cid": row.public_id}), headers={"HX-Request": "true"}
    )

    assert "<html" not in part.content.decode()
    panel = browser.get(
        reverse("panel", kwargs={"cid": row.public_id}), headers={"HX-Request": "true"}
    )
    assert 'data-dialog="why-dialog"' in panel.content.decode()


def test_why_asks_the_same_few_questions_for_any_number_of_decisions(
    house: House, client: Client, login: Login, django_assert_max_num_queries: Any
) -> None:
    make_rules(house.inbox, refunds_to(house.alice))
    row = texted(client, house, "a refund").conversation
    trace = RoutingTrace.objects.get()
    RoutingTrace.objects.bulk_create(
        RoutingTrace(**_fields(trace), message_id=trace.message_id) for _ in range(15)
    )
    assert row is not None
    browser = login(house.alice)

    with django_assert_max_num_queries(12):
        browser.get(reverse("why", kwargs={"cid": row.public_id}))


# --- Who may ---


def test_supervisors_try_where_the_inbox_lets_them(house: House, login: Login) -> None:
    make_rules(house.inbox, refunds_to(house.alice))

    assert login(house.sue).get(url()).status_code == 404
    TeamInbox.objects.update(supervisors_may_set_up=True)
    assert "Who gets it Alice" in tried(login(house.sue))
    assert login(house.alice).get(url()).status_code == 404


def test_who_is_in_the_account_for_support_tries_too(house: House, login: Login) -> None:
    make_rules(house.inbox, refunds_to(house.alice))
    pat = User.objects.create(
        email="pat@example.com",
        name="Pat",
        role="partner",
        partner=house.account.partner,
        is_staff=True,
    )
    SupportAccess.objects.create(
        account=house.account,
        user=pat,
        reason="Asked",
        starts_at=NOW,
        ends_at=NOW + timedelta(hours=1),
    )

    assert "Who gets it Alice" in tried(login(pat))


@pytest.mark.parametrize("name", ["try", "replay", "examples"])
def test_charlie_finds_nothing_of_it(house: House, charlie: User, login: Login, name: str) -> None:
    make_rules(house.inbox, refunds_to(house.alice))
    User.objects.filter(pk=charlie.pk).update(role=ADMIN)

    said = words_of(login(charlie).get(url(name)))

    assert "Refunds" not in said
    assert "Alice" not in said
