"""Can an admin write rules, is what is wrong said where it is, and is nothing typed ever lost?"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils.html import escape

from accounts.models import AuditEntry, FeatureGrant, Membership, User
from inbox.models import Contact, Conversation, Participant, RoutingTrace, TeamInbox
from inbox.setup.rules import (
    ExamplesError,
    Whose,
    arrange,
    publish_draft,
    replace_draft,
    save_rule,
    world_of,
)
from inbox.views.settings.rules_desk import anchor_of
from routing.conditions import FACTS, TESTS, Takes
from routing.documents import document_of, read_rulebook
from routing.models import (
    CrmConnector,
    DataAction,
    EscalationPolicy,
    Rulebook,
    RulebookVersion,
    RuleExample,
)
from tests.conftest import NOW, House
from tests.factories import (
    LONG_AGO,
    make_account,
    make_inbox,
    make_rules,
    make_sender,
    make_user,
)
from tests.twilio import text_in

Login = Callable[[User], Client]
RULES: dict[str, Any] = {
    "format": 1,
    "rules": [
        {
            "id": "vip",
            "name": "VIP",
            "when": ["new", "reopened"],
            "if": {
                "all": [
                    {"fact": "tag", "test": "has_any", "value": ["vip", "a, b"]},
                    {
                        "any": [
                            {"fact": "text", "test": "matches", "value": r"order \d{1,3}"},
                            {"fact": "is_open", "test": "is_true", "not": True},
                            {"fact": "time", "test": "between", "value": ["22:00", "06:00"]},
                            {"fact": "weekday", "test": "is_any", "value": ["mon", "sun"]},
                        ]
                    },
                    {"fact": "attribute", "name": "tier", "test": "more", "value": 2},
                ]
            },
            "then": {
                "to": [
                    {"who": "least_busy", "cap": 3, "owner": True},
                    {"who": "last_owner", "available": False},
                ],
                "tags": ["vip"],
                "priority": "high",
                "reply": {"en": "We are on it", "es": "Ya vamos"},
                "bot_name": "Vera",
                "note": "Be kind",
                "snooze_minutes": 90,
            },
        },
        {"id": "mark", "name": "Mark", "on": False, "continue": True, "then": {"tags": ["x"]}},
        {"id": "rest", "name": "Rest", "if": {"all": [{"fact": "first_ever", "test": "is_true"}]}},
    ],
}


def fill(house: House, by: User, document: dict[str, Any] = RULES) -> Rulebook:
    """Write rules for the inbox, publish them, and begin to change them; once is enough."""
    if row := Rulebook.objects.filter(account=house.account).first():
        return row
    whose = Whose(house.account, house.inbox)
    deed: dict[str, Any] = {"whose": whose, "by": by, "now": NOW}
    replace_draft(document=read(document), seen=1, **deed)
    publish_draft(seen=2, note="To begin with", is_sure=True, **deed)
    return arrange(do="down", rule="vip", seen=2, **deed)


def read(document: dict[str, Any]) -> dict[str, Any]:
    return document_of(read_rulebook(document))


@pytest.fixture(autouse=True)
def _clock():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def ada(house: House) -> User:
    return make_user(house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN)


@pytest.fixture
def browser(ada: User, login: Login) -> Client:
    return login(ada)


@pytest.fixture
def whose(house: House) -> Whose:
    return Whose(house.account, house.inbox)


def url(page: str = "s", **kwargs: Any) -> str:
    return reverse(f"settings_rule{page}", kwargs={"slug": "support", **kwargs})


def rule_url(rule: str = "") -> str:
    return url("") + (f"?id={rule}" if rule else "")


def text_of(answer: Any) -> str:
    return str(answer.content.decode())


def draft() -> list[dict[str, Any]]:
    return list(Rulebook.objects.get().draft["rules"])


def fields_of(html: str) -> dict[str, list[str]]:
    """Return what a browser would send of the rule's form as it is."""
    form = _Form()
    form.feed(html)
    return form.found


class _Form(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, list[str]] = {}
        self.select = self.area = ""
        self.option: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        name = given.get("name", "")
        if tag == "input" and name and name != "csrfmiddlewaretoken":
            self._input(name, given)
        elif tag == "select":
            self.select = name
        elif tag == "option" and self.select:
            if "selected" in given or self.select not in self.found:
                self.found[self.select] = [given.get("value", "\0")]
        elif tag == "textarea":
            self.area = name
            self.found[name] = [""]

    def _input(self, name: str, given: dict[str, str]) -> None:
        if given.get("type") != "checkbox" or "checked" in given:
            self.found.setdefault(name, []).append(given.get("value", "on"))

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self.select = ""
        if tag == "textarea":
            self.area = ""

    def handle_data(self, data: str) -> None:
        if self.area:
            self.found[self.area][0] += data
        elif self.select and self.found.get(self.select) == ["\0"]:
            self.found[self.select] = [data]


# --- The list ------------------------------------------------------------------------------------


def test_an_inbox_without_rules_shows_the_default_and_makes_nothing(browser: Client) -> None:
    text = text_of(browser.get(url()))

    assert "What no rule takes goes to the whole team, unclaimed." in text
    assert not Rulebook.objects.exists()


