"""Does each condition see what is there, and say what it saw?"""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from routing.conditions import FACTS, TESTS, Judge
from routing.facts import Answer, Customer, Facts, Text, Trigger
from routing.hours import ALL_DAY, Calendar, Opening, SpecialDay
from routing.patterns import PatternError, compiled
from routing.rules import Condition, Group, Match

# A Wednesday, 12:30 in London and 07:30 in New York.
NOW = datetime(2026, 11, 25, 12, 30, tzinfo=UTC)
NIGHTS = Calendar("Europe/London", ((Opening(22 * 60, 30 * 60),),) * 7)

GOLD = Customer(
    number="+34600111222",
    country="ES",
    region="MD",
    zone="Europe/Madrid",
    tags=frozenset({"VIP", "press"}),
    attributes={
        "tier": "Gold",
        "orders": 12,
        "since": "2024-05-01",
        "is_trade": True,
        "x": None,
        "zip": "01234",
        "note": "NaN",
        "size": "1e3",
        "plans": ("gold plus", "blue"),
        "none": (),
    },
    consent="opted_in",
    owner=7,
    last_owner=None,
    last_wrote_at=NOW - timedelta(days=9, hours=3),
    is_first_ever=False,
)
FACTS_NOW = Facts(
    seed="m1",
    trigger=Trigger.REOPENED,
    text=Text("Hola, ¿dónde está mi PEDIDO nº 4711? 😡", "es", 0.97, ("image", "audio")),
    customer=GOLD,
    channel="whatsapp",
    sender="+15550100001",
    calendar=NIGHTS,
    conversation_tags=frozenset({"returns"}),
    priority="high",
    answers={
        "hubspot": Answer({"tier": "Platinum", "value": 1200.5, "segments": ("a", "B")}),
        "sap": Answer(failure="did not answer in time"),
    },
)


def holds(fact: str, test: str, value: Any = None, name: str = "", **of: Any) -> bool | None:
    return Judge(of.get("facts", FACTS_NOW), NOW).check(Condition(fact, test, value, name)).holds


TRUE = [
    ("text", "contains_any", ("order", "pedido"), ""),
    ("text", "contains_any", ("DONDE ESTA",), ""),
    ("text", "contains_any", ("😡",), ""),
    ("text", "contains_all", ("hola", "4711"), ""),
    ("text", "starts_with", ("hola",), ""),
    ("text", "equals", "hola, ¿dónde  está mi pedido nº 4711? 😡", ""),
    ("text", "matches", r"n[ºo]\s*\d{4}\b", ""),
    ("language", "is_any", ("en", "es"), ""),
    ("has_media", "is_true", None, ""),
    ("media", "has_any", ("video", "audio"), ""),
    ("media", "has_all", ("image", "audio"), ""),
    ("channel", "is_any", ("whatsapp",), ""),
    ("sender", "is_any", ("+15550100001",), ""),
    ("number", "starts_with", ("+44", "+34"), ""),
    ("number", "is_any", ("+34600111222",), ""),
    ("country", "is_any", ("es",), ""),
    ("region", "is_any", ("MD", "CT"), ""),
    ("tag", "has_any", ("vip",), ""),
    ("tag", "is_present", None, ""),
    ("attribute", "equals", "gold", "tier"),
    ("attribute", "equals", "12.0", "orders"),
    ("attribute", "more", 11, "orders"),
    ("attribute", "less", "100", "orders"),
    ("attribute", "more", "2024-01-01", "since"),
    ("attribute", "contains", "OLD", "tier"),
    ("attribute", "equals", "yes", "is_trade"),
    ("attribute", "equals", "01234", "zip"),
    ("attribute", "equals", 1234, "zip"),
    ("attribute", "equals", "nan", "note"),
    ("attribute", "equals", "1E3", "size"),
    ("attribute", "more", "999", "size"),
    ("attribute", "contains", "Gold Plus", "plans"),
    ("attribute", "is_present", None, "tier"),
    ("owner", "is_person", (3, 7), ""),
    ("owner", "is_present", None, ""),
    ("consent", "is_any", ("opted_in",), ""),
    ("silent_days", "more", 8, ""),
    ("weekday", "is_any", ("wed", "sun"), ""),
    ("time", "between", ("12:30", "12:31"), ""),
    ("time", "between", ("20:00", "12:45"), ""),
    ("customer_time", "between", ("13:00", "14:00"), ""),
    ("reopened", "is_true", None, ""),
    ("conversation_tag", "has_any", ("returns",), ""),
    ("priority", "is_any", ("high", "urgent"), ""),
    ("crm", "equals", "platinum", "hubspot.tier"),
    ("crm", "more", 1200, "hubspot.value"),
    ("crm", "contains", "b", "hubspot.segments"),
]
FALSE = [
    ("text", "contains_any", ("ped",), ""),
    ("text", "contains_any", ("", "  "), ""),
    ("text", "contains_all", (), ""),
    ("text", "starts_with", ("",), ""),
    ("text", "matches", r"^\d+$", ""),
    ("language", "is_any", ("en",), ""),
    ("media", "has_all", ("image", "video"), ""),
    ("media", "has_all", (), ""),
    ("channel", "is_any", (), ""),
    ("attribute", "equals", "gold", "missing"),
    ("attribute", "equals", "", "x"),
    ("attribute", "equals", "1234", "zip"),
    ("attribute", "equals", "1_2", "orders"),
    ("attribute", "equals", "١٢", "orders"),
    ("attribute", "less", "inf", "orders"),
    ("attribute", "contains", "gold", "plans"),
    ("attribute", "is_present", None, "none"),
    ("attribute", "more", "abc", "orders"),
    ("attribute", "less", 5, "tier"),
    ("attribute", "is_present", None, "missing"),
    ("last_owner", "is_present", None, ""),
    ("last_owner", "is_person", (7,), ""),
    ("first_ever", "is_true", None, ""),
    ("is_open", "is_true", None, ""),
    ("holiday", "is_true", None, ""),
    ("weekday", "is_any", ("sat",), ""),
    ("time", "between", ("12:31", "13:00"), ""),
    ("time", "between", ("22:00", "06:00"), ""),
    ("crm", "equals", "gold", "hubspot.missing"),
]


