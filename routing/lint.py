"""What is wrong with a rulebook that can be read? Told before it is published.

An error blocks publishing; a warning asks. Pure: what else exists in the account comes as `Known`.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import combinations, takewhile

from phonenumbers import SUPPORTED_REGIONS

from accounts.english import noop
from routing.circles import circles
from routing.conditions import is_measure
from routing.escalation import Policy
from routing.facts import Directory, Trigger
from routing.marks import with_tags
from routing.patterns import compiled, fold, words_of
from routing.rules import Actions, Condition, Group, Match, Rule, Rules, Step, Target
from routing.texts import Text, Variable, attribute_name, problems

# What stands for one letter of a few; what stands for nearly any letter, or a group, without end.
_ONE_OF_FEW = re.compile(r"\\[^SDWP]|\[(?![\^\]])[^\]\\]*\]")
_ENDLESS = re.compile(
    r"(?:\.|\\[SDWP](?:\{\^?\w+\}|\w)?|\[\^[^\]]+\]|\[[^\]]*\\[SDWP][^\]]*\]|\))"
    r"(?:[*+]|\{\d*,\})"
)


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

    `is_wish` says of words whether a message of nothing else is a wish to stop, start or get help,
    and reaches no rule; `misleading` what a text invites for another meaning than it has, in words;
    `no_way_out` whom a text for some countries, or for any, leaves without a way to stop it.
    Where it is given: `policies` are the escalation policies themselves, `own_policy` the one of
    the inbox, `fields` those of each CRM by its name, `variables` what texts may name.
    """

    lookups: frozenset[str] = frozenset()
    escalations: frozenset[str] = frozenset()
    webhooks: frozenset[str] = frozenset()
    is_wish: Callable[[str], bool] = lambda words: False
    misleading: Callable[[str], Sequence[str]] = lambda text: ()
    no_way_out: Callable[[str, Collection[str]], str] = lambda text, countries: ""
    policies: Mapping[str, Policy] = field(default_factory=dict)
    own_policy: str = ""
    fields: Mapping[str, frozenset[str]] = field(default_factory=dict)
    variables: Mapping[str, Variable] = field(default_factory=dict)


def lint(rulebook: Rules, directory: Directory, known: Known) -> tuple[Finding, ...]:
    """Look through the rules that are on, in their order."""
    found: list[Finding] = []
    before: list[_Asked] = []
    for rule in rulebook.in_order():
        asked = _Asked.of(rule)
        found += _hidden(asked, before)
        found += _impossible(rule)
        found += _unmatched(rule)
        found += _targets(rule, directory)
        found += _people(rule, directory)
        found += _after_transfer(rule)
        found += _circles(rule, directory, known)
        found += _unknown(rule, known)
        found += _tags(rule)
        found += _reserved(rule, known)
        found += _ways_out(rule, known)
        found += _texts(rule, known)
        found += _patterns(rule)
        before.append(asked)
    return tuple(found)


def is_publishable(findings: Iterable[Finding]) -> bool:
    """Say whether nothing among the findings blocks publishing."""
    return not any(finding.level is Level.ERROR for finding in findings)


def _error(rule: Rule, words: str) -> Finding:
    return Finding(Level.ERROR, rule.id, words)


def _warning(rule: Rule, words: str) -> Finding:
    return Finding(Level.WARNING, rule.id, words)


# --- Rules behind others -------------------------------------------------------------------------