def test_the_list_reads_as_sentences_in_order(browser: Client, house: House, ada: User) -> None:
    fill(house, ada)

    text = text_of(browser.get(url()))

    names = [text.index(f">{name}</a>") for name in ("Mark", "VIP", "Rest")]
    assert names == sorted(names)
    assert text.index("Everything else") > names[-1]
    assert "if the customer&#x27;s tags have any of “vip”, “a, b”" in text
    assert "in business hours: no" in text
    assert "our time is between 22:00 and 06:00" in text
    assert (
        "give it to the least busy of the team (with fewer than 3 open, who then owns it)" in text
    )
    assert "else to who answered the customer last (also when away)" in text
    assert "Draft: 1 change not published" in text
    assert "stands at another place." in text


def test_pages_say_that_rules_do_nothing_while_the_feature_is_off(
    browser: Client, house: House
) -> None:
    assert "Ask your partner to turn it on" in text_of(browser.get(url()))
    FeatureGrant.objects.create(account=house.account, feature="custom_routing", starts_at=LONG_AGO)
    assert "Ask your partner to turn it on" not in text_of(browser.get(url()))


@pytest.mark.parametrize(
    ("do", "more", "order"),
    [
        ("up:rest", {}, ["mark", "rest", "vip"]),
        ("up:mark", {}, ["mark", "vip", "rest"]),
        ("down:mark", {}, ["vip", "mark", "rest"]),
        ("move:rest", {"rest": "1"}, ["rest", "mark", "vip"]),
        ("move:rest", {"rest": "99"}, ["mark", "vip", "rest"]),
        # Enter in a position names no rule: the one whose number changed is meant.
        ("move", {"vip": "1", "mark": "1"}, ["vip", "mark", "rest"]),
        ("move", {}, ["mark", "vip", "rest"]),
        ("nonsense:vip", {}, ["mark", "vip", "rest"]),
    ],
)
def test_a_rule_is_moved_by_buttons_and_by_its_position(
    browser: Client, house: House, ada: User, do: str, more: dict[str, str], order: list[str]
) -> None:
    row = fill(house, ada)
    typed = {f"position-{anchor_of(one)}": value for one, value in more.items()}

    answer = browser.post(url(), {"version": row.draft_version, "do": do, **typed})

    assert answer.status_code == 302
    assert [rule["id"] for rule in draft()] == order


def test_a_rule_is_switched_copied_and_deleted(browser: Client, house: House, ada: User) -> None:
    row = fill(house, ada)

    browser.post(url(), {"version": row.draft_version, "do": "off:vip"})
    assert draft()[1]["on"] is False
    browser.post(url(), {"version": row.draft_version + 1, "do": "on:vip"})
    assert "on" not in draft()[1]
    browser.post(url(), {"version": row.draft_version + 2, "do": "copy:vip"})
    copy = draft()[2]
    assert (copy["name"], copy["on"], copy["then"]) == ("VIP (copy)", False, draft()[1]["then"])
    page = text_of(browser.get(f"{url('_delete')}?id=vip"))
    assert "Delete “VIP”?" in page
    browser.post(f"{url('_delete')}?id=vip", {"version": row.draft_version + 3})
    assert [rule["id"] for rule in draft()] == ["mark", copy["id"], "rest"]


def test_who_presses_a_button_on_an_old_page_is_told_and_nothing_is_done(
    browser: Client, house: House, ada: User, whose: Whose
) -> None:
    row = fill(house, ada)
    arrange(whose=whose, do="off", rule="rest", seen=row.draft_version, by=house.sue, now=NOW)

    answer = browser.post(url(), {"version": row.draft_version, "do": "up:rest"}, follow=True)

    assert "Sue changed these rules meanwhile." in text_of(answer)
    assert [rule["id"] for rule in draft()] == ["mark", "vip", "rest"]


def test_how_often_a_rule_decided_is_counted(
    browser: Client, house: House, ada: User, client: Client
) -> None:
    fill(house, ada)
    text_in(client, house.sender, "+14155550123", "Hi")
    row = Conversation.objects.get()
    kept = {"account": house.account, "inbox": house.inbox, "conversation": row, "trigger": "new"}
    RoutingTrace.objects.all().delete()
    for days, rule, broken in ((1, "vip", []), (2, "vip", ["rest"]), (31, "vip", ["rest"])):
        RoutingTrace.objects.create(**kept, rule=rule, broken=broken, at=NOW - timedelta(days=days))

    text = text_of(browser.get(url()))

    assert "Decided 2 times in 30 days, last" in text
    assert "22 Nov 2026, 15:00 UTC" in text
    assert "1 time it could not be asked." in text


