"""How is a dry run told? Who gets it, what is said, what is set, and every rule that was asked."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from inbox.explaining.dry_run import Tried
from inbox.explaining.told import (
    ReplyTold,
    RuleTold,
    deeds_told,
    replies_told,
    rule_left_out,
    rules_told,
)
from inbox.explaining.verdicts import VerdictTold, verdict_told
from inbox.explaining.wishes import Wish
from inbox.segments import Segments, count
from routing import policy_words
from routing.deciding import DEFAULT, Plan
from routing.escalation import LAST, Timer, When
from routing.examples import rule_name
from routing.policy_words import coming_words, number_words
from routing.replies import Considered, Reply, Silence
from routing.sentences import Names
from routing.traces import plan_json, rules_json


@dataclass(frozen=True)
class Said:
    """The answer: its words, what they cost, and in which language; or why there is none."""

    text: str = ""
    kind: str = ""
    language: str = ""
    bot_name: str = ""
    size: Segments | None = None
    why_silent: str = ""


@dataclass(frozen=True)
class TimerTold:
    """What one step of escalation would do, and when; without a moment it rests."""

    words: str
    at: datetime | None


@dataclass(frozen=True)
class Told:
    """All of a dry run, in words."""

    who: str
    rule: str
    is_default: bool
    has_nobody: bool
    deeds: tuple[str, ...]
    said: Said
    considered: tuple[ReplyTold, ...]
    timers: tuple[TimerTold, ...]
    rules: tuple[RuleTold, ...]
    unasked: tuple[str, ...]
    lookups: tuple[tuple[str, str], ...]
    wish: str = ""
    gate: VerdictTold | None = None


def outcome_told(tried: Tried, names: Names) -> Told:
    """Put a dry run into words."""
    outcome = tried.outcome
    plan = outcome.plan
    return Told(
        who=_who(plan, names),
        rule=rule_name(plan.rule, tried.rules.rules),
        is_default=plan.rule == DEFAULT,
        has_nobody=plan.has_nobody,
        deeds=tuple(deeds_told(plan_json(plan), names)),
        said=_said(outcome.said),
        considered=_considered(outcome.said.trace),
        timers=tuple(_timer(one, names) for one in outcome.timers),
        rules=_rules(tried, names),
        unasked=tuple(sorted(outcome.unasked)),
        lookups=tuple(
            (name, one.answer.failure or _("answered in %s ms") % one.took_ms)
            for name, one in tried.asked.items()
        ),
        wish=_wish(tried.wish),
        gate=verdict_told(tried.wish.verdict) if tried.wish.verdict else None,
    )


def _wish(wish: Wish) -> str:
    """Say what the message says about consent; blank if it says nothing that changes anything."""
    word = {"word": wish.word}
    if wish.is_keyword:
        words = _(
            "“%(word)s” is a wish about consent: live, such a message reaches no rule and no reply "
            "of yours."
        )
        return words % word
    if wish.reading.is_held:
        words = _(
            "“%(word)s” may be a request to stop: live, people see it and decide, and everything "
            "automatic rests until then."
        )
        return words % word
    if wish.reading.stops_now:
        words = _("“%(word)s” is read as a request to stop: live, it opts them out at once.")
        return words % word
    return ""


def _who(plan: Plan, names: Names) -> str:
    people = plan.assignment.people
    if plan.assignment.is_team_wide or not people:
        return _("the whole team")
    who = names.of_people(people)
    return _("%s, as its owner") % who if plan.assignment.is_owner else who


def _rules(tried: Tried, names: Names) -> tuple[RuleTold, ...]:
    """Tell of every rule: those that were asked, and those that were not."""
    asked = rules_told(rules_json(tried.outcome.plan.trace), names)
    by_id = {one.id: one for one in asked}
    rules = tried.rules.rules
    return tuple(
        by_id.get(rule.id) or rule_left_out(rule.id, rule.name, is_on=rule.is_on)
        for rule in (*rules.always_first, *rules.rules)
    )


def _said(said: Reply | Silence) -> Said:
    if isinstance(said, Silence):
        return Said(why_silent=said.reason)
    [kind] = _considered((Considered(said.kind, "", "said"),))
    return Said(said.text, kind.name, said.language, said.bot_name, count(said.text))


def _considered(trace: Iterable[Considered]) -> tuple[ReplyTold, ...]:
    forms: list[Mapping[str, Any]] = [
        {"kind": one.kind.value, "name": one.name, "outcome": one.outcome} for one in trace
    ]
    return replies_told(forms)


def _timer(timer: Timer, names: Names) -> TimerTold:
    if timer.due_at is None and timer.step.when is When.OWNER_SILENT:
        words = _("%s; it begins when somebody has it") % _step(timer, names)
    elif timer.due_at is None:
        words = _("%s; it does not come as things are") % _step(timer, names)
    else:
        words = _step(timer, names)
    return TimerTold(words, timer.due_at)


def _step(timer: Timer, names: Names) -> str:
    if timer.number == LAST:
        return _("The supervisors are told, if still nobody has answered")
    number = number_words(timer.number)
    what = coming_words(timer.step, policy_words.Names(names.people, names.teams))
    told = {"step": number[:1].upper() + number[1:], "what": what}
    return _("%(step)s: %(what)s") % told
