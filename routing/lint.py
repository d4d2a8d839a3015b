"""What is wrong with a rulebook that can be read? Told before it is published.

An error blocks publishing; a warning asks. Pure: what else exists in the account comes as `Known`.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import takewhile

from routing.facts import Directory
from routing.patterns import compiled, words_of
from routing.rules import Condition, Group, Match, Rule, Rules, Step, Target

# Verbs that ask somebody to write a word back, in the languages that replies are written in.
_INVITES = (
    *("reply", "answer", "text", "send", "write", "respond", "type"),
    *("responde", "responda", "contesta", "conteste", "envia", "envie", "escribe", "escriba"),
    *("repondez", "reponds", "envoyez", "ecrivez", "tapez"),
    *("antworten", "antworte", "schreiben", "schreibe", "senden", "sende"),
    *("rispondi", "rispondere", "invia", "scrivi", "responder", "enviar"),
)
_WORDS_BETWEEN = 3
_ENDLESS = re.compile(r"(?<!\\)\.[*+](?!\?)|(?<!\\)\.\{\d*,\}")


class Level(StrEnum):
    """Whether publishing is blocked or only asks."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with one rule, in words an admin can act on."""

    level: Level
    rule: str
    words: str


@dataclass(frozen=True)
class Known:
    """What the account has: look-ups, escalation policies and webhooks by name.

    `reserved` are the words that say something about consent: a message of one of them is a wish to
    stop, start or get help, and reaches no rule.
    """

    lookups: frozenset[str] = frozenset()
    escalations: frozenset[str] = frozenset()
    webhooks: frozenset[str] = frozenset()
    reserved: frozenset[str] = frozenset()


def lint(rulebook: Rules, directory: Directory, known: Known) -> tuple[Finding, ...]:
    """Look through the rules that are on, in their order."""
    rules = rulebook.in_order()
    found: list[Finding] = []
    for number, rule in enumerate(rules):
        found += _hidden(rule, rules[:number])
        found += _targets(rule, directory)
        found += _unknown(rule, known)
        found += _reserved(rule, known.reserved)
        found += _patterns(rule)
    return tuple(found)


def is_publishable(findings: Iterable[Finding]) -> bool:
    """Say whether nothing among the findings blocks publishing."""
    return not any(finding.level is Level.ERROR for finding in findings)


def _error(rule: Rule, words: str) -> Finding:
    return Finding(Level.ERROR, rule.id, words)


def _warning(rule: Rule, words: str) -> Finding:
    return Finding(Level.WARNING, rule.id, words)


# --- Rules behind others -------------------------------------------------------------------------


def _hidden(rule: Rule, before: tuple[Rule, ...]) -> Iterator[Finding]:
    for earlier in before:
        if not _ends_the_asking(earlier) or not rule.triggers <= earlier.triggers:
            continue
        if not earlier.condition.parts:
            yield _error(
                rule, f"It is never asked: “{earlier.name}” takes every message before it."
            )
            return
        if _implies(rule.condition, earlier.condition):
            yield _warning(
                rule,
                f"“{earlier.name}” stands before it and takes every message that it would take.",
            )
            return


def _ends_the_asking(rule: Rule) -> bool:
    """Say whether no other is asked after it took one: a look-up that fails lets the next be."""
    return not rule.continues and not any(step.answers_needed for step in rule.actions.ladder)


def _implies(narrow: Group, wide: Group) -> bool:
    """Say whether all that the one takes is surely taken by the other.

    Certain only where the wider asks for parts that the narrower asks for too.
    """
    if wide.match is Match.ALL:
        return set(wide.parts) <= _demanded(narrow)
    if narrow.match is Match.ANY:
        return set(narrow.parts) <= set(wide.parts)
    return bool(_demanded(narrow) & set(wide.parts))


def _demanded(group: Group) -> set[Condition | Group]:
    is_certain = group.match is Match.ALL or len(group.parts) == 1
    return set(group.parts) if is_certain else set()


# --- Who would get it ----------------------------------------------------------------------------


