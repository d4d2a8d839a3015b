"""Does trying tell what would become of a message, by the functions that answer live?"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing import escalation
from routing.deciding import decide
from routing.escalation import LAST, Policy
from routing.facts import Answer, Directory, Person, Trigger
from routing.hours import Calendar, Opening
from routing.replies import AfterHoursReply, FirstMessageReply, Replies, Reply, Silence
from routing.rules import Actions, Condition, Group, Rule, Rules, Step, Target
from routing.texts import Text
from routing.trying import (
    NO_ANSWER_TO_A_TRANSFER,
    NOT_SAID,
    Circumstances,
    Typed,
    TypedError,
    document_of,
    everybody_there,
    facts_of,
    history_of,
    read_typed,
    try_out,
    try_typed,
)
from routing.wording import Variant

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
NIGHT = NOON.replace(hour=22)
SUPPORT, ANNA, BO = 1, 11, 12
DIRECTORY = Directory(
    {ANNA: Person(ANNA, "Anna"), BO: Person(BO, "Bo")}, SUPPORT, {SUPPORT: (ANNA, BO)}
)
OFFICE = Calendar("UTC", ((Opening(9 * 60, 17 * 60),),) * 7)
REPLIES = Replies(
    after_hours=AfterHoursReply((Variant(Text.parse("We are closed"), "en"),)),
    first_message=FirstMessageReply((Variant(Text.parse("Welcome"), "en"),)),
)
PLACE = Circumstances(DIRECTORY, OFFICE, REPLIES)
REFUND = Group(parts=(Condition("text", "contains_any", ("refund",)),))
TO_ANNA = Rule("a", "Refunds", REFUND, Actions((Step(Target.PEOPLE, people=(ANNA,)),)))
GOLD = Rule(
    "g",
    "Gold",
    Group(parts=(Condition("crm", "equals", "gold", "hubspot.tier"),)),
    Actions((Step(Target.PEOPLE, people=(BO,), is_owner=True),)),
)
RULES = Rules(4, rules=(GOLD, TO_ANNA))
SAYS_GOLD = {"hubspot": Answer({"tier": "gold"})}


def tried(text: str = "A refund please", at: datetime = NOON, **fields: Any) -> Any:
    return try_typed(Typed(at, text, **fields), RULES, PLACE, seed="s")


def test_it_says_who_gets_it_and_what_is_answered() -> None:
    outcome = tried()

    assert outcome.plan.assignment.people == (ANNA,)
    assert isinstance(outcome.said, Reply)
    assert outcome.said.text == "Welcome"


def test_the_moment_is_the_one_that_is_chosen() -> None:
    said = tried(at=NIGHT).said

    assert isinstance(said, Reply)
    assert said.text == "We are closed"


def test_a_look_up_that_nobody_answered_counts_as_failed_and_is_named() -> None:
    outcome = tried()

    assert outcome.unasked == {"hubspot"}
    assert [one.outcome for one in outcome.plan.trace] == ["unknown", "matched"]
    assert outcome.plan.trace[0].tested[0].actual == NOT_SAID


def test_a_look_up_answers_what_was_typed() -> None:
    outcome = tried(answers=SAYS_GOLD)

    assert (outcome.plan.rule, outcome.unasked) == ("g", frozenset())


def test_a_transfer_is_not_answered() -> None:
    assert tried(trigger=Trigger.TRANSFERRED).said == Silence(NO_ANSWER_TO_A_TRANSFER)


def test_the_language_is_detected_and_the_number_says_where_from() -> None:
    spanish = Group(parts=(Condition("language", "is_any", ("es",)),))
    told_apart = Rules(rules=(Rule("s", "Spanish", spanish),))
    words = "Hola, ¿me pueden devolver el dinero?"
    typed = Typed(NOON, words, number="+34600000000", tags=("vip",))

    facts = facts_of(typed, told_apart, PLACE, seed="s")

    assert facts.text.language == "es"
    assert (facts.customer.country, set(facts.customer.tags)) == ("ES", {"vip"})


def test_no_language_is_detected_where_none_makes_a_difference() -> None:
    spanish = Group(parts=(Condition("language", "is_any", ("es",)),))
    hola = Typed(NOON, "Hola, ¿me pueden devolver el dinero?")
    told_apart = Rules(rules=(Rule("s", "Spanish", spanish),))

    assert facts_of(hola, RULES, PLACE, seed="s").text.language == ""
    assert facts_of(hola, told_apart, PLACE, seed="s").text.language == "es"


def test_timers_are_those_of_the_policy_that_the_rule_names() -> None:
    minutes = escalation.Step(5, when=escalation.When.UNCLAIMED)
    fast = Rule("a", "Fast", actions=Actions(escalation="fast"))
    place = replace(PLACE, policies={"": Policy(), "fast": Policy((minutes,))})

    named = try_typed(Typed(NOON), Rules(rules=(fast,)), place, seed="s").timers
    plain = try_typed(Typed(NOON), Rules(), place, seed="s").timers

    assert [(one.number, one.due_at) for one in named][0] == (1, NOON + timedelta(minutes=5))
    assert [one.number for one in plain] == [LAST]


def test_what_a_rule_closes_waits_for_nobody() -> None:
    closing = Rule("a", "Spam", actions=Actions(is_closing=True))

    assert try_typed(Typed(NOON), Rules(rules=(closing,)), PLACE, seed="s").timers == ()


def test_who_owns_it_at_once_is_not_waited_for_to_claim() -> None:
    step = escalation.Step(5, when=escalation.When.UNCLAIMED)
    place = replace(PLACE, policies={"": Policy((step,))})

    outcome = try_typed(Typed(NOON, answers=SAYS_GOLD), RULES, place, seed="s")

    assert outcome.timers[0].due_at is None


def test_in_examples_everybody_is_there_but_who_is_away() -> None:
    busy = {ANNA: Person(ANNA, "Anna", is_available=False, open_count=9), BO: Person(BO, "Bo")}

    quiet = everybody_there(replace(DIRECTORY, people=busy, turns={"a:0": ANNA}), away=(BO,))

    assert [one.is_available for one in quiet.people.values()] == [True, False]
    assert (quiet.people[ANNA].open_count, quiet.turns) == (0, {})


@given(
    text=st.text("refund hola", max_size=30),
    tags=st.lists(st.sampled_from(("vip", "gold")), unique=True),
    hour=st.integers(0, 23),
    answers=st.sampled_from(({}, SAYS_GOLD, {"hubspot": Answer(failure="away")})),
)
def test_trying_decides_as_live_does(text: str, tags: list[str], hour: int, answers: Any) -> None:
    at = NOON.replace(hour=hour)
    typed = Typed(at, text, tags=tuple(tags), answers=answers)

    outcome = try_typed(typed, RULES, PLACE, seed="s")

    assert outcome.plan == decide(outcome.facts, RULES, DIRECTORY, now=at)


def test_facts_that_are_known_already_are_tried_as_they_are() -> None:
    typed = Typed(NOON, "A refund please", answers=SAYS_GOLD)
    facts = facts_of(typed, RULES, PLACE, seed="s")

    again = try_out(facts, RULES, PLACE, history_of(typed), at=NOON)

    assert again.facts is facts
    assert again.plan == try_typed(typed, RULES, PLACE, seed="s").plan


# --- As a document ---

_words = st.text("abcäß€ .", max_size=20)
_value = st.one_of(_words, st.integers(-9, 9), st.booleans(), st.tuples(_words))


@given(
    st.builds(
        Typed,
        at=st.datetimes(timezones=st.just(UTC)),
        text=_words,
        number=st.sampled_from(("", "+14155550123")),
        trigger=st.sampled_from(Trigger),
        media_kinds=st.lists(st.sampled_from(("image", "audio"))).map(tuple),
        tags=st.lists(_words).map(tuple),
        attributes=st.dictionaries(_words, _value, max_size=3),
        is_first_ever=st.booleans(),
        answers=st.dictionaries(
            _words,
            st.one_of(
                st.builds(Answer, st.dictionaries(_words, _value, max_size=2)),
                st.just(Answer(failure="It was away.")),
            ),
            max_size=2,
        ),
        away=st.lists(st.integers(1, 99), max_size=3).map(tuple),
    )
)
def test_what_is_written_down_reads_the_same(typed: Typed) -> None:
    assert read_typed(document_of(typed)) == typed


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ([], ""),
        ({}, "at"),
        ({"at": "2026-11-25T12:00"}, "at"),
        ({"at": "noon"}, "at"),
        ({"text": 5}, "text"),
        ({"text": "x" * 1601}, "text"),
        ({"channel": "fax"}, "channel"),
        ({"when": "later"}, "when"),
        ({"media": "image"}, "media"),
        ({"tags": ["x"] * 51}, "tags"),
        ({"attributes": {"a": {}}}, "attributes"),
        ({"answers": {"hubspot": "gold"}}, "answers"),
        ({"answers": []}, "answers"),
        ({"away": [True]}, "away"),
        ({"away": ["1"]}, "away"),
    ],
)
def test_what_is_no_message_is_refused(document: Any, field: str) -> None:
    if isinstance(document, dict) and document and field != "at":
        document = {"at": NOON.isoformat(), **document}

    with pytest.raises(TypedError) as refused:
        read_typed(document)

    assert refused.value.field == field