@dataclass(frozen=True)
class _Asked:
    """A rule with what is compared again and again: of 200 rules each with all before it."""

    rule: Rule
    parts: frozenset[Condition | Group]
    # Whether no other is asked after it took one: a look-up that fails lets the next be asked.
    is_final: bool

    @classmethod
    def of(cls, rule: Rule) -> "_Asked":
        asks = any(step.answers_needed for step in rule.actions.ladder)
        return cls(rule, frozenset(rule.condition.parts), not rule.continues and not asks)

    @property
    def demanded(self) -> frozenset[Condition | Group]:
        """Return the parts that surely hold where it matches."""
        is_certain = self.rule.condition.match is Match.ALL or len(self.parts) == 1
        return self.parts if is_certain else frozenset()

    def implies(self, wide: "_Asked") -> bool:
        """Say whether all that this takes is surely taken by the other.

        Certain only where the wider asks for parts that the narrower asks for too.
        """
        if wide.rule.condition.match is Match.ALL:
            return wide.parts <= self.demanded
        if self.rule.condition.match is Match.ANY:
            return self.parts <= wide.parts
        return bool(self.demanded & wide.parts)


def _hidden(asked: _Asked, before: Iterable[_Asked]) -> Iterator[Finding]:
    rule, left, takers = asked.rule, set(asked.rule.triggers), []
    for earlier in before:
        shared = left & earlier.rule.triggers if earlier.is_final else set[Trigger]()
        if shared and not earlier.parts:
            left -= shared
            takers.append(f"“{earlier.rule.name}”")
        elif shared and rule.triggers <= earlier.rule.triggers and asked.implies(earlier):
            yield _warning(
                rule,
                noop("“%(name)s” stands before it and takes every message that it would take.")
                % {"name": earlier.rule.name},
            )
            return
        if not left:
            verb = "takes" if len(takers) == 1 else "take"
            names = " and ".join(takers)
            yield _error(
                rule,
                noop("It is never asked: %(names)s %(verb)s every message before it.")
                % {"names": names, "verb": verb},
            )
            return


def _impossible(rule: Rule) -> Iterator[Finding]:
    if rule.condition.match is not Match.ALL:
        return
    asked = [part for part in rule.condition.parts if isinstance(part, Condition)]
    for one, other in combinations(asked, 2):
        if (one.fact, one.name) == (other.fact, other.name) and _exclude(one, other):
            yield _error(rule, noop("It never holds: two of its conditions exclude each other."))
            return
    comes_back = any(one.fact == "reopened" and not one.is_negated for one in asked)
    if comes_back and Trigger.REOPENED not in rule.triggers:
        yield _error(rule, noop("It never holds: it is not asked when a conversation comes back."))


def _unmatched(rule: Rule) -> Iterator[Finding]:
    """Look for values that nothing is ever equal to, as they are written."""
    for condition in rule.condition.conditions():
        value = condition.value
        for text in value if isinstance(value, tuple) else (value,):
            if words := _why_unmatched(condition, str(text)):
                yield _warning(rule, words)


def _why_unmatched(condition: Condition, text: str) -> str:
    if condition.fact == "number" and not text.startswith("+"):
        return noop(
            "No number begins with “%(text)s”: they begin with + and the code of a country."
        ) % {"text": text}
    if condition.fact == "country" and text.upper() not in SUPPORTED_REGIONS:
        return noop("“%(text)s” is no country: they are written US, GB, ES.") % {"text": text}
    if condition.test in ("less", "more") and not is_measure(text):
        return noop("“%(text)s” is neither a number nor a date: nothing is less or more.") % {
            "text": text
        }
    return ""


def _exclude(one: Condition, other: Condition) -> bool:
    """Say whether two conditions on the same fact can surely not hold at the same time."""
    if one.test != other.test:
        return False
    if one.is_negated is not other.is_negated:
        return one.value == other.value
    is_single = one.test in ("is_any", "is_person", "equals") and not one.is_negated
    return is_single and _folded(one).isdisjoint(_folded(other))


def _folded(condition: Condition) -> set[str]:
    value = condition.value
    return {fold(str(one)) for one in (value if isinstance(value, tuple) else (value,))}


# --- Who would get it ----------------------------------------------------------------------------


