"""What is a rule? Sentences of an account's admins as values: when, if, then.

A rulebook is what `decide` follows; its JSON form, read and written by `documents`, is what the
editor keeps, versions and exports.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from routing.facts import Trigger

Given = str | int | float | bool | tuple[str, ...] | tuple[int, ...] | None


class Match(StrEnum):
    """Whether all parts of a group must hold, or one of them is enough."""

    ALL = "all"
    ANY = "any"


@dataclass(frozen=True)
class Condition:
    """One question about the facts: `fact` `test` `value`, the other way round if negated.

    `name` says which attribute, or which field of a look-up (`hubspot.tier`), is meant.
    """

    fact: str
    test: str
    value: Given = None
    name: str = ""
    is_negated: bool = False

    @property
    def lookup(self) -> str:
        """Return the name of the look-up whose answer this needs, or blank."""
        return self.name.partition(".")[0] if self.fact == "crm" else ""


@dataclass(frozen=True)
class Group:
    """Conditions that hold together. Inside one there may be groups, and nothing deeper."""

    match: Match = Match.ALL
    parts: "tuple[Condition | Group, ...]" = ()

    def conditions(self) -> Iterator[Condition]:
        """Walk through all conditions, those of inner groups too."""
        for part in self.parts:
            if isinstance(part, Condition):
                yield part
            else:
                yield from part.conditions()


def languages_asked(group: Group) -> frozenset[str]:
    """Return the languages that conditions ask for."""
    asked = (one.value for one in group.conditions() if one.fact == "language")
    return frozenset(
        str(code) for value in asked for code in (value if isinstance(value, tuple) else ())
    )


class Target(StrEnum):
    """Whom a step of a ladder means."""

    PEOPLE = "people"
    TEAM = "team"
    RANDOM = "random"
    ROUND_ROBIN = "round_robin"
    LEAST_BUSY = "least_busy"
    CONTACT_OWNER = "contact_owner"
    LAST_OWNER = "last_owner"
    DATA_ACTION = "data_action"
    CRM_FIELD = "crm_field"


@dataclass(frozen=True)
class Step:
    """One step of a target ladder: whom, and what is asked of them.

    `people` and `team` say of whom one is chosen; without either it is the inbox's own team.
    `lookup` names the Data Action, or the field of a CRM that holds an e-mail address or an id.
    """

    to: Target
    people: tuple[int, ...] = ()
    team: int | None = None
    lookup: str = ""
    needs_available: bool = True
    needs_open_hours: bool = False
    cap: int | None = None
    is_owner: bool = False

    @property
    def answers_needed(self) -> str:
        """Return the name of the look-up whose answer this needs, or blank."""
        return self.lookup.partition(".")[0]


@dataclass(frozen=True)
class Actions:
    """What a rule does. `reply` is a text by language; `webhook` and `escalation` are names."""

    ladder: tuple[Step, ...] = ()
    tags: tuple[str, ...] = ()
    priority: str = ""
    reply: Mapping[str, str] = field(default_factory=dict)
    bot_name: str = ""
    note: str = ""
    notify: tuple[int, ...] = ()
    is_closing: bool = False
    snooze_minutes: int | None = None
    escalation: str = ""
    webhook: str = ""


@dataclass(frozen=True)
class Rule:
    """When one of `triggers` happened, if `condition` holds, then `actions`.

    One that `continues` only adds tags and a priority and lets the next be asked too.
    """

    id: str
    name: str
    condition: Group = field(default_factory=Group)
    actions: Actions = field(default_factory=Actions)
    triggers: frozenset[Trigger] = frozenset(Trigger)
    is_on: bool = True
    continues: bool = False

    def lookups(self) -> frozenset[str]:
        """Return the names of all look-ups that this rule may need."""
        asked = {condition.lookup for condition in self.condition.conditions()}
        return frozenset(asked | {step.answers_needed for step in self.actions.ladder}) - {""}


@dataclass(frozen=True)
class Rules:
    """The rules of an inbox in their order: the account's first, then its own, then the default.

    The default is no rule and cannot be taken away: the whole team sees what nobody else gets.
    """

    version: int = 0
    always_first: tuple[Rule, ...] = ()
    rules: tuple[Rule, ...] = ()

    def in_order(self) -> tuple[Rule, ...]:
        """Return every rule that is on, in the order in which they are asked."""
        return tuple(rule for rule in (*self.always_first, *self.rules) if rule.is_on)
