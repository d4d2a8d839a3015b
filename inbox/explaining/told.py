"""How is a decision told? Rules, conditions and people line by line, as a person would say it.

What was kept of a decision and what a dry run decided have the same form: `routing.traces`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from routing.conditions import FACTS, TESTS
from routing.facts import Trigger
from routing.rules import Condition
from routing.sentences import Names, condition_words, minutes_words
from routing.trying import NOT_SAID

Json = Mapping[str, Any]
OUTCOMES = {
    "matched": gettext_lazy("matches"),
    "nobody": gettext_lazy("matches, and nobody it names can: the whole team gets it for now"),
    "not matched": gettext_lazy("does not match"),
    "unknown": gettext_lazy("is passed over: what it asks cannot be known"),
    "not triggered": gettext_lazy("is not asked on such an occasion"),
    "waiting": gettext_lazy("waits for a look-up"),
    "broken": gettext_lazy("could not be asked: a fault in it"),
    "not asked": gettext_lazy("is not asked any more"),
    "off": gettext_lazy("is switched off"),
}
# The sign beside a rule: how it looks, not what it says.
MARKS = {"matched": "yes", "nobody": "yes", "unknown": "unsure", "waiting": "unsure"}
MARKS |= {"broken": "unsure"}
SKIPPED = {
    "": gettext_lazy("gets it"),
    "not chosen": gettext_lazy("could have got it; somebody else was chosen"),
    "away": gettext_lazy("is away"),
    "deactivated": gettext_lazy("is deactivated"),
    "without a licence": gettext_lazy("has no licence"),
    "outside business hours": gettext_lazy("not outside business hours"),
    "nobody of this account": gettext_lazy("is nobody of this account"),
}
TRIGGERS = {
    Trigger.NEW: gettext_lazy("A new conversation began"),
    Trigger.REOPENED: gettext_lazy("A closed conversation came back"),
    Trigger.TRANSFERRED: gettext_lazy("It was transferred to this inbox"),
}
REPLY_KINDS = {
    "rule": gettext_lazy("The rule's reply"),
    "keyword": gettext_lazy("Keyword reply"),
    "after_hours": gettext_lazy("After hours"),
    "first_message": gettext_lazy("First message"),
    "still_waiting": gettext_lazy("Still waiting"),
}


@dataclass(frozen=True)
class ConditionTold:
    """One condition: what it asks, what is really there, and whether it holds."""

    words: str
    actual: str
    mark: str


@dataclass(frozen=True)
class CandidateTold:
    """Somebody whom a step looked at, and what became of that."""

    step: int
    name: str
    words: str
    is_chosen: bool


@dataclass(frozen=True)
class RuleTold:
    """One rule, and what became of it."""

    id: str
    name: str
    outcome: str
    words: str
    mark: str
    conditions: tuple[ConditionTold, ...] = ()
    candidates: tuple[CandidateTold, ...] = ()

    @property
    def is_interesting(self) -> bool:
        """Say whether it did something, or could not."""
        return self.mark != "no"


@dataclass(frozen=True)
class ReplyTold:
    """One automatic reply that was thought of."""

    name: str
    words: str
    is_said: bool


def rules_told(rules: Iterable[Json], names: Names) -> tuple[RuleTold, ...]:
    """Tell what became of each rule that was asked, in their order."""
    return tuple(_rule(one, names) for one in rules)


def rule_left_out(rule: str, name: str, *, is_on: bool) -> RuleTold:
    """Tell of a rule that was not asked."""
    outcome = "not asked" if is_on else "off"
    return RuleTold(rule, name, outcome, str(OUTCOMES[outcome]), "no")


def people_in(rules: Iterable[Json]) -> set[int]:
    """Return the ids of people whom rules look at or ask about."""
    found: set[int] = set()
    for rule in rules:
        found.update(one["person"] for one in rule.get("candidates", ()))
        for one in rule.get("tested", ()):
            if one["test"] == "is_person":
                found.update(pk for pk in one["value"] or () if isinstance(pk, int))
                found.update({int(one["actual"])} if one["actual"].isdecimal() else ())
    return found


def replies_told(considered: Iterable[Json]) -> tuple[ReplyTold, ...]:
    """Tell which replies were thought of, in their order."""
    return tuple(
        ReplyTold(_reply_name(one), said_words(one["outcome"]), one["outcome"] == "said")
        for one in considered
    )


def deeds_told(plan: Json, names: Names) -> Iterable[str]:
    """Tell what else a plan does, beside giving a conversation to somebody and answering."""
    if plan.get("tags"):
        yield _("tagged %s") % ", ".join(plan["tags"])
    if plan.get("priority"):
        yield _("priority %s") % plan["priority"]
    if plan.get("escalation"):
        yield _("escalation by “%s”") % plan["escalation"]
    if plan.get("notes"):
        yield _("with a note")
    if plan.get("notify"):
        yield _("told to %s") % names.of_people(plan["notify"])
    for webhook in plan.get("webhooks", ()):
        yield _("webhook “%s” called") % webhook
    if plan.get("is_closing"):
        yield _("closed")
    elif plan.get("snooze_minutes"):
        yield _("snoozed for %s") % minutes_words(plan["snooze_minutes"])


def said_words(outcome: str) -> str:
    """Say what became of the thought of a reply."""
    return _("is said") if outcome == "said" else _("not said: %s") % outcome


def outcome_words(outcome: str, error: str = "") -> str:
    """Say what became of a rule."""
    words = str(OUTCOMES.get(outcome, outcome))
    return f"{words} ({error})" if error else words


def _reply_name(one: Json) -> str:
    kind = str(REPLY_KINDS.get(one["kind"], one["kind"]))
    is_named = one["name"] and one["kind"] == "keyword"
    return f"{kind} “{one['name']}”" if is_named else kind


def _rule(one: Json, names: Names) -> RuleTold:
    outcome = one["outcome"]
    return RuleTold(
        one["rule"],
        one["name"],
        outcome,
        outcome_words(outcome, one.get("error", "")),
        MARKS.get(outcome, "no"),
        tuple(_condition(tested, names) for tested in one["tested"]),
        tuple(_candidate(seen) for seen in one["candidates"]),
    )


def _condition(one: Json, names: Names) -> ConditionTold:
    holds = one["holds"]
    mark = "unsure" if holds is None else "yes" if holds else "no"
    return ConditionTold(_asked_words(one, names), _actual_words(one, names), mark)


def _asked_words(one: Json, names: Names) -> str:
    if one["fact"] not in FACTS or one["test"] not in TESTS:
        # A later version of ours knows no such question; what was kept of it still says it.
        return f"{one['fact']} {one['test']} {one['value']}"
    value = tuple(one["value"]) if isinstance(one["value"], list) else one["value"]
    condition = Condition(one["fact"], one["test"], value, one["name"], one["negated"])
    words = condition_words(condition, names)
    return words[:1].upper() + words[1:]


def _actual_words(one: Json, names: Names) -> str:
    actual = str(one["actual"])
    if one["test"] == "is_person" and actual.isdecimal():
        return names.of_people([int(actual)])
    if one["holds"] is None:
        return _("not known: %s") % (_("nobody was asked") if actual == NOT_SAID else actual)
    return actual or _("nothing")


def _candidate(one: Json) -> CandidateTold:
    skipped = one["skipped"]
    words = str(SKIPPED.get(skipped, skipped))
    if skipped.startswith("has "):
        words = _("has as many open as allowed (%s)") % skipped.removeprefix("has ")
    name = one["name"] or _("Somebody who is not in this account")
    return CandidateTold(one["step"] + 1, name, words, not skipped)