def _targets(rule: Rule, directory: Directory) -> Iterator[Finding]:
    ladder = rule.actions.ladder
    for number, step in enumerate(ladder, start=1):
        yield from _missing(rule, step, number, directory)
        if _is_empty(step, directory):
            yield _warning(
                rule,
                noop("Step %(number)s names nobody who is active and has a licence.")
                % {"number": number},
            )
    if ladder and all(_is_empty(step, directory) for step in ladder):
        yield _error(rule, noop("Nobody whom it names is active and has a licence."))
    after = takewhile(lambda step: not _takes_all(step), ladder)
    if len(list(after)) < len(ladder) - 1:
        yield _warning(
            rule, noop("Steps after “the whole team” are reached only when all are away.")
        )


def _missing(rule: Rule, step: Step, number: int, directory: Directory) -> Iterator[Finding]:
    unknown = [person for person in step.people if person not in directory.people]
    if unknown:
        yield _error(
            rule,
            noop("Step %(number)s names somebody who is not in this account.") % {"number": number},
        )
    if step.team is not None and step.team not in directory.members:
        yield _error(
            rule,
            noop("Step %(number)s names a team that this account does not have.")
            % {"number": number},
        )


def _is_empty(step: Step, directory: Directory) -> bool:
    """Say whether nobody can ever be meant; a step that is found out later may mean somebody."""
    if step.to in (Target.CONTACT_OWNER, Target.LAST_OWNER, Target.DATA_ACTION, Target.CRM_FIELD):
        return False
    if not (step.people or step.team or directory.team):
        # The account's rules are asked in every inbox, each with a team of its own.
        return False
    team = directory.team if step.team is None else step.team
    asked = step.people or directory.members.get(team, ())
    people = (directory.people.get(person) for person in asked)
    return not any(person and person.is_active and person.is_licensed for person in people)


def _people(rule: Rule, directory: Directory) -> Iterator[Finding]:
    """Look at people that are told or asked about, not given anything."""
    people = [directory.people.get(one) for one in rule.actions.notify]
    if None in people:
        yield _error(rule, noop("It tells somebody who is not in this account."))
    for person in people:
        if person and not (person.is_active and person.is_licensed):
            yield _warning(
                rule,
                noop("%(name)s is to be told, and sees nothing: no licence.")
                % {"name": person.name},
            )
    asked = [
        person
        for condition in rule.condition.conditions()
        if condition.test == "is_person" and isinstance(condition.value, tuple)
        for person in condition.value
    ]
    if any(person not in directory.people for person in asked):
        yield _error(rule, noop("A condition names somebody who is not in this account."))


def _circles(rule: Rule, directory: Directory, known: Known) -> Iterator[Finding]:
    name = rule.actions.escalation or known.own_policy
    policy = known.policies.get(name)
    if policy is None or not rule.actions.ladder:
        return
    for step, is_circle in circles(rule.actions.ladder[0], policy, directory):
        yield _warning(
            rule,
            (
                noop(
                    "Step %(step)s of “%(name)s” gives it back to those who had it before: "
                    "it goes round in a circle."
                )
                % {"step": step, "name": name}
            )
            if is_circle
            else (
                noop(
                    "Step %(step)s of “%(name)s” brings only people to whom this rule "
                    "gives it already."
                )
                % {"step": step, "name": name}
            ),
        )


def _after_transfer(rule: Rule) -> Iterator[Finding]:
    only_gives = Actions(ladder=rule.actions.ladder)
    if rule.triggers == {Trigger.TRANSFERRED} and rule.actions != only_gives:
        yield _warning(
            rule, noop("After a transfer a rule only says who gets it: all else is left out.")
        )


def _takes_all(step: Step) -> bool:
    return step.to is Target.TEAM and not step.needs_open_hours and step.cap is None


# --- What it leans on ----------------------------------------------------------------------------