def test_how_often_a_rule_marked_is_counted(
    browser: Client, house: House, ada: User, client: Client
) -> None:
    marks = {"id": "mark", "continue": True, "then": {"tags": ["seen"]}}
    never = {"id": "never", "continue": True, "if": NEVER, "then": {"tags": ["x"]}}
    made = make_rules(house.inbox, marks, never, {"id": "vip", "then": {"tags": ["vip"]}})
    for number in range(2):
        text_in(client, house.sender, f"+1415555012{number}", "Hi")

    assert RoutingTrace.objects.filter(marked=["mark"], rule="vip", version=made).count() == 2
    text = text_of(browser.get(url()))
    assert text.count("Marked 2 times in 30 days, last") == 1
    assert text.count("Marked nothing in the last 30 days.") == 1


NEVER = {"all": [{"fact": "channel", "test": "is_any", "value": ["fax"]}]}


def test_what_is_published_decides_about_the_next_message_and_is_counted(
    browser: Client, house: House, client: Client
) -> None:
    FeatureGrant.objects.create(account=house.account, feature="custom_routing", starts_at=LONG_AGO)
    typed = {"p0-fact": "text", "p0-test": "contains_any", "p0-value": "refund", "match": "all"}
    who = {"s0-who": "people", "s0-people": [house.bob.pk], "s0-available": "on"}
    marks = {"name": "Refunds", "on": "on", "when": ["new"], "tags": "refund"}
    browser.post(rule_url(), {**marks, **typed, **who, "do": "save"})
    text_in(client, house.sender, "+14155550101", "I want a refund")
    browser.post(url("s_publish"), {"version": 2, "note": "From now on"})

    text_in(client, house.sender, "+14155550102", "I want a refund too")

    before, after = Conversation.objects.order_by("pk")
    assert (before.is_team_wide, before.tags) == (True, [])
    assert (after.is_team_wide, after.tags) == (False, ["refund"])
    parts = Participant.objects.filter(conversation=after, ended_at=None)
    assert [part.user for part in parts] == [house.bob]
    assert "Decided 1 time in 30 days, last" in text_of(browser.get(url()))


def test_a_page_with_200_rules_asks_little(
    browser: Client, house: House, ada: User, django_assert_max_num_queries: Any
) -> None:
    conditions = [{"fact": "text", "test": "contains_any", "value": [f"w{n}"]} for n in range(10)]
    rules = [
        {
            "id": f"r{n}",
            "name": f"Rule {n}",
            "if": {"all": [*conditions, {"fact": "tag", "test": "has_any", "value": [f"t{n}"]}]},
            "then": {"to": [{"who": "people", "people": [house.alice.pk]}], "notify": [ada.pk]},
        }
        for n in range(200)
    ]
    fill(
        house,
        ada,
        {
            "rules": [
                {"id": "vip", "name": "V", "then": {"tags": ["x"]}, "if": {"all": conditions[:1]}},
                *rules,
            ]
        },
    )
    browser.get(url())

    with django_assert_max_num_queries(19):
        answer = browser.get(url())

    assert text_of(answer).count("Rule 1") > 100


# --- One rule ------------------------------------------------------------------------------------


def test_a_rule_is_built_row_by_row_without_a_script(browser: Client, house: House) -> None:
    html = text_of(browser.get(rule_url()))

    def press(**more: Any) -> str:
        nonlocal html
        answer = browser.post(rule_url(), {**fields_of(html), **more})
        html = text_of(answer)
        return html

    press(**{"name": "Refunds", "do": "add", "add-fact-": "text"})
    press(**{"p0-value": "refund, return", "do": "group"})
    press(**{"do": "add-p1", "add-fact-p1": "weekday"})
    press(**{"p1_0-choice": ["mon", "tue"], "do": "add-p1", "add-fact-p1": "owner"})
    press(**{"p1_1-test": "not:is_person", "p1_1-person": "Bob", "do": "person-p1_1"})
    press(**{"do": "step", "add-who": "people"})
    press(**{"s0-person": house.alice.email, "do": "step", "add-who": "team"})
    press(**{"do": "step", "add-who": "round_robin"})
    press(do="stepup-s2")
    press(do="reply")
    press(**{"r0-language": "en", "r0-text": "We look at it", "tags": "refund", "do": "save"})

    [rule] = draft()
    assert rule["name"] == "Refunds"
    assert rule["id"].startswith("refunds-")
    assert rule["if"] == {
        "all": [
            {"fact": "text", "test": "contains_any", "value": ["refund", "return"]},
            {
                "any": [
                    {"fact": "weekday", "test": "is_any", "value": ["mon", "tue"]},
                    {
                        "fact": "owner",
                        "test": "is_person",
                        "value": [house.bob.pk],
                        "not": True,
                    },
                ]
            },
        ]
    }
    assert rule["then"] == {
        "to": [
            {"who": "people", "people": [house.alice.pk]},
            {"who": "round_robin"},
            {"who": "team"},
        ],
        "tags": ["refund"],
        "reply": {"en": "We look at it"},
    }
    inbox = TeamInbox.objects.select_related("rulebook").get(pk=house.inbox.pk)
    assert inbox.rulebook is not None
    assert (inbox.rulebook.name, inbox.settings_version) == ("Support", 2)
    assert AuditEntry.objects.filter(action="inbox_changed").count() == 1


