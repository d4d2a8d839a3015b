"""Does the first rule that matches win, does nothing ever hide a message, and is it all shown?"""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.deciding import Plan, decide
from routing.facts import Answer, Customer, Directory, Facts, Person, Text, Trigger
from routing.rules import Actions, Condition, Group, Match, Rule, Rules, Step, Target
from routing.targets import Assignment

NOW = datetime(2026, 11, 25, 12, 30, tzinfo=UTC)
SUPPORT = 1
ANNA, BO, CLEO = 11, 12, 13
PEOPLE = {one: Person(one, name) for one, name in ((ANNA, "Anna"), (BO, "Bo"), (CLEO, "Cleo"))}
DIRECTORY = Directory(PEOPLE, SUPPORT, {SUPPORT: (ANNA, BO, CLEO)})
REFUND = Facts(seed="m1", text=Text("I want a refund"))
WHOLE_TEAM = Assignment(is_team_wide=True)


def when(fact: str, test: str, value: Any = None, name: str = "", *, not_: bool = False) -> Group:
    return Group(Match.ALL, (Condition(fact, test, value, name, not_),))


SAYS_REFUND = when("text", "contains_any", ("refund",))
IS_GOLD = when("crm", "equals", "gold", "hubspot.tier")
TO_ANNA = Actions(ladder=(Step(Target.PEOPLE, people=(ANNA,)),), tags=("money",))
TO_BO = Actions(ladder=(Step(Target.PEOPLE, people=(BO,)),))
ASK_OTHER = Actions(ladder=(Step(Target.DATA_ACTION, lookup="other"),))
ASK_VIP = Actions(ladder=(Step(Target.DATA_ACTION, lookup="vip"),))


def plan_of(*rules: Rule, facts: Facts = REFUND, directory: Directory = DIRECTORY) -> Plan:
    return decide(facts, Rules(3, rules=rules), directory, now=NOW)


def outcomes(plan: Plan) -> list[str]:
    return [asked.outcome for asked in plan.trace]


def test_without_rules_the_whole_team_has_it() -> None:
    plan = plan_of()
    assert (plan.rule, plan.assignment, plan.version) == ("default", WHOLE_TEAM, 3)


def test_the_first_rule_that_matches_wins() -> None:
    plan = plan_of(
        Rule("a", "Spanish", when("language", "is_any", ("es",)), TO_BO),
        Rule("b", "Refunds", SAYS_REFUND, TO_ANNA),
        Rule("c", "All", actions=TO_BO),
    )
    assert (plan.rule, plan.assignment.people, plan.tags) == ("b", (ANNA,), ("money",))
    assert outcomes(plan) == ["unknown", "matched"]


def test_the_accounts_rules_come_first_and_one_that_is_off_is_not_asked() -> None:
    first = Rule("z", "Off", actions=TO_BO, is_on=False), Rule("y", "Press", actions=TO_BO)
    rulebook = Rules(1, always_first=first, rules=(Rule("a", "All", actions=TO_ANNA),))
    assert decide(REFUND, rulebook, DIRECTORY, now=NOW).rule == "y"


def test_a_rule_that_continues_only_marks() -> None:
    mark = Actions(tags=("refund", "money"), priority="high", ladder=TO_BO.ladder, note="never")
    plan = plan_of(
        Rule("a", "Mark", SAYS_REFUND, mark, continues=True),
        Rule("b", "Refunds", SAYS_REFUND, TO_ANNA),
    )
    assert (plan.rule, plan.assignment.people) == ("b", (ANNA,))
    assert (plan.tags, plan.priority, plan.notes) == (("refund", "money"), "high", ())


def test_marks_stay_when_nothing_else_matches() -> None:
    plan = plan_of(Rule("a", "Mark", SAYS_REFUND, Actions(tags=("refund",)), continues=True))
    assert (plan.rule, plan.tags, plan.assignment) == ("default", ("refund",), WHOLE_TEAM)


def test_a_rule_is_asked_only_for_its_triggers() -> None:
    rule = Rule("a", "New only", actions=TO_ANNA, triggers=frozenset({Trigger.NEW}))
    back = replace(REFUND, trigger=Trigger.REOPENED)
    assert plan_of(rule).rule == "a"
    assert outcomes(plan_of(rule, facts=back)) == ["not triggered"]


