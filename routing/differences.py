"""What is different between two rulebooks? Told to whoever edits while somebody else did too."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from enum import StrEnum
from itertools import pairwise

from routing.rules import Rule, Rules


class Kind(StrEnum):
    """What happened to a rule."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    MOVED = "moved"


@dataclass(frozen=True)
class Difference:
    """One rule that is not as it was; `parts` names what of it changed, as `Rule` calls it."""

    kind: Kind
    rule: str
    name: str
    parts: tuple[str, ...] = ()


def difference(before: Rules, after: Rules) -> tuple[Difference, ...]:
    """Say what somebody did who made the one out of the other: the new order, then what is gone.

    Of rules that changed places as few as possible are called moved.
    """
    old, new = _by_id(before), _by_id(after)
    stayed = _longest_rise([list(old).index(one) for one in new if one in old])
    steady = {list(old)[place] for place in stayed}
    found = []
    for one, rule in new.items():
        parts = _changed(old[one], rule) if one in old else ()
        if one not in old:
            found.append(Difference(Kind.ADDED, one, rule.name))
        elif parts:
            found.append(Difference(Kind.CHANGED, one, rule.name, parts))
        elif one not in steady:
            found.append(Difference(Kind.MOVED, one, rule.name))
    gone = (rule for one, rule in old.items() if one not in new)
    return (*found, *(Difference(Kind.REMOVED, rule.id, rule.name) for rule in gone))


def _by_id(rulebook: Rules) -> dict[str, Rule]:
    return {rule.id: rule for rule in (*rulebook.always_first, *rulebook.rules)}


def _changed(before: Rule, after: Rule) -> tuple[str, ...]:
    names = (one.name for one in fields(Rule))
    return tuple(name for name in names if getattr(before, name) != getattr(after, name))


def _longest_rise(places: Iterable[int]) -> set[int]:
    """Return the longest run of places that are in order already: these did not move."""
    best: list[list[int]] = []
    for place in places:
        shorter = [run for run in best if run[-1] < place]
        best.append([*max(shorter, key=len, default=[]), place])
    longest = max(best, key=len, default=[])
    assert all(left < right for left, right in pairwise(longest))
    return set(longest)