@pytest.mark.parametrize("rule", ["vip", "mark", "rest"])
def test_what_is_opened_and_saved_again_stays_the_same(
    browser: Client, house: House, ada: User, rule: str
) -> None:
    fill(house, ada)
    before = draft()

    html = text_of(browser.get(rule_url(rule)))
    answer = browser.post(rule_url(rule), {**fields_of(html), "do": "save"})

    assert answer.status_code == 302
    assert draft() == before
    assert Rulebook.objects.get().draft_version == 3


def test_every_fact_and_every_test_can_be_written(browser: Client, house: House, ada: User) -> None:
    """Generated from the tables: whoever adds a fact need not come here."""
    values: dict[Takes, Any] = {
        Takes.NOTHING: None,
        Takes.WORDS: ["one", "two, three"],
        Takes.PATTERN: r"a{1,2}, b",
        Takes.TEXT: "some words",
        Takes.CHOICES: ["mon"],
        Takes.NUMBER: "2026-12-24",
        Takes.SCALAR: True,
        Takes.TIMES: ["22:00", "06:30"],
        Takes.PEOPLE: [house.alice.pk, house.bob.pk],
    }
    conditions = [
        {
            "fact": key,
            **({"name": "crm.tier"} if fact.is_named else {}),
            "test": test,
            **({} if (value := values[TESTS[test].takes]) is None else {"value": value}),
            **({"not": True} if is_negated else {}),
        }
        for key, fact in FACTS.items()
        for test in fact.tests
        for is_negated in (False, True)
    ]
    rules = [
        {"id": f"r{n}", "name": f"R{n}", "if": {"any": conditions[n : n + 40]}}
        for n in range(0, len(conditions), 40)
    ]
    replace_draft(
        whose=Whose(house.account, house.inbox),
        document=read({"rules": rules}),
        seen=1,
        by=ada,
        now=NOW,
    )
    for rule in rules:
        html = text_of(browser.get(rule_url(str(rule["id"]))))
        answer = browser.post(rule_url(str(rule["id"])), {**fields_of(html), "do": "save"})
        assert answer.status_code == 302, text_of(answer)

    assert draft() == rules
    assert browser.get(url()).status_code == 200