def test_after_a_transfer_rules_only_say_who_gets_it() -> None:
    """Behaviour 1: somebody had read it, tagged it and answered before."""
    much = Actions(
        ladder=TO_BO.ladder,
        tags=("spam",),
        priority="high",
        reply={"en": "Soon"},
        note="Look",
        is_closing=True,
        snooze_minutes=5,
        escalation="fast",
        notify=(CLEO,),
    )
    mark = Rule("a", "Mark", actions=Actions(tags=("x",), priority="low"), continues=True)
    plan = plan_of(
        mark, Rule("b", "All", actions=much), facts=replace(REFUND, trigger=Trigger.TRANSFERRED)
    )

    assert (plan.rule, plan.assignment.people) == ("b", (BO,))
    bare = Plan(3, "b", plan.assignment, trace=plan.trace)
    assert plan == bare


def test_at_the_end_of_a_ladder_stands_the_whole_team() -> None:
    away = replace(DIRECTORY, people={**PEOPLE, ANNA: Person(ANNA, "Anna", is_available=False)})
    plan = plan_of(
        Rule("a", "Refunds", SAYS_REFUND, TO_ANNA), Rule("b", "All", actions=TO_BO), directory=away
    )
    # The first match wins, also when nobody it names can: its other actions stand.
    assert (plan.rule, plan.assignment, plan.has_nobody) == ("a", WHOLE_TEAM, True)
    assert plan.tags == ("money",)
    assert [one.skipped for one in plan.trace[0].candidates] == ["away"]


def test_a_rule_may_only_answer() -> None:
    plan = plan_of(Rule("a", "Say", SAYS_REFUND, Actions(reply={"en": "Soon"}, bot_name="Ava")))
    assert (plan.rule, plan.assignment, plan.reply) == ("a", WHOLE_TEAM, {"en": "Soon"})
    assert not plan.has_nobody


# --- Look-ups ------------------------------------------------------------------------------------


def test_a_look_up_is_wanted_only_if_it_matters() -> None:
    is_gold_whatsapp = Group(
        Match.ALL, (Condition("channel", "is_any", ("whatsapp",)), *IS_GOLD.parts)
    )
    rules = Rule("a", "Gold", is_gold_whatsapp, TO_BO), Rule("b", "All", actions=TO_ANNA)
    assert plan_of(*rules).needs == frozenset()
    on_whatsapp = replace(REFUND, channel="whatsapp")
    assert plan_of(*rules, facts=on_whatsapp).needs == {"hubspot"}


def test_all_look_ups_that_may_be_wanted_are_asked_for_at_once() -> None:
    plan = plan_of(
        Rule("a", "Gold", IS_GOLD, TO_BO),
        Rule("b", "VIP", SAYS_REFUND, ASK_VIP),
        Rule(
            "c", "Off", actions=Actions(ladder=(Step(Target.DATA_ACTION, lookup="x"),)), is_on=False
        ),
    )
    assert plan.needs == {"hubspot", "vip"}
    assert (plan.rule, plan.assignment) == ("default", WHOLE_TEAM)
    assert outcomes(plan) == ["waiting"]


IS_LOYAL = when("crm", "equals", "yes", "loyal.is")
BACK = frozenset({Trigger.REOPENED})


@pytest.mark.parametrize(
    ("later", "needs"),
    [
        (Rule("b", "Other text", when("text", "contains_any", ("order",)), ASK_VIP), set()),
        (Rule("b", "Comes back", actions=ASK_VIP, triggers=BACK), set()),
        (Rule("b", "Unclear", when("language", "is_any", ("es",)), ASK_VIP), set()),
        (Rule("b", "Broken", when("nonsense", "equals", "x"), ASK_VIP), set()),
        (Rule("b", "Marks", IS_LOYAL, continues=True), {"loyal"}),
        (Rule("b", "Known", Group(Match.ANY, (*SAYS_REFUND.parts, *IS_LOYAL.parts)), TO_BO), set()),
        (Rule("b", "Both", IS_LOYAL, ASK_VIP), {"loyal", "vip"}),
        (Rule("b", "All", actions=ASK_VIP), {"vip", "other"}),
        (Rule("b", "All", actions=TO_BO), set()),
    ],
)
def test_nobody_outside_is_asked_for_what_cannot_matter(later: Rule, needs: set[str]) -> None:
    """What customers wrote is told to nobody whom no rule would ask about it."""
    last = Rule("c", "Last", SAYS_REFUND, ASK_OTHER if later.name == "All" else TO_ANNA)
    assert plan_of(Rule("a", "Gold", IS_GOLD, TO_BO), later, last).needs == {"hubspot", *needs}


