"""Does every rule read as a sentence, whatever facts, tests and actions there are?"""

import pytest

from routing.conditions import FACTS, TESTS, Takes
from routing.differences import Kind
from routing.facts import Trigger
from routing.rules import Actions, Condition, Group, Match, Rule, Rules, Step, Target
from routing.sentences import Names, condition_words, sentence, told, words_of_test

NAMES = Names({1: "Anna", 2: "Bo", 3: "Cleo"}, {7: "Sales"})
WORDS = Condition("text", "contains_any", ("refund", "return"))


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        (WORDS, "the text contains any of “refund”, “return”"),
        (
            Condition("text", "contains_any", ("a",), is_negated=True),
            "the text contains none of “a”",
        ),
        (Condition("tag", "has_any", ("vip",)), "the customer's tags have any of “vip”"),
        (Condition("tag", "is_present", is_negated=True), "the customer's tags are missing"),
        (Condition("attribute", "more", 3, "age"), "the customer's age is more than 3"),
        (Condition("crm", "equals", "gold", "hs.tier"), "the CRM's hs.tier is “gold”"),
        (Condition("is_open", "is_true", is_negated=True), "in business hours: no"),
        (Condition("weekday", "is_any", ("mon", "sun")), "the day is one of Monday, Sunday"),
        (
            Condition("time", "between", ("22:00", "06:00")),
            "our time is between 22:00 and 06:00",
        ),
        (
            Condition("owner", "is_person", (1, 2, 9)),
            "who looks after the customer is one of Anna, Bo and somebody who is not in this "
            "account",
        ),
    ],
)
def test_a_condition_reads_as_people_say_it(condition: Condition, words: str) -> None:
    assert condition_words(condition, NAMES) == words


def test_every_fact_and_test_reads_and_so_does_its_opposite() -> None:
    given = {Takes.PEOPLE: (1,), Takes.NOTHING: None, Takes.TIMES: ("09:00", "10:00")}
    for fact, row in FACTS.items():
        for test in row.tests:
            value = given.get(TESTS[test].takes, ("x",))
            said, opposite = (
                condition_words(Condition(fact, test, value, "n", is_negated), NAMES)
                for is_negated in (False, True)
            )
            assert said != opposite
            assert words_of_test(fact, test) in said
            assert "not: " not in opposite, f"{test} needs words for its opposite"


@pytest.mark.parametrize(
    ("actions", "words"),
    [
        (Actions(), "nothing is done"),
        (
            Actions(ladder=(Step(Target.PEOPLE, (1,)), Step(Target.PEOPLE, (2,)))),
            "give it to Anna, else to Bo, and if none of them can, to the whole team",
        ),
        (Actions(ladder=(Step(Target.TEAM),)), "give it to the whole team"),
        (
            Actions(ladder=(Step(Target.TEAM, team=7, needs_open_hours=True),)),
            "give it to everybody in Sales (in business hours), and if none",
        ),
        (Actions(ladder=(Step(Target.RANDOM, (1, 2)),)), "one at random of Anna and Bo"),
        (Actions(ladder=(Step(Target.ROUND_ROBIN, team=8),)), "one in turn of a team that is not"),
        (
            Actions(ladder=(Step(Target.LEAST_BUSY, cap=3, needs_available=False, is_owner=True),)),
            "the least busy of the team (also when away, with fewer than 3 open, who then owns it)",
        ),
        (Actions(ladder=(Step(Target.CONTACT_OWNER),)), "who looks after the customer"),
        (Actions(ladder=(Step(Target.LAST_OWNER),)), "who answered the customer last"),
        (Actions(ladder=(Step(Target.DATA_ACTION, lookup="x"),)), "the Data Action “x” names"),
        (Actions(ladder=(Step(Target.CRM_FIELD, lookup="hs.who"),)), "whom hs.who names"),
        (Actions(tags=("a", "b"), priority="high"), "tag it “a”, “b”; set its priority to high"),
        (Actions(reply={"en": "Hi"}, bot_name="Vera"), "answer “Hi” (en) as Vera"),
        (Actions(reply={"en": "x" * 70}), f"answer “{'x' * 59}…” (en)"),
        (Actions(snooze_minutes=90, is_closing=True), "snooze it for 90 minutes; close it"),
        (Actions(snooze_minutes=120, note="N"), "snooze it for 2 hours; add the note “N”"),
        (Actions(snooze_minutes=1440, notify=(1, 3)), "for 1 day; tell Anna and Cleo"),
        (Actions(escalation="Fast", webhook="erp"), "let “Fast” bring help"),
    ],
)
def test_what_a_rule_does_reads_in_order(actions: Actions, words: str) -> None:
    assert words in "; ".join(sentence(Rule("a", "A", actions=actions), NAMES).then)


def test_a_rule_is_one_sentence() -> None:
    inner = Group(Match.ANY, (Condition("first_ever", "is_true"), WORDS))
    rule = Rule(
        "a",
        "A",
        Group(Match.ALL, (Condition("channel", "is_any", ("sms",)), inner)),
        Actions(tags=("x",)),
        frozenset({Trigger.NEW, Trigger.TRANSFERRED}),
    )

    assert str(sentence(rule, NAMES)) == (
        "When a conversation begins or is transferred here, if the channel is one of “sms” and "
        "(a first message: yes or the text contains any of “refund”, “return”), then tag it “x”."
    )


def test_what_changed_is_told_before_and_after() -> None:
    one, two, three, four = (Rule(name, name.upper()) for name in "abcd")
    changed = Rule("c", "C", actions=Actions(tags=("x",)), is_on=False)

    found = told(Rules(rules=(one, two, three)), Rules(rules=(two, one, changed, four)), NAMES)

    assert [(one.kind, one.words) for one in found if one.kind is not Kind.MOVED] == [
        (Kind.CHANGED, "“C” is changed: what it does and whether it is on."),
        (Kind.ADDED, "“D” is new."),
    ]
    assert [one.words.partition(" ")[2] for one in found if one.kind is Kind.MOVED] == [
        "stands at another place."
    ]
    [gone] = told(Rules(rules=(one,)), Rules(), NAMES)
    assert (gone.words, bool(gone.before), gone.after) == ("“A” is taken away.", True, "")