def _unknown(rule: Rule, known: Known) -> Iterator[Finding]:
    for lookup in sorted(rule.lookups() - known.lookups):
        yield _error(rule, noop("There is no look-up “%(lookup)s”.") % {"lookup": lookup})
    actions = rule.actions
    if actions.escalation and actions.escalation not in known.escalations:
        yield _error(
            rule,
            noop("There is no escalation policy “%(escalation)s”.")
            % {"escalation": actions.escalation},
        )
    if actions.webhook and actions.webhook not in known.webhooks:
        yield _error(
            rule, noop("There is no webhook “%(webhook)s”.") % {"webhook": actions.webhook}
        )
    named = {one.name for one in rule.condition.conditions() if one.fact == "crm"}
    named |= {step.lookup for step in actions.ladder if step.to is Target.CRM_FIELD}
    for lookup, _, name in sorted(one.partition(".") for one in named):
        if lookup in known.fields and name not in known.fields[lookup]:
            yield _error(
                rule,
                noop("“%(lookup)s” has no field “%(name)s”.") % {"lookup": lookup, "name": name},
            )


def _tags(rule: Rule) -> Iterator[Finding]:
    for words in with_tags((), rule.actions.tags).left_out:
        yield _error(rule, noop("A tag cannot be kept. %(words)s") % {"words": words})


# --- Words ---------------------------------------------------------------------------------------


def _reserved(rule: Rule, known: Known) -> Iterator[Finding]:
    for condition in rule.condition.conditions():
        if condition.fact != "text" or condition.is_negated:
            continue
        for word in sorted(filter(known.is_wish, set(_words_in(condition)))):
            yield _warning(
                rule,
                noop("“%(word)s” alone is a wish about consent: such a message reaches no rule.")
                % {"word": word},
            )
    for language, text in sorted(rule.actions.reply.items()):
        for words in known.misleading(text):
            yield _warning(rule, f"In “{language}”: {words}")


def _ways_out(rule: Rule, known: Known) -> Iterator[Finding]:
    """Look for people who get an answer from a number at which they cannot stop it."""
    asked = [one for one in rule.condition.parts if isinstance(one, Condition)]
    certain = asked if rule.condition.match is Match.ALL or len(rule.condition.parts) == 1 else ()
    chosen = {one.fact: _folded(one) for one in certain if not one.is_negated}
    if chosen.get("channel") == {"whatsapp"}:
        return
    countries = {one.upper() for one in chosen.get("country", ())}
    for language, text in sorted(rule.actions.reply.items()):
        if words := known.no_way_out(text, countries):
            yield _warning(rule, f"In “{language}”: {words}")


def _words_in(condition: Condition) -> list[str]:
    value = condition.value
    texts = value if isinstance(value, tuple) else (value,)
    return [words_of(str(text)).strip() for text in texts if text is not None]


def _texts(rule: Rule, known: Known) -> Iterator[Finding]:
    for language, source in rule.actions.reply.items() if known.variables else ():
        text = Text.parse(source)
        # Which attributes contacts have nobody keeps a list of: any may be named.
        theirs = (slot.name for slot in text.slots if slot.name.startswith(attribute_name("")))
        for one in problems(text, {**dict.fromkeys(theirs, Variable()), **known.variables}):
            level = Level.ERROR if one.is_error else Level.WARNING
            yield Finding(
                level,
                rule.id,
                noop("The text in “%(language)s”: %(words)s")
                % {"language": language, "words": one.words},
            )


def _patterns(rule: Rule) -> Iterator[Finding]:
    for condition in rule.condition.conditions():
        if condition.test != "matches":
            continue
        pattern = str(condition.value)
        if compiled(pattern).search("") is not None:
            yield _error(
                rule,
                noop("The pattern “%(pattern)s” matches every text.") % {"pattern": pattern[:60]},
            )
        elif _ENDLESS.search(_ONE_OF_FEW.sub("x", pattern)):
            yield _warning(
                rule,
                noop("The pattern “%(pattern)s” may run over any number of letters.")
                % {"pattern": pattern[:60]},
            )