def _targets(rule: Rule, directory: Directory) -> Iterator[Finding]:
    ladder = rule.actions.ladder
    for number, step in enumerate(ladder, start=1):
        yield from _missing(rule, step, number, directory)
        if _is_empty(step, directory):
            yield _warning(rule, f"Step {number} names nobody who is active and has a licence.")
    if ladder and all(_is_empty(step, directory) for step in ladder):
        yield _error(rule, "Nobody whom it names is active and has a licence.")
    after = takewhile(lambda step: not _takes_all(step), ladder)
    if len(list(after)) < len(ladder) - 1:
        yield _warning(rule, "Steps after “the whole team” are reached only when all are away.")


def _missing(rule: Rule, step: Step, number: int, directory: Directory) -> Iterator[Finding]:
    unknown = [person for person in step.people if person not in directory.people]
    if unknown:
        yield _error(rule, f"Step {number} names somebody who is not in this account.")
    if step.team is not None and step.team not in directory.members:
        yield _error(rule, f"Step {number} names a team that this account does not have.")


def _is_empty(step: Step, directory: Directory) -> bool:
    """Say whether nobody can ever be meant; a step that is found out later may mean somebody."""
    if step.to in (Target.CONTACT_OWNER, Target.LAST_OWNER, Target.DATA_ACTION, Target.CRM_FIELD):
        return False
    team = directory.team if step.team is None else step.team
    asked = step.people or directory.members.get(team, ())
    people = (directory.people.get(person) for person in asked)
    return not any(person and person.is_active and person.is_licensed for person in people)


def _takes_all(step: Step) -> bool:
    return step.to is Target.TEAM and not step.needs_open_hours and step.cap is None


# --- What it leans on ----------------------------------------------------------------------------


def _unknown(rule: Rule, known: Known) -> Iterator[Finding]:
    for lookup in sorted(rule.lookups() - known.lookups):
        yield _error(rule, f"There is no look-up “{lookup}”.")
    actions = rule.actions
    if actions.escalation and actions.escalation not in known.escalations:
        yield _error(rule, f"There is no escalation policy “{actions.escalation}”.")
    if actions.webhook and actions.webhook not in known.webhooks:
        yield _error(rule, f"There is no webhook “{actions.webhook}”.")


# --- Words ---------------------------------------------------------------------------------------


def _reserved(rule: Rule, reserved: frozenset[str]) -> Iterator[Finding]:
    taken = _plain(reserved)
    for condition in rule.condition.conditions():
        if condition.fact != "text" or condition.is_negated:
            continue
        for word in sorted(set(_words_in(condition)) & taken):
            yield _warning(
                rule,
                f"“{word}” alone is a wish about consent: such a message reaches no rule.",
            )
    for language, text in sorted(rule.actions.reply.items()):
        for word in invited(text, reserved):
            yield _warning(
                rule,
                f"The text in “{language}” asks for “{word}”: whoever answers that says something "
                "about consent, and no rule sees it.",
            )


def _words_in(condition: Condition) -> list[str]:
    value = condition.value
    texts = value if isinstance(value, tuple) else (value,)
    return [words_of(str(text)).strip() for text in texts if text is not None]


def invited(text: str, reserved: frozenset[str]) -> tuple[str, ...]:
    """Return the reserved words that a text asks somebody to write back."""
    taken, words = _plain(reserved), words_of(text).split()
    return tuple(
        sorted(
            {
                word
                for number, word in enumerate(words)
                if word in taken
                and set(words[max(0, number - _WORDS_BETWEEN) : number]) & set(_INVITES)
            }
        )
    )


def reserved_among(phrases: Iterable[str], reserved: frozenset[str]) -> tuple[str, ...]:
    """Return the phrases that are reserved words: a message of nothing else reaches nobody."""
    taken = _plain(reserved)
    return tuple(phrase for phrase in phrases if words_of(phrase).strip() in taken)


def _plain(reserved: frozenset[str]) -> set[str]:
    return {words_of(word).strip() for word in reserved}


def _patterns(rule: Rule) -> Iterator[Finding]:
    for condition in rule.condition.conditions():
        if condition.test != "matches":
            continue
        pattern = str(condition.value)
        if compiled(pattern).search("") is not None:
            yield _error(rule, f"The pattern “{pattern[:60]}” matches every text.")
        elif _ENDLESS.search(pattern):
            yield _warning(
                rule, f"The pattern “{pattern[:60]}” may run over any number of letters."
            )