@pytest.mark.parametrize(
    ("typed", "field", "words"),
    [
        ({"name": ""}, "name", "must not be blank"),
        ({"when": []}, "when-new", "Say when this rule is asked."),
        ({"p0-value": ""}, "p0-value", "Write at least one word."),
        ({"p0-test": "matches", "p0-value": "("}, "p0-value", "RE2 cannot read"),
        ({"p1_0-from": "9", "p1_0-to": "09:00"}, "p1_0-from", "Two times are wanted"),
        ({"p2-value": "much", "p2-test": "more"}, "p2-value", "Write a number, or a date"),
        ({"p2-name": ""}, "p2-name", "must not be blank"),
        ({"s0-person": "Nobody Here"}, "s0-person", "Nobody in this account is called"),
        ({"s0-person": "Twin"}, "s0-person", "Several people are called “Twin”"),
        ({"s0-people": []}, "s0-person", "Choose at least one person."),
        ({"s0-people": ["999999"]}, "s0-person", "Nobody in this account has the number 999999."),
        ({"s0-cap": "many"}, "s0-cap", "A whole number from 0"),
        ({"s1-lookup": ""}, "s1-lookup", "Name the look-up"),
        ({"s2-team": "999999"}, "s2-up", "This account has no team"),
        ({"snooze": "soon"}, "snooze", "A whole number from 1"),
        ({"snooze": "999", "unit": "days"}, "snooze", "A whole number from 1"),
        ({"r0-language": ""}, "r0-language", "in which language"),
        ({"r1-language": "EN"}, "r0-text", "two texts in this language"),
        ({"priority": "loud"}, "priority", "One of low, normal"),
        ({"notify-person": "Nobody"}, "notify-person", "Nobody in this account"),
        ({"continue": "on"}, "continue", "may only set tags and a priority"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_what_was_typed_stays(
    browser: Client, house: House, typed: dict[str, Any], field: str, words: str
) -> None:
    for _ in range(2):
        make_user(house.account, "Twin")
    good = {
        "name": "Kept name",
        "on": "on",
        "when": ["new"],
        "match": "all",
        "p0-fact": "text",
        "p0-test": "contains_any",
        "p0-value": "kept words",
        "p1-match": "any",
        "p1_0-fact": "time",
        "p1_0-test": "between",
        "p1_0-from": "09:00",
        "p1_0-to": "10:00",
        "p2-fact": "attribute",
        "p2-name": "tier",
        "p2-test": "equals",
        "p2-value": "gold",
        "s0-who": "people",
        "s0-people": [str(house.alice.pk)],
        "s1-who": "data_action",
        "s1-lookup": "Route",
        "s2-who": "team",
        "r0-language": "en",
        "r0-text": "Kept text",
        "r1-language": "es",
        "r1-text": "Otro",
        "note": "Kept note",
        "do": "save",
    }

    answer = browser.post(rule_url(), {**good, **typed})

    text = text_of(answer)
    assert answer.status_code == 422
    assert escape(words) in text
    assert f'<a href="#{field}">' in text
    assert f'id="{field}"' in text
    assert not Rulebook.objects.exists()
    sent = fields_of(text)
    for name, value in {**good, **typed}.items():
        if name not in ("do", "s0-people", "s0-cap", "s2-team", "priority") and value:
            assert sent[name] == (value if isinstance(value, list) else [value]), name


def test_two_admins_edit_different_rules_and_nobody_is_in_anybodys_way(
    browser: Client, house: House, ada: User, whose: Whose
) -> None:
    fill(house, ada)
    html = text_of(browser.get(rule_url("vip")))
    mark = {**draft()[0], "name": "Marked"}
    save_rule(
        whose=whose,
        world=world_of(whose, now=NOW),
        rule=mark,
        seen=draft()[0],
        by=house.sue,
        now=NOW,
    )

    browser.post(rule_url("vip"), {**fields_of(html), "name": "Very important", "do": "save"})

    assert [rule["name"] for rule in draft()] == ["Marked", "Very important", "Rest"]


def test_who_saves_the_same_rule_second_is_told_and_keeps_what_they_typed(
    browser: Client, house: House, ada: User, whose: Whose
) -> None:
    fill(house, ada)
    html = text_of(browser.get(rule_url("rest")))
    theirs = {**draft()[2], "then": {"tags": ["theirs"]}}
    save_rule(
        whose=whose,
        world=world_of(whose, now=NOW),
        rule=theirs,
        seen=draft()[2],
        by=house.sue,
        now=NOW,
    )

    answer = browser.post(rule_url("rest"), {**fields_of(html), "tags": "mine", "do": "save"})

    text = text_of(answer)
    assert answer.status_code == 409
    assert "Sue changed this rule meanwhile." in text
    assert "then tag it “theirs”" in text
    assert "then tag it “mine”" in text
    assert draft()[2]["then"] == {"tags": ["theirs"]}
    again = browser.post(rule_url("rest"), {**fields_of(text), "do": "save"})
    assert again.status_code == 302
    assert draft()[2]["then"] == {"tags": ["mine"]}


def test_a_rule_that_somebody_deleted_can_be_saved_again(
    browser: Client, house: House, ada: User, whose: Whose
) -> None:
    row = fill(house, ada)
    html = text_of(browser.get(rule_url("rest")))
    arrange(whose=whose, do="delete", rule="rest", seen=row.draft_version, by=house.sue, now=NOW)

    answer = browser.post(rule_url("rest"), {**fields_of(html), "do": "save"})
    assert answer.status_code == 409
    assert "Sue deleted this rule meanwhile." in text_of(answer)
    browser.post(rule_url("rest"), {**fields_of(text_of(answer)), "do": "save"})
    assert [rule["id"] for rule in draft()] == ["mark", "vip", "rest"]


@pytest.mark.django_db(transaction=True)
def test_two_first_rules_at_the_same_moment_share_one_rulebook(house: House, ada: User) -> None:
    whose = Whose(house.account, house.inbox)
    world = world_of(whose, now=NOW)

    def write(name: str) -> None:
        try:
            save_rule(
                whose=whose,
                world=world,
                rule={"id": name, "name": name},
                seen=None,
                by=ada,
                now=NOW,
            )
        finally:
            connection.close()

    threads = [threading.Thread(target=write, args=(name,)) for name in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {rule["id"] for rule in draft()} == {"a", "b"}


# --- The account's own ---------------------------------------------------------------------------


def test_the_accounts_rules_stand_before_each_inboxs(
    browser: Client, house: House, ada: User
) -> None:
    browser.post(
        reverse("settings_first_rule"),
        {"name": "All to nobody", "on": "on", "when": ["new", "reopened", "transferred"]},
    )
    row = Rulebook.objects.get()
    assert (row.is_always_first, row.name) == (True, "Always first")
    browser.post(reverse("settings_first_rules_publish"), {"version": row.draft_version})
    replace_draft(
        whose=Whose(house.account, house.inbox), document=read(RULES), seen=1, by=ada, now=NOW
    )

    text = text_of(browser.get(url()))

    assert "Before them 1 rule of the account is asked:" in text
    assert "It is never asked: “All to nobody” takes every message before it." in text
    assert "It is never asked" not in text_of(browser.get(reverse("settings_first_rules")))


def test_tags_in_use_are_named_where_one_is_written(
    browser: Client, house: House, ada: User
) -> None:
    fill(house, ada)
    text_in(Client(), house.sender, "+14155550177")
    Conversation.objects.update(tags=["refund", "Ärger"])
    Contact.objects.update(tags=["gold"])
    theirs = make_inbox(house.account, "Elsewhere")
    text_in(Client(), make_sender(theirs), "+14155550178")
    Conversation.objects.filter(inbox=theirs).update(tags=["theirs"])

    page = browser.get(rule_url("vip")).content.decode()

    for tag in ("refund", "Ärger", "gold", "vip"):
        assert f'<option value="{tag}">' in page, tag
    assert page.count("In use:") == 2
    assert "theirs" not in page


# --- Publishing ----------------------------------------------------------------------------------


def test_errors_block_warnings_ask_and_a_version_holds(
    browser: Client, house: House, ada: User, whose: Whose
) -> None:
    def write(*rules: dict[str, Any]) -> int:
        row = Rulebook.objects.first()
        seen = row.draft_version if row else 1
        document = read({"rules": list(rules)})
        return replace_draft(
            whose=whose, document=document, seen=seen, by=ada, now=NOW
        ).draft_version

    stop = {"all": [{"fact": "text", "test": "equals", "value": "stop"}]}
    seen = write({"id": "a", "name": "A"}, {"id": "b", "name": "B"})
    page = text_of(browser.get(url("s_publish")))
    assert "It is never asked" in page
    assert "Publish these rules" not in page
    refused = browser.post(url("s_publish"), {"version": seen, "note": "x", "sure": "on"})
    assert refused.status_code == 422
    assert not RulebookVersion.objects.exists()

    seen = write({"id": "a", "name": "A", "if": stop, "then": {"tags": ["x"]}})
    refused = browser.post(url("s_publish"), {"version": seen, "note": "Because"})
    assert refused.status_code == 422
    assert "Look at the warnings before you publish." in text_of(refused)
    assert 'value="Because"' in text_of(refused)
    done = browser.post(
        url("s_publish"), {"version": seen, "note": "Because", "sure": "on"}, follow=True
    )
    assert "Version 1 holds from now on." in text_of(done)
    assert RulebookVersion.objects.get().note == "Because"


def test_examples_that_come_out_otherwise_ask_too(house: House, ada: User, whose: Whose) -> None:
    row = fill(house, ada)
    deed: dict[str, Any] = {"whose": whose, "seen": row.draft_version, "by": ada, "now": NOW}

    with pytest.raises(ExamplesError) as refused:
        publish_draft(note="", failing=lambda rulebook: [rulebook.name], **deed)
    assert refused.value.failing == ("Support",)
    assert RulebookVersion.objects.count() == 1
    publish_draft(note="", failing=lambda rulebook: [rulebook.name], has_seen_examples=True, **deed)
    assert RulebookVersion.objects.count() == 2


def test_who_publishes_what_they_did_not_see_is_shown_what_it_is_now(
    browser: Client, house: House, ada: User, whose: Whose
) -> None:
    row = fill(house, ada)
    arrange(whose=whose, do="off", rule="vip", seen=row.draft_version, by=house.sue, now=NOW)

    answer = browser.post(
        url("s_publish"), {"version": row.draft_version, "note": "Mine", "sure": "on"}
    )

    text = text_of(answer)
    assert answer.status_code == 409
    assert "Sue changed these rules meanwhile." in text
    assert "whether it is on" in text
    assert 'value="Mine"' in text
    assert RulebookVersion.objects.count() == 1


def test_versions_are_listed_looked_at_and_brought_back(
    browser: Client, house: House, ada: User
) -> None:
    row = fill(house, ada)
    browser.post(url("s_publish"), {"version": row.draft_version, "note": "Later", "sure": "on"})

    listed = text_of(browser.get(url("s_versions")))
    assert listed.index("Version 2") < listed.index("Version 1")
    assert "To begin with" in listed
    assert "holds now" in listed
    page = text_of(browser.get(url("s_version", number=1)))
    assert "stands at another place." in page
    assert "Let version 1 hold again" in page
    done = browser.post(url("s_version", number=1), {"note": "Too soon"}, follow=True)
    assert "Version 1 is back: as version 3 it holds from now on." in text_of(done)
    assert [rule["id"] for rule in draft()] == ["vip", "mark", "rest"]
    again = browser.post(url("s_version", number=3))
    assert again.status_code == 422
    assert browser.get(url("s_version", number=9)).status_code == 404


def test_who_brings_a_version_back_over_one_they_did_not_see_is_told(
    browser: Client, house: House, ada: User, whose: Whose
) -> None:
    row = fill(house, ada)
    deed: dict[str, Any] = {"whose": whose, "by": house.sue, "now": NOW}
    publish_draft(seen=row.draft_version, note="Second", is_sure=True, **deed)
    opened = browser.get(url("s_version", number=1)).content.decode()
    moved = arrange(do="on", rule="mark", seen=row.draft_version, **deed)
    publish_draft(seen=moved.draft_version, note="Third", is_sure=True, **deed)

    answer = browser.post(url("s_version", number=1), {"note": "Back", "holds": "2", "sure": "on"})

    assert 'name="holds" value="2"' in opened
    assert answer.status_code == 409
    assert "Sue published version 3 meanwhile. Nothing was done." in text_of(answer)
    assert 'value="Back"' in text_of(answer)
    assert 'name="holds" value="3"' in answer.content.decode()
    assert RulebookVersion.objects.count() == 3


def test_a_version_that_names_who_is_gone_does_not_come_back(
    browser: Client, house: House, ada: User, whose: Whose
) -> None:
    deed: dict[str, Any] = {"whose": whose, "by": ada, "now": NOW}
    to_bob = {"to": [{"who": "people", "people": [house.bob.pk]}]}
    for number, then in enumerate((to_bob, {"tags": ["x"]}), start=1):
        rules = {"rules": [{"id": "a", "name": "A", "then": then}]}
        row = replace_draft(document=read(rules), seen=number, **deed)
        publish_draft(seen=row.draft_version, note="", is_sure=True, **deed)
    User.objects.filter(pk=house.bob.pk).update(is_active=False)

    page = text_of(browser.get(url("s_version", number=1)))
    answer = browser.post(url("s_version", number=1), {"holds": "2", "sure": "on"})

    assert "Let version 1 hold again" not in page
    assert "It cannot hold again as it is." in page
    assert answer.status_code == 422
    assert RulebookVersion.objects.count() == 2


def test_examples_are_run_before_a_version_comes_back(
    browser: Client, house: House, ada: User, whose: Whose
) -> None:
    deed: dict[str, Any] = {"whose": whose, "by": ada, "now": NOW}
    for number, rule in enumerate(("old", "new"), start=1):
        rules = {"rules": [{"id": rule, "name": rule, "then": {"to": [{"who": "team"}]}}]}
        row = replace_draft(document=read(rules), seen=number, **deed)
        publish_draft(seen=row.draft_version, note="", is_sure=True, **deed)
    RuleExample.objects.create(
        account=house.account,
        rulebook=row,
        team=house.inbox.team,
        name="A refund",
        facts={"at": NOW.isoformat(), "text": "Refund", "number": "+14155550101"},
        expected={"rule": "new"},
        changed_by=ada,
        created_at=NOW,
        changed_at=NOW,
    )

    page = text_of(browser.get(url("s_version", number=1)))
    refused = browser.post(url("s_version", number=1), {"holds": "2", "sure": "on"})
    done = browser.post(
        url("s_version", number=1), {"holds": "2", "sure": "on", "examples_sure": "on"}, follow=True
    )

    assert "Examples that come out otherwise" in page
    assert (refused.status_code, RulebookVersion.objects.count()) == (422, 3)
    assert "Version 1 is back" in text_of(done)


def test_who_changed_a_draft_stands_in_the_audit_log(
    browser: Client, house: House, ada: User
) -> None:
    fill(house, ada)

    lines = AuditEntry.objects.filter(action="rules_drafted").order_by("id")

    assert [(line.actor_label, line.data["version"]) for line in lines] == [("Ada", 2), ("Ada", 3)]
    assert lines[0].data["rules"][0] == {"rule": "VIP", "what": "added", "parts": []}
    assert "Rules drafted" in browser.get("/settings/audit/").content.decode()


def test_the_draft_is_thrown_away(browser: Client, house: House, ada: User) -> None:
    row = fill(house, ada)
    assert "stands at another place." in text_of(browser.get(url("s_discard")))
    browser.post(url("s_discard"), {"version": row.draft_version})
    assert [rule["id"] for rule in draft()] == ["vip", "mark", "rest"]


# --- One document --------------------------------------------------------------------------------


def test_rules_travel_to_another_account_by_names(
    browser: Client, house: House, ada: User, login: Login
) -> None:
    sales = make_inbox(house.account, "Sales")
    there = make_account("Elsewhere")
    inbox = make_inbox(there, "Support")
    alice = make_user(there, "Other Alice", team=inbox.team, email="Alice@elsewhere.example")
    other = login(make_user(there, "Eve", works_as=User.Role.ACCOUNT_ADMIN))
    rule = {
        "id": "a",
        "name": "A",
        "if": {"any": [{"fact": "owner", "test": "is_person", "value": [house.alice.pk]}]},
        "then": {
            "to": [
                {"who": "people", "people": [house.alice.pk]},
                {"who": "team", "team": sales.pk},
            ],
            "notify": [house.alice.pk],
        },
    }
    replace_draft(
        whose=Whose(house.account, house.inbox),
        document=read({"rules": [rule]}),
        seen=1,
        by=ada,
        now=NOW,
    )

    answer = browser.get(f"{url('s_download')}?of=draft")
    document = json.loads(answer.content)
    assert "attachment" in answer.headers["Content-Disposition"]
    assert document["rules"][0]["then"]["to"] == [
        {"who": "people", "people": [house.alice.email]},
        {"who": "team", "team": "Sales"},
    ]
    # Neither she nor a team Sales is there: it says so, with the places, and keeps the text.
    refused = other.post(url("s_document"), {"text": json.dumps(document), "save": "1"})
    assert refused.status_code == 422
    page = text_of(refused)
    assert "rules[0].then.to[1].team" in page
    assert "This account has no team “Sales”." in page
    assert "rules[0].if.any[0].value[0]" in page
    assert escape(f'"{house.alice.email}"') in page
    assert not Rulebook.objects.filter(account=there).exists()
    make_inbox(there, "sales")
    text = json.dumps(document).replace(house.alice.email, "alice@ELSEWHERE.example")
    file = SimpleUploadedFile("rules.json", text.encode())
    checked = text_of(other.post(url("s_document"), {"file": file, "version": 1}))
    assert "“A” is new." in checked
    saved = other.post(url("s_document"), {"text": text, "version": 1, "save": "1"})
    assert saved.status_code == 302
    kept = Rulebook.objects.get(account=there).draft["rules"][0]
    assert kept["then"]["to"][0]["people"] == [alice.pk]
    assert kept["if"]["any"][0]["value"] == [alice.pk]


@pytest.mark.parametrize(
    ("text", "where", "words"),
    [
        ("", "", "Choose a file"),
        ("{", "line 1, column 2", "This is no JSON"),
        ("[" * 100_000, "", ""),
        ("[]", "document", "An object is wanted here."),
        ('{"rules": [{"id": "a"}]}', "rules[0].name", "A text is wanted here."),
        (
            '{"rules": [{"id": "a", "name": "A", "then": {"to": [{"who": "boss"}], "notify": ["x@y"'
            "]}}]}",
            "rules[0].then.notify[0]",
            "Nobody in this account has the e-mail address “x@y”.",
        ),
        ('{"always_first": [{"id": "a", "name": "A"}]}', "always_first", "no rules of one inbox"),
        ('{"rules": [{"id": "a", "name": "\\u0000"}]}', "rules[0].name", "A text is wanted here."),
        ('{"rules": [{"id": "a", "name": "\\ud800"}]}', "rules[0].name", "half a character in “?”"),
        ('{"\\ud800": []}', "", "half a character in “?”"),
    ],
)
def test_a_document_that_cannot_be_followed_is_told_with_every_place(
    browser: Client, text: str, where: str, words: str
) -> None:
    answer = browser.post(url("s_document"), {"text": text, "save": "1", "version": "1"})

    page = text_of(answer)
    assert answer.status_code == 422
    assert escape(where) in page
    assert escape(words) in page
    assert not Rulebook.objects.exists()


def test_a_document_over_a_draft_that_moved_is_not_kept(
    browser: Client, house: House, ada: User
) -> None:
    row = fill(house, ada)
    text = json.dumps({"rules": []})

    answer = browser.post(
        url("s_document"), {"text": text, "save": "1", "version": row.draft_version - 1}
    )

    assert answer.status_code == 409
    assert "Ada changed these rules meanwhile." in text_of(answer)
    assert len(draft()) == 3


# --- Who may -------------------------------------------------------------------------------------


def test_a_supervisor_sets_rules_where_the_inbox_lets_them(house: House, login: Login) -> None:
    sue = login(house.sue)
    assert sue.get(url()).status_code == 404
    TeamInbox.objects.update(supervisors_may_set_up=True)

    assert sue.get(url()).status_code == 200
    assert sue.get(reverse("settings_first_rules")).status_code == 404
    assert sue.post(rule_url(), {"name": "Mine", "on": "on", "when": "new"}).status_code == 302
    assert [rule["name"] for rule in draft()] == ["Mine"]


def test_rules_that_other_inboxes_follow_too_stay_the_admins(
    house: House, ada: User, login: Login
) -> None:
    fill(house, ada)
    sales = make_inbox(house.account, "Sales", supervisors_may_set_up=True)
    TeamInbox.objects.update(supervisors_may_set_up=True, rulebook=Rulebook.objects.get())

    assert login(house.sue).get(url()).status_code == 404
    text = text_of(login(ada).get(url()))
    assert "These inboxes follow the same rules: <bdi>Sales</bdi>" in text
    make_member(house.sue, sales)
    assert login(house.sue).get(url()).status_code == 200


def test_a_rulebook_has_an_end(browser: Client, house: House, ada: User) -> None:
    rules = [{"id": f"r{n}", "name": f"R{n}", "then": {"tags": ["x"]}} for n in range(500)]
    replace_draft(
        whose=Whose(house.account, house.inbox),
        document=read({"rules": rules}),
        seen=1,
        by=ada,
        now=NOW,
    )

    answer = browser.post(url(), {"version": 2, "do": "copy:r1"}, follow=True)

    assert "At most 500 may stand here." in text_of(answer)
    assert len(draft()) == 500


def make_member(user: User, inbox: TeamInbox) -> None:
    """Let somebody supervise an inbox."""
    Membership.objects.create(user=user, team=inbox.team, role=Membership.Role.SUPERVISOR)


def test_what_an_account_has_is_offered(browser: Client, house: House) -> None:
    made = {"account": house.account, "created_at": LONG_AGO, "changed_at": LONG_AGO}
    DataAction.objects.create(**made, name="Route", url="https://x.example/", secret="s")
    CrmConnector.objects.create(
        **made,
        name="hubspot",
        kind="hubspot",
        fields=[{"name": "tier", "path": "tier"}],
    )
    EscalationPolicy.objects.create(
        **made, name="Fast", document={"format": 1, "warn": {}, "steps": []}
    )

    text = text_of(browser.post(rule_url(), {"name": "A", "do": "step", "add-who": "data_action"}))

    assert "<option >Route</option>" in text
    assert "<option >Fast</option>" in text
    assert '<option value="hubspot.tier">' in text
    _, _, webhooks = text.partition('<select id="webhook"')
    assert "<option >Route</option>" in webhooks.partition("</select>")[0]
