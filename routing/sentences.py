"""How does a rule read? As a sentence: when, if, then; and what changed between two rulebooks.

Facts and tests are called as their tables call them, so that a new one reads well by itself.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

from routing.conditions import FACTS, TESTS, WEEKDAYS, Takes
from routing.differences import Difference, Kind, difference
from routing.facts import Trigger
from routing.rules import Actions, Condition, Group, Match, Rule, Rules, Step, Target

TRIGGERS: Mapping[Trigger, str] = {
    Trigger.NEW: gettext_noop("begins"),
    Trigger.REOPENED: gettext_noop("comes back after it was closed"),
    Trigger.TRANSFERRED: gettext_noop("is transferred here"),
}
TARGETS: Mapping[Target, str] = {
    Target.PEOPLE: gettext_noop("These people, all of them"),
    Target.TEAM: gettext_noop("A whole team"),
    Target.RANDOM: gettext_noop("One of them at random"),
    Target.ROUND_ROBIN: gettext_noop("One of them in turn"),
    Target.LEAST_BUSY: gettext_noop("The least busy of them"),
    Target.CONTACT_OWNER: gettext_noop("Who looks after the customer"),
    Target.LAST_OWNER: gettext_noop("Who answered the customer last"),
    Target.DATA_ACTION: gettext_noop("Whom a Data Action names"),
    Target.CRM_FIELD: gettext_noop("Whom a field of the CRM names"),
}
PARTS: Mapping[str, str] = {
    "name": gettext_noop("its name"),
    "condition": gettext_noop("its conditions"),
    "actions": gettext_noop("what it does"),
    "triggers": gettext_noop("when it is asked"),
    "is_on": gettext_noop("whether it is on"),
    "continues": gettext_noop("whether the next are asked too"),
}
DAYS: Mapping[str, str] = dict(
    zip(
        WEEKDAYS,
        (
            gettext_noop("Monday"),
            gettext_noop("Tuesday"),
            gettext_noop("Wednesday"),
            gettext_noop("Thursday"),
            gettext_noop("Friday"),
            gettext_noop("Saturday"),
            gettext_noop("Sunday"),
        ),
        strict=True,
    )
)
_NOT: Mapping[str, str] = {
    "contains any of": gettext_noop("contains none of"),
    "contains all of": gettext_noop("does not contain all of"),
    "is": gettext_noop("is not"),
    "is less than": gettext_noop("is not less than"),
    "is more than": gettext_noop("is not more than"),
    "contains": gettext_noop("does not contain"),
    "starts with": gettext_noop("does not start with"),
    "matches": gettext_noop("does not match"),
    "is there": gettext_noop("is missing"),
    "is one of": gettext_noop("is none of"),
    "has any of": gettext_noop("has none of"),
    "has all of": gettext_noop("does not have all of"),
    "is between": gettext_noop("is not between"),
}
# The same of several things.
_MANY: Mapping[str, str] = {
    "has any of": gettext_noop("have any of"),
    "has all of": gettext_noop("have all of"),
    "is there": gettext_noop("are there"),
    "has none of": gettext_noop("have none of"),
    "does not have all of": gettext_noop("do not have all of"),
    "is missing": gettext_noop("are missing"),
}


@dataclass(frozen=True)
class Names:
    """What people and teams are called, by id."""

    people: Mapping[int, str] = field(default_factory=dict)
    teams: Mapping[int, str] = field(default_factory=dict)

    def of_people(self, ids: Iterable[object]) -> str:
        """Name people; those of no name are not in the account."""
        unknown = _("somebody who is not in this account")
        known = (self.people.get(one, unknown) for one in ids if isinstance(one, int))
        return _joined(known, _("and"))

    def of_team(self, team: int | None) -> str:
        """Name a team; without one it is the inbox's own."""
        if team is None:
            return _("the team")
        return self.teams.get(team, _("a team that is not in this account"))


