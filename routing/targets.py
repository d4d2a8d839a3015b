"""Who gets it? Down a ladder of targets to the first step with somebody who may and can."""

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from routing.facts import Directory, Facts, Person
from routing.rules import Step, Target


@dataclass(frozen=True)
class Candidate:
    """Somebody a step looked at; `skipped` says why they did not get it, blank if they did."""

    step: int
    person: int
    name: str
    skipped: str = ""


@dataclass(frozen=True)
class Turn:
    """Whose turn it was at a round-robin step: to be kept, so that the next is somebody else's."""

    key: str
    person: int


@dataclass(frozen=True)
class Assignment:
    """Who gets a conversation: everybody named, or the inbox's whole team."""

    people: tuple[int, ...] = ()
    is_team_wide: bool = False
    is_owner: bool = False
    turn: Turn | None = None
    step: int = 0


@dataclass(frozen=True)
class Ladder:
    """A ladder of one rule, with all it needs to be climbed down."""

    rule: str
    steps: tuple[Step, ...]
    facts: Facts
    directory: Directory
    is_open: bool

    def needs(self) -> frozenset[str]:
        """Return the look-ups that must be asked before it can be climbed down."""
        names = {step.answers_needed for step in self.steps} - {""}
        return frozenset(name for name in names if name not in self.facts.answers)

    def failures(self) -> tuple[str, ...]:
        """Return why look-ups of this ladder said nothing."""
        answers = (self.facts.answers.get(step.answers_needed) for step in self.steps)
        return tuple(answer.failure for answer in answers if answer and answer.failure)

    def descend(self, seen: list[Candidate]) -> Assignment | None:
        """Return the assignment of the first step with somebody eligible; None at the end.

        Notes in `seen` everybody that was looked at and why they were skipped.
        """
        for number, step in enumerate(self.steps):
            assignment = self._try(number, step, seen)
            if assignment:
                return assignment
        return None

    def _try(self, number: int, step: Step, seen: list[Candidate]) -> Assignment | None:
        asked = self._asked(step)
        reasons = {person: self._why_not(step, person) for person in asked}
        able = [person for person in asked if not reasons[person]]
        chosen = self._chosen(number, step, able)
        for person in asked:
            why = reasons[person] or ("" if person in chosen else "not chosen")
            seen.append(Candidate(number, person, self._name(person), why))
        if not chosen:
            return None
        is_whole = step.to is Target.TEAM and step.team in (None, self.directory.team)
        is_round = step.to is Target.ROUND_ROBIN
        return Assignment(
            people=() if is_whole else tuple(chosen),
            is_team_wide=is_whole,
            is_owner=len(chosen) == 1 and (step.is_owner or self._is_claiming(step)),
            turn=Turn(self._turn(number, step), chosen[0]) if is_round else None,
            step=number,
        )

    # --- Whom a step asks ---

    def _asked(self, step: Step) -> list[int]:
        named: Mapping[Target, Callable[[], Iterable[int | None]]] = {
            Target.CONTACT_OWNER: lambda: [self.facts.customer.owner],
            Target.LAST_OWNER: lambda: [self.facts.customer.last_owner],
            Target.DATA_ACTION: lambda: self._told(step.lookup, "users", "teams"),
            Target.CRM_FIELD: lambda: self._told(*_split(step.lookup)),
        }
        find = named.get(step.to)
        found = find() if find else step.people or self._members(step.team)
        return list(dict.fromkeys(person for person in found if person is not None))

    def _members(self, team: int | None) -> tuple[int, ...]:
        return self.directory.members.get(self.directory.team if team is None else team, ())

    def _told(self, lookup: str, *fields: str) -> list[int]:
        """Return the people that an answer names, by id, by e-mail address, or by their team."""
        answer = self.facts.answers.get(lookup)
        found: list[int] = []
        for field in fields if answer and not answer.failure else ():
            value = answer.fields.get(field) if answer else None
            for text in value if isinstance(value, tuple) else [value]:
                found += self._meant(str(text), is_team=field == "teams")
        return found

    def _meant(self, text: str, *, is_team: bool) -> tuple[int, ...]:
        if text.isascii() and text.isdecimal():
            return self.directory.members.get(int(text), ()) if is_team else (int(text),)
        return tuple(
            person.id
            for person in self.directory.people.values()
            if person.email and person.email.casefold() == text.strip().casefold()
        )

    def _is_claiming(self, step: Step) -> bool:
        """Say whether a Data Action wants the one it names to own the conversation."""
        answer = self.facts.answers.get(step.lookup) if step.to is Target.DATA_ACTION else None
        return bool(answer and answer.fields.get("claim"))

    # --- Who of them may and can ---

    def _why_not(self, step: Step, person_id: int) -> str:
        person = self.directory.people.get(person_id)
        if person is None:
            return "nobody of this account"
        return _unfit(person) or _unready(step, person) or self._closed(step)

    def _closed(self, step: Step) -> str:
        return "outside business hours" if step.needs_open_hours and not self.is_open else ""

    def _name(self, person_id: int) -> str:
        person = self.directory.people.get(person_id)
        return person.name if person else ""

    # --- Which of them it is ---

    def _chosen(self, number: int, step: Step, able: list[int]) -> list[int]:
        one_of: Mapping[Target, Callable[[list[int]], int]] = {
            Target.RANDOM: lambda able: self._chance(number).choice(sorted(able)),
            Target.ROUND_ROBIN: lambda able: self._next(number, step, able),
            Target.LEAST_BUSY: lambda able: self._least_busy(number, able),
        }
        choose = one_of.get(step.to)
        return [choose(able)] if choose and able else able

    def _chance(self, number: int) -> random.Random:
        # Not for secrets: the same message must fall the same way in every replay.
        return random.Random(f"{self.facts.seed}:{self._key(number)}")  # noqa: S311

    def _next(self, number: int, step: Step, able: list[int]) -> int:
        """Return the first who is able after the one who had the last turn."""
        order = self._asked(step)
        last = self.directory.turns.get(self._turn(number, step))
        after = order.index(last) + 1 if last in order else 0
        return next(person for person in order[after:] + order[:after] if person in able)

    def _least_busy(self, number: int, able: list[int]) -> int:
        counts = {person: self.directory.people[person].open_count for person in able}
        fewest = min(counts.values())
        equals = sorted(person for person in able if counts[person] == fewest)
        return self._chance(number).choice(equals)

    def _key(self, number: int) -> str:
        return f"{self.rule}:{number}"

    def _turn(self, number: int, step: Step) -> str:
        """Return the name of a step's turns: each inbox's own team has turns of its own."""
        is_own_team = not step.people and step.team is None
        return self._key(number) + (f":{self.directory.team}" if is_own_team else "")


def _unfit(person: Person) -> str:
    if not person.is_active:
        return "deactivated"
    return "" if person.is_licensed else "without a licence"


def _unready(step: Step, person: Person) -> str:
    if step.needs_available and not person.is_available:
        return "away"
    cap = step.cap if step.cap is not None else person.cap
    if cap is not None and person.open_count >= cap:
        return f"has {person.open_count} of {cap}"
    return ""


def _split(lookup: str) -> tuple[str, str]:
    name, _, field = lookup.partition(".")
    return name, field