@pytest.mark.parametrize(
    ("answer", "is_waiting"),
    [
        (Answer({"tags": ("vip",)}), False),
        (Answer({}), False),
        (Answer({"users": (str(ANNA),)}), True),
    ],
)
def test_code_that_names_nobody_leaves_nobody_to_wait_for(
    answer: Answer, *, is_waiting: bool
) -> None:
    away = replace(DIRECTORY, people={ANNA: Person(ANNA, "Anna", is_available=False)})
    facts = replace(REFUND, answers={"vip": answer})

    plan = plan_of(Rule("a", "VIP", actions=ASK_VIP), facts=facts, directory=away)

    assert (plan.rule, plan.assignment, plan.has_nobody) == ("a", WHOLE_TEAM, is_waiting)
    both = Actions(ladder=(*ASK_VIP.ladder, *TO_ANNA.ladder))
    assert plan_of(Rule("a", "Both", actions=both), facts=facts, directory=away).has_nobody


def test_an_answer_decides() -> None:
    rules = Rule("a", "Gold", IS_GOLD, TO_BO), Rule("b", "All", actions=TO_ANNA)
    gold = replace(REFUND, answers={"hubspot": Answer({"tier": "Gold"})})
    tin = replace(REFUND, answers={"hubspot": Answer({"tier": "Tin"})})
    assert plan_of(*rules, facts=gold).rule == "a"
    assert plan_of(*rules, facts=tin).rule == "b"


@pytest.mark.parametrize("is_negated", [False, True])
def test_a_look_up_that_failed_lets_the_next_rule_be_asked(is_negated: bool) -> None:
    condition = when("crm", "equals", "gold", "hubspot.tier", not_=is_negated)
    failed = replace(REFUND, answers={"hubspot": Answer(failure="no answer within 3 s")})
    plan = plan_of(
        Rule("a", "Gold", condition, TO_BO), Rule("b", "All", actions=TO_ANNA), facts=failed
    )
    assert (plan.rule, plan.needs) == ("b", frozenset())
    assert plan.trace[0].tested[0].actual == "no answer within 3 s"


def test_a_data_action_that_failed_lets_the_next_rule_be_asked() -> None:
    failed = replace(REFUND, answers={"vip": Answer(failure="no answer within 3 s")})
    one = Rule("a", "VIP", SAYS_REFUND, ASK_VIP)
    assert plan_of(one, facts=failed).assignment == WHOLE_TEAM
    assert outcomes(plan_of(one, facts=failed)) == ["unknown"]
    assert plan_of(one, Rule("b", "All", actions=TO_BO), facts=failed).rule == "b"
    # What stands further down its ladder is tried before that.
    both = Actions(ladder=(*ASK_VIP.ladder, *TO_ANNA.ladder))
    assert plan_of(Rule("a", "VIP", actions=both), facts=failed).assignment.people == (ANNA,)


def test_a_verdict_may_do_all_that_a_rule_may() -> None:
    verdict = Answer(
        {
            "users": ("12",),
            "claim": True,
            "tags": ("gold",),
            "priority": "urgent",
            "reply": "Bo is with you",
            "bot_name": "Ava",
            "note": "Owes us nothing",
            "escalation": "fast",
            "attributes.tier": "gold",
            "attributes.old.name": None,
        }
    )
    plan = plan_of(
        Rule("a", "VIP", SAYS_REFUND, ASK_VIP), facts=replace(REFUND, answers={"vip": verdict})
    )
    assert (plan.assignment.people, plan.assignment.is_owner) == ((BO,), True)
    assert (plan.tags, plan.priority) == (("gold",), "urgent")
    assert (plan.reply, plan.bot_name) == ({"": "Bo is with you"}, "Ava")
    assert (plan.notes, plan.escalation, plan.is_silent) == (("Owes us nothing",), "fast", False)
    assert plan.attributes == {"tier": "gold", "old.name": None}


def test_what_a_crm_says_becomes_no_attribute() -> None:
    answers = {"hubspot": Answer({"tier": "gold", "attributes.tier": "gold"})}
    rule = Rule("a", "Gold", when("crm", "equals", "gold", "hubspot.tier"), TO_BO)

    assert plan_of(rule, facts=replace(REFUND, answers=answers)).attributes == {}