@dataclass(frozen=True)
class Sentence:
    """A rule in words: when it is asked, what must hold, and what it then does, in order."""

    when: str
    condition: str
    then: tuple[str, ...]

    def __str__(self) -> str:
        parts = [self.when, self.condition, _("then %s") % "; ".join(self.then)]
        return ", ".join(filter(None, parts)) + "."


@dataclass(frozen=True)
class Told:
    """What became of one rule, in words; a rule that was changed is told before and after."""

    kind: Kind
    rule: str
    words: str
    before: str = ""
    after: str = ""


def sentence(rule: Rule, names: Names) -> Sentence:
    """Say what a rule does."""
    when = _joined((_(TRIGGERS[one]) for one in Trigger if one in rule.triggers), _("or"))
    condition = group_words(rule.condition, names)
    return Sentence(
        when=_("When a conversation %s") % when,
        condition=_("if %s") % condition if condition else "",
        then=tuple(_deeds(rule.actions, names)) or (_("nothing is done"),),
    )


def told(before: Rules, after: Rules, names: Names) -> tuple[Told, ...]:
    """Say in words what somebody did who made the one rulebook out of the other."""
    old = {rule.id: rule for rule in (*before.always_first, *before.rules)}
    new = {rule.id: rule for rule in (*after.always_first, *after.rules)}
    return tuple(_told(one, old, new, names) for one in difference(before, after))


def _told(one: Difference, old: Mapping[str, Rule], new: Mapping[str, Rule], names: Names) -> Told:
    before, after = old.get(one.rule), new.get(one.rule)
    return Told(
        one.kind,
        one.rule,
        _change_words(one),
        str(sentence(before, names)) if before and one.kind is not Kind.MOVED else "",
        str(sentence(after, names)) if after and one.kind is not Kind.MOVED else "",
    )


def _change_words(one: Difference) -> str:
    words = {
        Kind.ADDED: _("“%s” is new."),
        Kind.REMOVED: _("“%s” is taken away."),
        Kind.MOVED: _("“%s” stands at another place."),
        Kind.CHANGED: _("“%s” is changed:"),
    }
    said = words[one.kind] % one.name
    parts = _joined((_(PARTS[part]) for part in one.parts), _("and"))
    return f"{said} {parts}." if parts else said


# --- If ------------------------------------------------------------------------------------------


def group_words(group: Group, names: Names) -> str:
    """Say what must hold; blank if nothing must."""
    word = _("and") if group.match is Match.ALL else _("or")
    parts = [
        condition_words(part, names)
        if isinstance(part, Condition)
        else f"({group_words(part, names)})"
        for part in group.parts
    ]
    return f" {word} ".join(parts)


def condition_words(condition: Condition, names: Names) -> str:
    """Say what one condition asks."""
    label = _(FACTS[condition.fact].label)
    about = f"{label[:1].lower()}{label[1:]}"
    about = f"{about} {condition.name}" if condition.name else about
    said = words_of_test(condition.fact, condition.test, is_negated=condition.is_negated)
    if condition.test == "is_true":
        return f"{about}: {said}"
    return f"{about} {said} {_value_words(condition, names)}".rstrip()


def _value_words(condition: Condition, names: Names) -> str:
    takes, value = TESTS[condition.test].takes, condition.value
    if takes is Takes.NOTHING or value is None:
        return ""
    given = value if isinstance(value, tuple) else (value,)
    if takes is Takes.PEOPLE:
        return names.of_people(given)
    if takes is Takes.TIMES:
        return _joined(map(str, given), _("and"))
    if condition.fact == "weekday":
        return ", ".join(_(DAYS.get(str(one), str(one))) for one in given)
    return ", ".join(f"“{one}”" if isinstance(one, str) else str(one) for one in given)


# --- Then ----------------------------------------------------------------------------------------


def _deeds(actions: Actions, names: Names) -> Iterable[str]:
    if actions.ladder:
        yield _ladder_words(actions.ladder, names)
    if actions.tags:
        yield _("tag it %s") % ", ".join(f"“{tag}”" for tag in actions.tags)
    if actions.priority:
        yield _("set its priority to %s") % _(actions.priority)
    if actions.reply:
        yield _reply_words(actions)
    yield from _further_deeds(actions, names)


