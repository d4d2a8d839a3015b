"""Do rules still do what an admin once saw and kept? Examples are run before each publish.

Pure: in every example all people are there with nothing to do, but those it calls away.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.utils.translation import gettext as _

from routing.deciding import DEFAULT, Plan
from routing.facts import Directory
from routing.replies import Reply, Silence
from routing.rules import Rules
from routing.trying import (
    MOST_TEXT,
    Circumstances,
    Outcome,
    Typed,
    TypedError,
    everybody_there,
    try_typed,
)

TEAM = "team"
# Whoever is chosen by chance or in turn could have been another.
NOT_CHOSEN = "not chosen"


@dataclass(frozen=True)
class Expected:
    """What should become of it; what is None does not matter.

    `rule` is the id of the rule that decides, or "default". `who` are people, none of them for the
    whole team. `reply` is the text that is said, blank for silence.
    """

    rule: str | None = None
    who: frozenset[int] | None = None
    reply: str | None = None


@dataclass(frozen=True)
class Example:
    """A message, in the inbox of which team, and what should become of it."""

    id: int
    name: str
    team: int
    typed: Typed
    expected: Expected


@dataclass(frozen=True)
class Verdict:
    """What became of one example; `differences` say in words what should have been otherwise."""

    example: Example
    differences: tuple[str, ...]
    outcome: Outcome | None = None

    @property
    def passes(self) -> bool:
        """Say whether all is as it should be."""
        return not self.differences


def run_examples(
    examples: Iterable[Example], rules: Rules, places: Mapping[int, Circumstances]
) -> tuple[Verdict, ...]:
    """Try every example with these rules; `places` are the inboxes by their team."""
    return tuple(_run(example, rules, places.get(example.team)) for example in examples)


def try_example(typed: Typed, rules: Rules, place: Circumstances) -> Outcome:
    """Say what becomes of an example's message. The same example falls the same way always."""
    quiet = replace(place, directory=everybody_there(place.directory, typed.away))
    return try_typed(typed, rules, quiet, seed=f"example {typed.at.isoformat()} {typed.text}")


def expected_of(outcome: Outcome) -> Expected:
    """Return what an outcome was, to be kept: this should be so in future."""
    return Expected(outcome.plan.rule, _who(outcome.plan), _words(outcome.said))


def _run(example: Example, rules: Rules, place: Circumstances | None) -> Verdict:
    if place is None:
        return Verdict(example, (_("The inbox of this example does not follow these rules."),))
    outcome = try_example(example.typed, rules, place)
    return Verdict(
        example, _differences(example.expected, outcome, rules, place.directory), outcome
    )


def _differences(
    expected: Expected, outcome: Outcome, rules: Rules, directory: Directory
) -> tuple[str, ...]:
    plan = outcome.plan
    found = []
    if expected.rule not in (None, plan.rule):
        words = _("“%(rule)s” decides, and “%(expected)s” should.")
        names = {"rule": rule_name(plan.rule, rules), "expected": rule_name(expected.rule, rules)}
        found.append(words % names)
    if expected.who is not None and not _is_given_to(expected.who, plan):
        words = _("It goes to %(who)s, and should go to %(expected)s.")
        who = who_words(_who(plan), directory)
        found.append(words % {"who": who, "expected": who_words(expected.who, directory)})
    if expected.reply not in (None, _words(outcome.said)):
        words = _("The answer is %(reply)s, and should be %(expected)s.")
        replies = {"reply": _said(outcome.said), "expected": _quoted(expected.reply)}
        found.append(words % replies)
    return tuple(found)


def _is_given_to(expected: frozenset[int], plan: Plan) -> bool:
    """Say whether it went to those, or might have: where one of several is chosen, any is right."""
    if expected == _who(plan):
        return True
    step = plan.assignment.step
    could = {
        one.person
        for asked in plan.trace
        if asked.rule == plan.rule
        for one in asked.candidates
        if one.step == step and one.skipped in ("", NOT_CHOSEN)
    }
    is_chosen = len(plan.assignment.people) == 1 and len(expected) == 1
    return is_chosen and len(could) > 1 and expected <= could


def _who(plan: Plan) -> frozenset[int]:
    return frozenset(() if plan.assignment.is_team_wide else plan.assignment.people)


def _words(said: Reply | Silence) -> str:
    return said.text if isinstance(said, Reply) else ""


# --- Words ---


def rule_name(rule: str | None, rules: Rules) -> str:
    """Name a rule; one that is gone by its id."""
    if rule in (None, DEFAULT):
        return _("Everything else")
    named = {one.id: one.name for one in (*rules.always_first, *rules.rules)}
    return named.get(str(rule), str(rule))


def who_words(people: Iterable[int], directory: Directory) -> str:
    """Name people; none of them are the whole team."""
    known = directory.people
    names = [known[pk].name if pk in known else _("somebody who left") for pk in sorted(people)]
    return ", ".join(names) or _("the whole team")


def _said(said: Reply | Silence) -> str:
    if isinstance(said, Reply):
        return _quoted(said.text)
    return _("silence (%(why)s)") % {"why": said.reason}


def _quoted(text: str | None) -> str:
    return f"“{text}”" if text else _("silence")


# --- As a document ---


def written(expected: Expected) -> dict[str, Any]:
    """Write down what should be; reading it again gives the same."""
    document: dict[str, Any] = {}
    if expected.rule is not None:
        document["rule"] = expected.rule
    if expected.who is not None:
        document["who"] = sorted(expected.who) or TEAM
    if expected.reply is not None:
        document["reply"] = expected.reply
    return document


def read_expected(document: object) -> Expected:
    """Read what should be. Raises TypedError, also if nothing should be."""
    if not isinstance(document, Mapping) or not document.keys() & {"rule", "who", "reply"}:
        raise TypedError(_("Say what should become of it."), "expected")
    return Expected(
        rule=_text(document.get("rule"), 80),
        who=_people(document.get("who")),
        reply=_text(document.get("reply"), MOST_TEXT),
    )


def _text(value: object, most: int) -> str | None:
    if value is None or (isinstance(value, str) and len(value) <= most and "\0" not in value):
        return value
    raise TypedError(_("A text of up to %(most)s letters is wanted here.") % {"most": most})


def _people(value: object) -> frozenset[int] | None:
    if value is None:
        return None
    if value == TEAM:
        return frozenset()
    if isinstance(value, list) and value and all(type(one) is int and one > 0 for one in value):
        return frozenset(value)
    raise TypedError(_("“team” or the ids of people are wanted here."), "who")