def test_a_verdict_may_forbid_every_answer() -> None:
    facts = replace(REFUND, answers={"vip": Answer({"is_silent": True, "close": True})})
    plan = plan_of(Rule("a", "VIP", SAYS_REFUND, ASK_VIP), facts=facts)
    assert plan.is_silent
    assert plan.is_closing


# --- What breaks ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "condition",
    [
        when("nonsense", "equals", "x"),
        when("text", "nonsense", "x"),
        when("text", "matches", "("),
        when("time", "between", ("08:00",)),
    ],
)
def test_a_rule_that_breaks_is_passed_over_and_shown(condition: Group) -> None:
    plan = plan_of(Rule("a", "Broken", condition, TO_BO), Rule("b", "All", actions=TO_ANNA))
    assert plan.rule == "b"
    assert outcomes(plan) == ["broken", "matched"]
    assert plan.trace[0].error


# --- What always holds ---------------------------------------------------------------------------

ids = st.integers(1, 6)
people = st.dictionaries(
    ids,
    st.builds(
        Person,
        id=ids,
        name=st.just("x"),
        is_active=st.booleans(),
        is_licensed=st.booleans(),
        is_available=st.booleans(),
        open_count=st.integers(0, 3),
        cap=st.none() | st.integers(0, 3),
    ),
).map(lambda found: {one: replace(person, id=one) for one, person in found.items()})
directories = st.builds(
    Directory,
    people=people,
    team=st.just(1),
    members=st.dictionaries(st.integers(1, 2), st.lists(ids, unique=True).map(tuple)),
    turns=st.dictionaries(st.sampled_from(["a:0", "b:1"]), ids),
)
steps = st.builds(
    Step,
    to=st.sampled_from(Target),
    people=st.lists(ids, max_size=3).map(tuple),
    team=st.none() | st.integers(1, 2),
    lookup=st.sampled_from(["crm.rep", "vip"]),
    needs_available=st.booleans(),
    needs_open_hours=st.booleans(),
    cap=st.none() | st.integers(0, 3),
    is_owner=st.booleans(),
)
conditions = st.sampled_from([Group(), SAYS_REFUND, IS_GOLD, when("nonsense", "x")])
rules = st.builds(
    Rule,
    id=st.sampled_from("abc"),
    name=st.just("x"),
    condition=conditions,
    actions=st.builds(Actions, ladder=st.lists(steps, max_size=3).map(tuple)),
    continues=st.booleans(),
    is_on=st.booleans(),
)
rulebooks = st.builds(Rules, rules=st.lists(rules, max_size=5).map(tuple))
answers = st.dictionaries(
    st.sampled_from(["hubspot", "crm", "vip"]),
    st.sampled_from(
        [
            Answer(failure="away"),
            Answer({"tier": "gold", "rep": "3", "users": ("2", "9"), "teams": ("2",)}),
        ]
    ),
)
facts = st.builds(
    Facts,
    seed=st.text(max_size=5),
    text=st.just(Text("refund")),
    customer=st.builds(Customer, owner=st.none() | ids, last_owner=st.none() | ids),
    answers=answers,
)


@given(facts, rulebooks, directories)
def test_nobody_gets_it_who_may_not_and_somebody_always_does(
    facts: Facts, rulebook: Rules, directory: Directory
) -> None:
    plan = decide(facts, rulebook, directory, now=NOW)

    for chosen in plan.assignment.people:
        assert directory.people[chosen].is_active
        assert directory.people[chosen].is_licensed
    assert plan.assignment.people or plan.assignment.is_team_wide
    assert not plan.assignment.is_owner or len(plan.assignment.people) == 1
    assert not plan.needs & facts.answers.keys()


@given(facts, rulebooks, directories)
def test_the_same_question_has_the_same_answer(
    facts: Facts, rulebook: Rules, directory: Directory
) -> None:
    assert decide(facts, rulebook, directory, now=NOW) == decide(
        facts, rulebook, directory, now=NOW
    )


@given(facts, rulebooks, directories)
def test_once_everything_is_answered_nothing_more_is_wanted(
    facts: Facts, rulebook: Rules, directory: Directory
) -> None:
    plan = decide(facts, rulebook, directory, now=NOW)
    failed = {name: Answer(failure="away") for name in plan.needs}
    answered = replace(facts, answers={**facts.answers, **failed})
    assert decide(answered, rulebook, directory, now=NOW).needs == frozenset()