def _further_deeds(actions: Actions, names: Names) -> Iterable[str]:
    if actions.snooze_minutes:
        yield _("snooze it for %s") % minutes_words(actions.snooze_minutes)
    if actions.is_closing:
        yield _("close it")
    if actions.note:
        yield _("add the note “%s”") % _short(actions.note)
    if actions.notify:
        yield _("tell %s") % names.of_people(actions.notify)
    if actions.escalation:
        yield _("let “%s” bring help while the customer waits") % actions.escalation
    if actions.webhook:
        yield _("call the webhook “%s”") % actions.webhook


def _reply_words(actions: Actions) -> str:
    texts = ", ".join(f"“{_short(text)}” ({one})" for one, text in actions.reply.items())
    said = _("answer %s") % texts
    return f"{said} {_('as')} {actions.bot_name}" if actions.bot_name else said


def _ladder_words(ladder: tuple[Step, ...], names: Names) -> str:
    steps = [step_words(step, names) for step in ladder]
    said = _("give it to %s") % f", {_('else to')} ".join(steps)
    last = ladder[-1]
    is_all = last.to is Target.TEAM and last.team is None
    return said if is_all else f"{said}, {_('and if none of them can, to the whole team')}"


def step_words(step: Step, names: Names) -> str:
    """Say whom a step of a ladder means, and what it asks of them."""
    asks = (
        "" if step.needs_available else _("also when away"),
        _("in business hours") if step.needs_open_hours else "",
        "" if step.cap is None else _("with fewer than %d open") % step.cap,
        _("who then owns it") if step.is_owner else "",
    )
    more = ", ".join(filter(None, asks))
    return f"{_WHO[step.to](step, names)} ({more})" if more else _WHO[step.to](step, names)


def _of(step: Step, names: Names) -> str:
    return names.of_people(step.people) if step.people else names.of_team(step.team)


_WHO: Mapping[Target, Callable[[Step, Names], str]] = {
    Target.PEOPLE: lambda step, names: names.of_people(step.people),
    Target.TEAM: lambda step, names: (
        _("everybody in %s") % names.of_team(step.team) if step.team else _("the whole team")
    ),
    Target.RANDOM: lambda step, names: _("one at random of %s") % _of(step, names),
    Target.ROUND_ROBIN: lambda step, names: _("one in turn of %s") % _of(step, names),
    Target.LEAST_BUSY: lambda step, names: _("the least busy of %s") % _of(step, names),
    Target.CONTACT_OWNER: lambda step, names: _("who looks after the customer"),
    Target.LAST_OWNER: lambda step, names: _("who answered the customer last"),
    Target.DATA_ACTION: lambda step, names: _("whom the Data Action “%s” names") % step.lookup,
    Target.CRM_FIELD: lambda step, names: _("whom %s names") % step.lookup,
}


def minutes_words(minutes: int) -> str:
    """Say how long: in days or hours where that is exact."""
    if minutes % 1440 == 0:
        return ngettext("%d day", "%d days", minutes // 1440) % (minutes // 1440)
    if minutes % 60 == 0:
        return ngettext("%d hour", "%d hours", minutes // 60) % (minutes // 60)
    return ngettext("%d minute", "%d minutes", minutes) % minutes


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 60 else f"{line[:59]}…"


def _joined(words: Iterable[str], last: str) -> str:
    *most, end = [*words] or [""]
    return f"{', '.join(most)} {last} {end}" if most else end


def words_of_test(fact: str, test: str, *, is_negated: bool = False) -> str:
    """Say what a test asks of a fact, or its opposite, as it stands between fact and value."""
    if test == "is_true":
        return _("no") if is_negated else _("yes")
    label = TESTS[test].label
    said = _NOT.get(label, f"not: {label}") if is_negated else label
    return _(_MANY.get(said, said) if FACTS[fact].is_plural else said)