@pytest.mark.parametrize(("fact", "test", "value", "name"), TRUE)
def test_it_holds(fact: str, test: str, value: Any, name: str) -> None:
    assert holds(fact, test, value, name) is True
    negated = Condition(fact, test, value, name, is_negated=True)
    assert Judge(FACTS_NOW, NOW).check(negated).holds is False


@pytest.mark.parametrize(("fact", "test", "value", "name"), FALSE)
def test_it_does_not_hold(fact: str, test: str, value: Any, name: str) -> None:
    assert holds(fact, test, value, name) is False
    negated = Condition(fact, test, value, name, is_negated=True)
    assert Judge(FACTS_NOW, NOW).check(negated).holds is True


def test_every_fact_and_every_test_is_tried_here() -> None:
    tried = [*TRUE, *FALSE]
    assert {fact for fact, *_ in tried} == set(FACTS)
    assert {test for _, test, *_ in tried} == set(TESTS)
    assert all(test in FACTS[fact].tests for fact, test, *_ in tried)


@pytest.mark.parametrize(
    ("condition", "facts", "why"),
    [
        (Condition("language", "is_any", ("es",)), Facts("m", text=Text("ok", "es", 0.4)), "clear"),
        (Condition("customer_time", "between", ("08:00", "20:00")), Facts("m"), "time zone"),
        (Condition("silent_days", "more", 3), Facts("m"), "never wrote"),
        (Condition("crm", "equals", "x", "sap.tier"), FACTS_NOW, "did not answer in time"),
        (Condition("crm", "equals", "x", "new.tier"), FACTS_NOW, "not asked"),
    ],
)
@pytest.mark.parametrize("is_negated", [False, True])
def test_what_cannot_be_known_neither_holds_nor_not(
    condition: Condition, facts: Facts, why: str, is_negated: bool
) -> None:
    asked = Condition(condition.fact, condition.test, condition.value, condition.name, is_negated)
    tested = Judge(facts, NOW).check(asked)
    assert tested.holds is None
    assert why in tested.actual


