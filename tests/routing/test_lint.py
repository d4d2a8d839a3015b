"""Does the linter tell what an admin would be sorry for, and nothing else?"""

from collections.abc import Collection
from dataclasses import replace
from typing import Any

import pytest

from compliance.inviting import misleading
from routing.escalation import Do, Policy, Rung
from routing.escalation import Step as EscalationStep
from routing.facts import Directory, Person, Trigger
from routing.lint import Known, Level, is_publishable, lint
from routing.rules import Actions, Condition, Group, Match, Rule, Rules, Step, Target
from routing.texts import Kind, known_variables

SUPPORT, SALES, EMPTY = 1, 2, 3
ANNA, BO, CLEO = 11, 12, 13
DIRECTORY = Directory(
    {
        ANNA: Person(ANNA, "Anna"),
        BO: Person(BO, "Bo", is_licensed=False),
        CLEO: Person(CLEO, "Cleo", is_active=False),
    },
    SUPPORT,
    {SUPPORT: (ANNA, BO), SALES: (BO, CLEO), EMPTY: ()},
)
KNOWN = Known(
    lookups=frozenset({"hubspot"}),
    escalations=frozenset({"fast", "round"}),
    webhooks=frozenset({"erp"}),
    is_wish=lambda words: words in ("stop", "cancel", "baja"),
    misleading=lambda text: tuple(map(str, misleading(text))),
    policies={
        "fast": Policy((EscalationStep(5, to=(Rung((BO,)),)),)),
        "round": Policy(
            (
                EscalationStep(5, do=Do.MOVE, to=(Rung((BO,)),)),
                EscalationStep(9, do=Do.MOVE, to=(Rung((ANNA,)),)),
            )
        ),
    },
    fields={"hubspot": frozenset({"tier"})},
    variables=known_variables({}, {"hubspot": {"tier": Kind.TEXT}}),
)
REFUND = Condition("text", "contains_any", ("refund",))
GOLD = Condition("attribute", "equals", "gold", "tier")
NO_REFUND = Condition("text", "contains_any", ("refund",), is_negated=True)
SMS = Condition("channel", "is_any", ("sms",))
WHATSAPP = Condition("channel", "is_any", ("whatsapp",))
NEW = frozenset({Trigger.NEW})
ALONE = Step(Target.PEOPLE, people=(ANNA,))


def all_of(*parts: Condition | Group) -> Group:
    return Group(Match.ALL, parts)


def any_of(*parts: Condition | Group) -> Group:
    return Group(Match.ANY, parts)


def rule(id_: str, condition: Group | None = None, **more: Any) -> Rule:
    return Rule(id_, id_.upper(), condition or Group(), **more)


def found(*rules: Rule) -> list[tuple[str, str, str]]:
    findings = lint(Rules(rules=rules), DIRECTORY, KNOWN)
    return [(str(one.level), one.rule, one.words) for one in findings]


def to(*steps: Step) -> Actions:
    return Actions(ladder=steps)


@pytest.mark.parametrize(
    "rules",
    [
        (),
        (rule("a", all_of(REFUND)), rule("b", all_of(GOLD)), rule("c")),
        (rule("a", continues=True), rule("b")),
        (rule("a", triggers=frozenset({Trigger.NEW})), rule("b")),
        (rule("a", is_on=False), rule("b")),
        (rule("a", actions=to(Step(Target.DATA_ACTION, lookup="hubspot"))), rule("b")),
        (rule("a", all_of(REFUND, GOLD)), rule("b", all_of(REFUND))),
        (rule("a", any_of(REFUND, GOLD)), rule("b", any_of(REFUND, SMS))),
        (rule("a", actions=to(Step(Target.PEOPLE, people=(ANNA,)), Step(Target.TEAM))),),
        (rule("a", actions=to(Step(Target.CONTACT_OWNER), Step(Target.LAST_OWNER))),),
        (rule("a", actions=to(Step(Target.DATA_ACTION, lookup="hubspot"))),),
        (rule("a", actions=Actions(escalation="fast", webhook="erp")),),
        (rule("a", actions=Actions(reply={"en": "Reply STOPPED, or say when we may cancel."})),),
        (rule("a", actions=Actions(reply={"en": "Reply STOP to opt out, HELP for help."})),),
        (rule("a", all_of(Condition("text", "matches", r"order \d{4}"))),),
        (rule("a", all_of(Condition("text", "contains_any", ("stop sign",)))),),
        (rule("a", triggers=NEW), rule("b", triggers=frozenset({Trigger.REOPENED}))),
        (rule("a", all_of(SMS, GOLD)),),
        (rule("a", any_of(SMS, WHATSAPP)),),
        (rule("a", all_of(Condition("tag", "has_any", ("a",)), Condition("tag", "has_any", "b"))),),
        (
            rule(
                "a", actions=Actions(reply={"en": "{{contact.attributes.shoe|your}} {{bot.name}}"})
            ),
        ),
        (rule("a", actions=Actions(reply={"en": "{{crm.hubspot.tier|Dear}} friend"})),),
        (
            rule(
                "a",
                actions=Actions(ladder=(Step(Target.PEOPLE, people=(ANNA,)),), escalation="fast"),
            ),
        ),
        (rule("a", actions=Actions(notify=(ANNA,))),),
        (rule("a", all_of(Condition("number", "starts_with", ("+1415",)))),),
        (rule("a", all_of(Condition("country", "is_any", ("us", "ES")))),),
        (rule("a", all_of(Condition("attribute", "more", "2026-01-31", "since"))),),
    ],
)
def test_what_is_fine_is_not_spoken_of(rules: tuple[Rule, ...]) -> None:
    assert found(*rules) == []


