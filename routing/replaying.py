"""What would other rules have made of the messages that came? Where it differs, and how often."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from routing.deciding import Plan
from routing.facts import Directory, Facts
from routing.rules import Rules
from routing.trying import decided, unasked_of


class Kind(StrEnum):
    """How far the one differs from the other.

    `nobody`: the rule that would decide names nobody who was able, and the other did not.
    `otherwise`: the same people get it, and something else would be done.
    """

    SAME = "same"
    ELSEWHERE = "elsewhere"
    NOBODY = "nobody"
    OTHERWISE = "otherwise"


@dataclass(frozen=True)
class Past:
    """A message that came, as it and the people were known then. `id` is the caller's."""

    id: int
    facts: Facts
    directory: Directory
    at: datetime


@dataclass(frozen=True)
class Fate:
    """What one set of rules makes of a message; no people are the whole team.

    `deeds` is all that is done besides, to be compared.
    """

    rule: str
    people: frozenset[int] = frozenset()
    is_owner: bool = False
    has_nobody: bool = False
    deeds: tuple[object, ...] = ()

    @classmethod
    def of(cls, plan: Plan) -> "Fate":
        """Return what a plan makes of its message."""
        who = plan.assignment
        return cls(
            plan.rule,
            frozenset(() if who.is_team_wide else who.people),
            who.is_owner,
            plan.has_nobody,
            (
                *(frozenset(plan.tags), plan.priority, plan.notes, plan.notify, plan.bot_name),
                *(tuple(sorted(plan.reply.items())), plan.is_silent, plan.is_closing),
                *(plan.snooze_minutes, plan.escalation, plan.webhooks),
            ),
        )


@dataclass(frozen=True)
class Change:
    """One message that would fare differently: under the rules before and after."""

    id: int
    kind: Kind
    before: Fate
    after: Fate


@dataclass
class Tally:
    """How many there were, of which kind, and those that differ, in the order they were given.

    `unasked` counts messages for which a look-up was wanted that nobody had asked then: it counted
    as failed. `decided_before` and `decided_after` say how often each rule decided.
    """

    kinds: Counter[Kind] = field(default_factory=Counter)
    changes: list[Change] = field(default_factory=list)
    unasked: int = 0
    decided_before: Counter[str] = field(default_factory=Counter)
    decided_after: Counter[str] = field(default_factory=Counter)

    @property
    def total(self) -> int:
        """Return how many messages were looked at."""
        return self.kinds.total()

    def count(self, kind: Kind) -> int:
        """Return how many are of a kind."""
        return self.kinds[kind]


def replay(pasts: Iterable[Past], before: Rules, after: Rules) -> Tally:
    """Let both decide about every message, as it was known then. Keeps none of the messages."""
    tally = Tally()
    for past in pasts:
        old, _facts = decided(past.facts, before, past.directory, at=past.at)
        new, facts = decided(past.facts, after, past.directory, at=past.at)
        _count(tally, past.id, Fate.of(old), Fate.of(new))
        tally.unasked += bool(unasked_of(facts))
    return tally


def kind_of(before: Fate, after: Fate) -> Kind:
    """Say how one fate differs from another."""
    if after.has_nobody and not before.has_nobody:
        return Kind.NOBODY
    if (before.people, before.is_owner) != (after.people, after.is_owner):
        return Kind.ELSEWHERE
    return Kind.SAME if before.deeds == after.deeds else Kind.OTHERWISE


def _count(tally: Tally, past: int, before: Fate, after: Fate) -> None:
    kind = kind_of(before, after)
    tally.kinds[kind] += 1
    tally.decided_before[before.rule] += 1
    tally.decided_after[after.rule] += 1
    if kind is not Kind.SAME:
        tally.changes.append(Change(past, kind, before, after))
