"""How do rules, policies and examples travel? People by e-mail address and teams by name.

So that they can be reviewed in version control and carried to another account. Pure: who is there
comes as `Known`. Tags, look-ups, policies and webhooks have names anyway.
"""

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from django.utils.translation import gettext as _

from routing.conditions import TESTS, Takes
from routing.reading import Problem

# Stands where nobody of that name is known, so that the rest can be read too; never kept.
_NOBODY = 1


@dataclass(frozen=True)
class Known:
    """Who is in the account: e-mail addresses of people, and names of teams, by id."""

    people: Mapping[int, str] = field(default_factory=dict)
    teams: Mapping[int, str] = field(default_factory=dict)

    def person(self, email: str) -> int | None:
        """Return who has an address, or None."""
        return _only(self.people, email)

    def team(self, name: str) -> int | None:
        """Return which team is called so, or None."""
        return _only(self.teams, name)


def _only(names: Mapping[int, str], wanted: str) -> int | None:
    folded = wanted.strip().casefold()
    found = [one for one, name in names.items() if name.casefold() == folded]
    return found[0] if len(found) == 1 else None


def with_names(document: Mapping[str, Any], known: Known) -> dict[str, Any]:
    """Write rules for elsewhere. Who is not known stays as an id: importing says so."""
    found = _with_names(document, known, _slots)
    if not found.get("always_first"):
        found.pop("always_first", None)
    return found


def policy_with_names(document: Mapping[str, Any], known: Known) -> dict[str, Any]:
    """Write an escalation policy for elsewhere, as `with_names` does rules."""
    return _with_names(document, known, _policy_slots)


def example_with_names(document: Mapping[str, Any], known: Known) -> dict[str, Any]:
    """Write a saved example, `{"message", "expected"}`, for elsewhere."""
    return _with_names(document, known, _example_slots)


def _with_names(document: Mapping[str, Any], known: Known, slots: "_Slots") -> dict[str, Any]:
    found: dict[str, Any] = copy.deepcopy(dict(document))
    for slot in slots(found):
        slot.change(partial(_named, known.teams if slot.is_team else known.people))
    return found


def _named(names: Mapping[int, str], one: Any, _where: str) -> object:
    return names.get(one, one) if isinstance(one, int) else one


def with_ids(document: object, known: Known) -> tuple[object, tuple[Problem, ...]]:
    """Read rules from elsewhere: the same with ids, and which names nobody here has.

    What is no document is left as it is: reading it says what is wrong.
    """
    return _with_ids(document, known, _slots)


def policy_with_ids(document: object, known: Known) -> tuple[object, tuple[Problem, ...]]:
    """Read an escalation policy from elsewhere, as `with_ids` does rules."""
    return _with_ids(document, known, _policy_slots)


def example_with_ids(document: object, known: Known) -> tuple[object, tuple[Problem, ...]]:
    """Read a saved example from elsewhere, as `with_ids` does rules."""
    return _with_ids(document, known, _example_slots)


def _with_ids(
    document: object, known: Known, slots: "_Slots"
) -> tuple[object, tuple[Problem, ...]]:
    problems: list[Problem] = []
    found = copy.deepcopy(document)

    def person(one: object, where: str) -> object:
        return _resolved(one, where, known.people, known.person, _person_words, problems)

    def team(one: object, where: str) -> object:
        return _resolved(one, where, known.teams, known.team, _team_words, problems)

    for slot in slots(found):
        slot.change(team if slot.is_team else person)
    return found, tuple(problems)


def _person_words(name: object) -> str:
    if isinstance(name, int):
        return _("Nobody in this account has the number %d.") % name
    return _("Nobody in this account has the e-mail address “%s”.") % name


def _team_words(name: object) -> str:
    return _("This account has no team “%s”.") % name


def _resolved(
    one: object,
    where: str,
    ids: Mapping[int, str],
    find: Callable[[str], int | None],
    words: Callable[[object], str],
    problems: list[Problem],
) -> object:
    if isinstance(one, int) and not isinstance(one, bool):
        found = one if one in ids else None
    elif isinstance(one, str):
        found = find(one)
    else:
        return one
    if found is None:
        problems.append(Problem(where, words(one if isinstance(one, int) else one[:80])))
    return _NOBODY if found is None else found


# --- Where ids stand -----------------------------------------------------------------------------


@dataclass(frozen=True)
class _Slot:
    """One place of a document where people stand, or a team."""

    holder: dict[str, Any]
    key: str
    where: str
    is_team: bool = False

    def change(self, by: Callable[[Any, str], object]) -> None:
        """Put in the place of each name or id what `by` makes of it."""
        value, where = self.holder[self.key], f"{self.where}.{self.key}"
        if isinstance(value, list):
            self.holder[self.key] = [by(one, f"{where}[{n}]") for n, one in enumerate(value)]
        elif self.is_team:
            self.holder[self.key] = by(value, where)


_Slots = Callable[[object], Iterator[_Slot]]


def _policy_slots(document: object) -> Iterator[_Slot]:
    for step, where in _each(document, "steps", ""):
        for rung, place in _each(step, "to", where):
            if "users" in rung:
                yield _Slot(rung, "users", place)
            if rung.get("team") is not None:
                yield _Slot(rung, "team", place, is_team=True)


def _example_slots(document: object) -> Iterator[_Slot]:
    for part, key in (("message", "away"), ("expected", "who")):
        holder = document.get(part) if isinstance(document, dict) else None
        if isinstance(holder, dict) and isinstance(holder.get(key), list):
            yield _Slot(holder, key, part)


def _slots(document: object) -> Iterator[_Slot]:
    for part in ("always_first", "rules"):
        for rule, where in _each(document, part, ""):
            then = rule.get("then")
            if isinstance(then, dict):
                yield from _in_actions(then, f"{where}.then")
            yield from _in_group(rule.get("if"), f"{where}.if")


def _in_actions(then: dict[str, Any], where: str) -> Iterator[_Slot]:
    if "notify" in then:
        yield _Slot(then, "notify", where)
    for step, place in _each(then, "to", where):
        if "people" in step:
            yield _Slot(step, "people", place)
        if step.get("team") is not None:
            yield _Slot(step, "team", place, is_team=True)


def _in_group(group: object, where: str, depth: int = 1) -> Iterator[_Slot]:
    for key in ("all", "any"):
        for part, place in _each(group, key, where):
            test = TESTS.get(str(part.get("test")))
            if test and test.takes is Takes.PEOPLE and "value" in part:
                yield _Slot(part, "value", place)
            if depth < 3:
                yield from _in_group(part, place, depth + 1)


def _each(holder: object, key: str, where: str) -> Iterator[tuple[dict[str, Any], str]]:
    parts = holder.get(key) if isinstance(holder, dict) else None
    for number, part in enumerate(parts if isinstance(parts, list) else []):
        if isinstance(part, dict):
            yield part, f"{where}.{key}[{number}]".lstrip(".")