@pytest.mark.parametrize(
    ("rules", "level", "words"),
    [
        ((rule("a"), rule("b", all_of(REFUND))), "error", "“A” takes every message"),
        ((rule("a", all_of(REFUND)), rule("b", all_of(GOLD, REFUND))), "warning", "“A” stands"),
        ((rule("a", any_of(REFUND, GOLD)), rule("b", all_of(REFUND, SMS))), "warning", "“A”"),
        ((rule("a", any_of(REFUND, GOLD)), rule("b", any_of(GOLD))), "warning", "“A” stands"),
        ((rule("b", actions=to(Step(Target.PEOPLE, people=(99,)))),), "error", "not in this"),
        ((rule("b", actions=to(Step(Target.TEAM, team=99))),), "error", "does not have"),
        ((rule("b", actions=to(Step(Target.TEAM, team=SALES))),), "error", "Nobody whom"),
        ((rule("b", actions=to(Step(Target.RANDOM, team=EMPTY))),), "error", "Nobody whom"),
        (
            (
                rule(
                    "b",
                    actions=to(
                        Step(Target.PEOPLE, people=(BO,)), Step(Target.PEOPLE, people=(ANNA,))
                    ),
                ),
            ),
            "warning",
            "Step 1 names nobody",
        ),
        (
            (rule("b", actions=to(Step(Target.TEAM), Step(Target.PEOPLE, people=(ANNA,)))),),
            "warning",
            "whole team",
        ),
        (
            (rule("b", all_of(Condition("crm", "is_present", None, "sap.x"))),),
            "error",
            "look-up “sap”",
        ),
        ((rule("b", actions=Actions(escalation="slow")),), "error", "policy “slow”"),
        ((rule("b", actions=Actions(webhook="crm")),), "error", "webhook “crm”"),
        (
            (rule("b", all_of(Condition("text", "equals", "Stop!"))),),
            "warning",
            "“stop” alone",
        ),
        (
            (rule("b", actions=Actions(reply={"en": "Reply with YES to confirm"})),),
            "warning",
            "In “en”: The text invites “YES”",
        ),
        (
            (
                rule(
                    "b", actions=Actions(reply={"es": "Envíe la palabra BAJA para cambiar su cita"})
                ),
            ),
            "warning",
            "In “es”: The text invites “BAJA”",
        ),
        (
            (
                rule("a", triggers=NEW),
                rule("c", triggers=frozenset({Trigger.REOPENED, Trigger.TRANSFERRED})),
                rule("b"),
            ),
            "error",
            "“A” and “C” take every message",
        ),
        ((rule("b", all_of(SMS, WHATSAPP)),), "error", "exclude each other"),
        ((rule("b", all_of(REFUND, NO_REFUND)),), "error", "exclude each other"),
        (
            (rule("b", all_of(Condition("reopened", "is_true")), triggers=NEW),),
            "error",
            "never holds",
        ),
        (
            (
                rule(
                    "b",
                    actions=Actions(ladder=(ALONE,), escalation="round"),
                ),
            ),
            "warning",
            "round in a circle",
        ),
        (
            (rule("b", actions=Actions(ladder=(Step(Target.TEAM),), escalation="fast")),),
            "warning",
            "brings only people",
        ),
        ((rule("b", actions=Actions(notify=(99,))),), "error", "tells somebody who is not"),
        ((rule("b", actions=Actions(notify=(BO,))),), "warning", "Bo is to be told"),
        (
            (rule("b", all_of(Condition("owner", "is_person", (99,)))),),
            "error",
            "names somebody who is not",
        ),
        (
            (rule("b", all_of(Condition("crm", "is_present", None, "hubspot.shoe"))),),
            "error",
            "no field “shoe”",
        ),
        (
            (rule("b", actions=Actions(reply={"en": "Hi {{contact.shoe}}"})),),
            "error",
            "The text in “en”",
        ),
        ((rule("b", all_of(Condition("text", "matches", "a*"))),), "error", "every text"),
        ((rule("b", all_of(Condition("text", "matches", "a.*b"))),), "warning", "any number"),
    ],
)
def test_what_is_wrong_is_told_of_its_rule(rules: tuple[Rule, ...], level: str, words: str) -> None:
    findings = found(*rules)
    assert [one for one in findings if one[0] == level and one[1] == "b" and words in one[2]], (
        findings
    )