YES = Condition("channel", "is_any", ("whatsapp",))
NO = Condition("channel", "is_any", ("sms",))
WHO_KNOWS = Condition("crm", "is_present", None, "sap.tier")


@pytest.mark.parametrize(
    ("group", "verdict"),
    [
        (Group(Match.ALL, ()), True),
        (Group(Match.ANY, ()), False),
        (Group(Match.ALL, (YES, YES)), True),
        (Group(Match.ALL, (YES, NO)), False),
        (Group(Match.ALL, (WHO_KNOWS, NO)), False),
        (Group(Match.ALL, (WHO_KNOWS, YES)), None),
        (Group(Match.ANY, (WHO_KNOWS, YES)), True),
        (Group(Match.ANY, (WHO_KNOWS, NO)), None),
        (Group(Match.ALL, (YES, Group(Match.ANY, (NO, YES)))), True),
        (Group(Match.ANY, (NO, Group(Match.ALL, (YES, NO)))), False),
    ],
)
def test_groups(group: Group, verdict: bool | None) -> None:
    judge, seen = Judge(FACTS_NOW, NOW), bytearray()
    assert judge.judge(group, seen) is verdict
    tested = judge.judged(group, seen)
    assert [one.condition for one in tested] == list(group.conditions())
    assert list(tested) == [judge.check(one) for one in group.conditions()]


@pytest.mark.parametrize(
    ("calendar", "is_holiday"),
    [
        (Calendar("Europe/London", (ALL_DAY,) * 7), False),
        (Calendar("Europe/London", (ALL_DAY,) * 7, country="GB"), False),
        (
            Calendar(
                "Europe/London",
                (ALL_DAY,) * 7,
                special_days=(SpecialDay(NOW.date(), "Stocktaking"),),
            ),
            True,
        ),
        (
            Calendar(
                "Europe/London",
                (ALL_DAY,) * 7,
                special_days=(SpecialDay(NOW.date(), "Late", (Opening(0, 60),)),),
            ),
            False,
        ),
    ],
)
def test_a_holiday_is_a_day_on_which_nobody_works(calendar: Calendar, is_holiday: bool) -> None:
    facts = Facts("m", calendar=calendar)
    assert holds("holiday", "is_true", facts=facts) is is_holiday


def test_a_public_holiday_is_one() -> None:
    boxing_day = datetime(2025, 12, 26, 10, tzinfo=UTC)
    facts = Facts("m", calendar=Calendar("Europe/London", (ALL_DAY,) * 7, country="GB"))
    assert Judge(facts, boxing_day).check(Condition("holiday", "is_true")).holds is True


@pytest.mark.parametrize("pattern", ["", "(", "a" * 501, "(?=x)", r"(a)\1"])
def test_a_pattern_that_cannot_be_read_says_so(pattern: str) -> None:
    with pytest.raises(PatternError, match="pattern"):
        compiled(pattern)


def test_no_pattern_takes_long_for_a_hostile_text() -> None:
    # In a backtracking engine this would not end within the age of the universe.
    facts = Facts("m", text=Text("a" * 9_000 + "!"))
    assert holds("text", "matches", r"^(a+)+$", facts=facts) is False


@pytest.mark.parametrize(
    ("asked", "detected", "is_so"),
    [
        ("es", "es-MX", True),
        ("es-MX", "es", True),
        ("zh-TW", "zh-Hant", True),
        ("zh-Hant", "zh", False),
        ("pt", "es", False),
    ],
)
def test_a_language_is_the_same_by_whatever_code(asked: str, detected: str, is_so: bool) -> None:
    facts = Facts("m", text=Text("some words", detected, 0.9))

    judged = Judge(facts, NOW).check(Condition("language", "is_any", (asked,)))

    assert judged.holds is is_so


def test_each_condition_is_compared_with_the_language_as_it_calls_it() -> None:
    judge = Judge(Facts("m", text=Text("some words", "es-MX", 0.9)), NOW)
    asked = [Condition("language", "is_any", (code,)) for code in ("es", "es-MX", "pt", "es-AR")]

    assert [judge.check(one).holds for one in asked] == [True, True, False, True]
    assert {judge.check(one).actual for one in asked} == {"es-MX"}