def test_only_errors_block_publishing() -> None:
    warned = lint(
        Rules(rules=(rule("a", all_of(REFUND)), rule("b", all_of(REFUND)))), DIRECTORY, KNOWN
    )
    assert [one.level for one in warned] == [Level.WARNING]
    assert is_publishable(warned)
    assert not is_publishable(lint(Rules(rules=(rule("a"), rule("b"))), DIRECTORY, KNOWN))


def test_of_the_accounts_rules_the_own_team_is_that_of_whichever_inbox() -> None:
    everywhere = Directory(DIRECTORY.people, 0, DIRECTORY.members)
    assert lint(Rules(rules=(rule("a", actions=to(Step(Target.TEAM))),)), everywhere, KNOWN) == ()


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        (Condition("number", "starts_with", ("+34", "415")), "No number begins with “415”"),
        (Condition("country", "is_any", ("US", "Spain")), "“Spain” is no country"),
        (Condition("attribute", "less", "many", "orders"), "“many” is neither a number nor a date"),
    ],
)
def test_a_value_that_nothing_is_equal_to_is_told(condition: Condition, words: str) -> None:
    [(level, _, said)] = found(rule("a", all_of(condition)))

    assert level == "warning"
    assert words in said


@pytest.mark.parametrize("tag", ["x" * 41, "a\tb\u200b"])
def test_a_tag_that_cannot_be_kept_blocks(tag: str) -> None:
    [(level, _, said)] = found(rule("a", actions=Actions(tags=("fine", tag))))

    assert level == "error"
    assert "A tag cannot be kept" in said


def test_a_rule_for_transfers_that_does_more_than_give_is_told() -> None:
    moved = frozenset({Trigger.TRANSFERRED})
    gives = rule("a", all_of(REFUND), triggers=moved, actions=to(ALONE))
    tags = rule("b", triggers=moved, actions=Actions(ladder=(ALONE,), tags=("moved",)))

    assert found(gives) == []
    [(level, id_, words)] = found(tags)
    assert (level, id_) == ("warning", "b")
    assert "only says who gets it" in words


@pytest.mark.parametrize(
    ("pattern", "warns"),
    [
        *((one, True) for one in ("a.*b", "a.+b", "a.*?b", "a.{2,}b", r"a\\.+b", r"a[\s\S]*b")),
        *((one, True) for one in (r"a\S+", "a(b|.)*c", "(ab)+c", "a[^x]+", r"a\D*b", r"a\W{3,}")),
        *((one, False) for one in (r"order\s*\d+", r"a\.+b", "[a-z]+x", "[.*]x", r"a\)+", "a.b")),
        *((one, False) for one in ("(ab)?c", ".{1,5}x", r"\d{4,}", "a[.]+", r"\w+@x", r"a\[.b")),
    ],
)
def test_a_pattern_warns_where_it_may_run_over_anything(pattern: str, warns: bool) -> None:
    findings = found(rule("a", all_of(Condition("text", "matches", pattern))))

    assert any("any number of letters" in words for _, _, words in findings) == warns, findings


# --- Answers that nobody could stop ---------------------------------------------------------------


def closed_in_india(text: str, countries: Collection[str]) -> str:
    is_there = "IN" in (countries or {"IN"})
    return "" if "{{opt_out_link}}" in text or not is_there else "add the link"


@pytest.mark.parametrize(
    ("condition", "text", "is_told"),
    [
        (all_of(REFUND), "We look at it.", True),
        (all_of(REFUND), "We look at it. {{opt_out_link}}", False),
        (all_of(Condition("country", "is_any", ("IN", "US"))), "We look at it.", True),
        (all_of(Condition("country", "is_any", ("US",))), "We look at it.", False),
        # Whoever is not in the US may be in India.
        (all_of(Condition("country", "is_any", ("US",), is_negated=True)), "We look at it.", True),
        (any_of(Condition("country", "is_any", ("US",)), REFUND), "We look at it.", True),
        (all_of(WHATSAPP), "We look at it.", False),
        (all_of(SMS), "We look at it.", True),
    ],
)
def test_a_reply_to_who_cannot_answer_stop_needs_the_link(
    condition: Group, text: str, is_told: bool
) -> None:
    rule = Rule("r", "Refunds", condition=condition, actions=Actions(reply={"en": text}))
    known = replace(KNOWN, no_way_out=closed_in_india)

    found = lint(Rules(rules=(rule,)), DIRECTORY, known)

    said = [one for one in found if "add the link" in one.words]
    assert [(one.level, one.words) for one in said] == (
        [(Level.WARNING, "In “en”: add the link")] if is_told else []
    )
