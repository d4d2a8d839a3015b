"""What did an admin write about an escalation policy? Kept as typed, refused at its step."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from accounts.numbers import number_in
from routing.escalation import Ahead, Policy, Rung, Step
from routing.policy_documents import (
    FORMAT,
    MOST_RUNGS,
    MOST_STEPS,
    MOST_USERS,
    PolicyError,
    Problem,
    read_policy,
    read_step,
)
from routing.policy_words import Names

_MOST_TYPED = 200


@dataclass(frozen=True)
class Choice:
    """Somebody, or a team, that a step may name. `key` is what the form calls it: u7 or t3."""

    key: str
    label: str
    address: str = ""


@dataclass
class StepForm:
    """One step as written."""

    after: str = "5"
    clock: str = "calendar"
    when: str = "any_unanswered"
    do: str = "add"
    rungs: list[list[str]] = field(default_factory=list)
    priority: str = "high"
    data_action: str = ""
    who: str = ""
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    who_error: str = ""
    focus: str = ""

    @classmethod
    def of(cls, step: Step) -> "StepForm":
        """Show a step."""
        return cls(
            str(step.after),
            step.clock.value,
            step.when.value,
            step.do.value,
            [_keys(rung) for rung in step.to],
            step.priority or "high",
            step.data_action,
        )

    @property
    def names_people(self) -> bool:
        """Say whether it does something with people or teams."""
        return self.do in ("add", "move")

    def document(self) -> dict[str, Any]:
        """Return the part of a policy's document that is meant; it may be wrong."""
        after = number_in(self.after.strip())
        return {
            "after": self.after if after is None else after,
            "clock": self.clock,
            "when": self.when,
            "do": self.do,
            "to": [_rung(keys) for keys in self.rungs] if self.names_people else [],
            "priority": self.priority if self.do == "priority" else "",
            "data_action": self.data_action if self.do == "data_action" else "",
        }

    def let_in(self, choice: Choice, *, beside: bool) -> None:
        """Name somebody more: beside those of the last rung, or on a rung of their own.

        A team stands alone on its rung.
        """
        last = self.rungs[-1] if self.rungs else []
        is_mixed = choice.key.startswith("t") or any(key.startswith("t") for key in last)
        if choice.key in last:
            return
        if beside and last and not is_mixed and len(last) < MOST_USERS:
            last.append(choice.key)
        elif len(self.rungs) < MOST_RUNGS:
            self.rungs.append([choice.key])
        else:
            self.who_error = _("A ladder is a list of up to %d rungs.") % MOST_RUNGS


class PolicyForm:
    """A policy as written: its name, its steps, and when its audience is warned."""

    def __init__(
        self,
        name: str,
        steps: list[StepForm],
        percent: str,
        minutes: str,
        choices: Iterable[Choice] = (),
    ) -> None:
        self.name, self.steps = name, steps
        self.percent, self.minutes = percent, minutes
        self.choices = tuple(choices)
        self.name_error = self.warn_error = self.focus = ""

    @classmethod
    def of(cls, name: str, policy: Policy, choices: Iterable[Choice]) -> "PolicyForm":
        """Show a policy."""
        steps = [StepForm.of(step) for step in policy.steps]
        ahead = policy.ahead
        return cls(name, steps, str(ahead.percent), str(ahead.minutes), choices)

    @classmethod
    def posted(cls, data: QueryDict, choices: Iterable[Choice]) -> "PolicyForm":
        """Take what a browser sent."""
        steps = [_posted_step(data, n) for n in range(MOST_STEPS) if f"s{n}-after" in data]
        usual = Ahead()
        return cls(
            data.get("name", "")[:_MOST_TYPED],
            steps,
            data.get("percent", str(usual.percent))[:20],
            data.get("minutes", str(usual.minutes))[:20],
            choices,
        )

    @property
    def may_have_more(self) -> bool:
        """Say whether there is room for another step."""
        return len(self.steps) < MOST_STEPS

    # --- Buttons other than Save ---

    def do(self, what: str) -> bool:
        """Do what a button says: add, remove-0, up-1, down-0, beside-0, else-0, drop-0-1-0,
        earlier-0-1. False if it says none of these.
        """
        name, *rest = what.split("-")
        numbers = [number_in(one) for one in rest]
        if name == "add" and not rest:
            if self.may_have_more:
                self.steps.append(StepForm(focus="after"))
            return True
        if not numbers or None in numbers or (numbers[0] or 0) >= len(self.steps):
            return False
        places = [number or 0 for number in numbers]
        acts: dict[tuple[str, int], Callable[..., None]] = {
            ("remove", 1): self._remove,
            ("up", 1): lambda n: self._swap(n, n - 1, "up"),
            ("down", 1): lambda n: self._swap(n, n + 1, "down"),
            ("beside", 1): lambda n: self._let_in(n, beside=True),
            ("else", 1): lambda n: self._let_in(n, beside=False),
            ("drop", 3): self._drop,
            ("earlier", 2): self._earlier,
        }
        act = acts.get((name, len(places)))
        if act is None:
            return False
        act(*places)
        return True

    def _remove(self, n: int) -> None:
        del self.steps[n]
        if self.steps:
            self.steps[min(n, len(self.steps) - 1)].focus = "after"
        else:
            self.focus = "add"

    def _swap(self, n: int, other: int, button: str) -> None:
        if 0 <= other < len(self.steps):
            self.steps[n], self.steps[other] = self.steps[other], self.steps[n]
            # At an end of the list its button is gone: the other one takes the focus.
            is_at_end = other in (0, len(self.steps) - 1) and (other == 0) == (button == "up")
            self.steps[other].focus = {"up": "down", "down": "up"}[button] if is_at_end else button

    def _let_in(self, n: int, *, beside: bool) -> None:
        self._resolve(self.steps[n], beside=beside)
        self.steps[n].focus = "who"

    def _drop(self, n: int, rung: int, place: int) -> None:
        rungs = self.steps[n].rungs
        if rung < len(rungs) and place < len(rungs[rung]):
            del rungs[rung][place]
            self.steps[n].rungs = [keys for keys in rungs if keys]
        self.steps[n].focus = "who"

    def _earlier(self, n: int, rung: int) -> None:
        rungs = self.steps[n].rungs
        if 0 < rung < len(rungs):
            rungs[rung - 1], rungs[rung] = rungs[rung], rungs[rung - 1]
        self.steps[n].focus = "who"

    # --- What is meant ---

    def document(self) -> dict[str, Any] | None:
        """Return the document that is meant; None if something is wrong, which the steps then say.

        Who was typed and not added yet is added.
        """
        for step in self.steps:
            if step.names_people and step.who.strip():
                self._resolve(step, beside=False)
            self._check(step)
        written = {
            "format": FORMAT,
            "warn": {"percent": _whole(self.percent), "minutes": _whole(self.minutes)},
            "steps": [step.document() for step in self.steps],
        }
        try:
            read_policy({**written, "steps": []})
        except PolicyError as refused:
            self.warn_error = refused.reason
        return None if self.errors() else written

    def _check(self, step: StepForm) -> None:
        try:
            read_step(step.document())
        except PolicyError as refused:
            if not step.who_error:
                step.errors.append(refused.reason)

    def _resolve(self, step: StepForm, *, beside: bool) -> None:
        """Find out who was typed, and let them in."""
        typed = step.who.strip()
        if not typed:
            step.who_error = _("Write whom, or choose from the list.")
            return
        found = _found(typed, self.choices)
        if len(found) == 1:
            step.let_in(found[0], beside=beside)
            step.who = ""
        elif found:
            words = _("Several are called “%s”: choose one from the list.")
            step.who_error = words % typed[:60]
        else:
            words = _("Nobody here is called “%s”. Choose a person or a team from the list.")
            step.who_error = words % typed[:60]

    def tell(self, problems: Iterable[Problem]) -> None:
        """Show what the linter says at its steps."""
        for problem in problems:
            if 0 < problem.step <= len(self.steps):
                step = self.steps[problem.step - 1]
                (step.errors if problem.is_error else step.warnings).append(problem.words)

    def errors(self) -> list[tuple[str, str]]:
        """Return what is wrong: the id of the field, and in words."""
        found = [("id_name", self.name_error)] if self.name_error else []
        for n, step in enumerate(self.steps):
            told = _("Step %d") % (n + 1)
            found += [(f"id_s{n}-after", f"{told}: {words}") for words in step.errors]
            if step.who_error:
                found.append((f"id_s{n}-who", f"{told}: {step.who_error}"))
        return found + ([("id_percent", self.warn_error)] if self.warn_error else [])

    @property
    def has_warnings(self) -> bool:
        """Say whether the linter asks about something."""
        return any(step.warnings for step in self.steps)


def choices_of(
    people: Sequence[tuple[int, str, str]], teams: Mapping[int, str]
) -> tuple[Choice, ...]:
    """Return whom a step may name: teams first, then people with their addresses."""
    return (
        *(Choice(f"t{pk}", _("Team %s") % name, name) for pk, name in teams.items()),
        *(Choice(f"u{pk}", f"{name} ({email})", email) for pk, name, email in people),
    )


def key_words(key: str, names: Names) -> str:
    """Name whom a key means."""
    rung = Rung(team=_id(key)) if key.startswith("t") else Rung(users=(_id(key),))
    return names.of(rung)


def _found(typed: str, choices: Iterable[Choice]) -> list[Choice]:
    """Return who may be meant: by what the list says, by address, or by name alone."""
    wanted = typed.casefold()
    named: list[Choice] = []
    for choice in choices:
        label = choice.label.casefold()
        if wanted in (label, choice.address.casefold()):
            return [choice]
        if label.rpartition(" (")[0] == wanted:
            named.append(choice)
    return named


def _posted_step(data: QueryDict, n: int) -> StepForm:
    def text(name: str, most: int = 20) -> str:
        return data.get(f"s{n}-{name}", "")[:most]

    return StepForm(
        after=text("after"),
        clock=text("clock"),
        when=text("when"),
        do=text("do"),
        rungs=_posted_rungs(data.getlist(f"s{n}-to")),
        priority=text("priority"),
        data_action=text("action", 80),
        who=text("who", _MOST_TYPED).replace("\0", ""),
    )


def _posted_rungs(texts: Sequence[str]) -> list[list[str]]:
    """Read `0:u7`, `0:u8`, `1:t3`: on which rung stands whom."""
    rungs: dict[int, list[str]] = {}
    for text in texts[: MOST_RUNGS * MOST_USERS]:
        rung, _colon, key = text.partition(":")
        place = number_in(rung)
        if place is not None and key[:1] in ("u", "t") and number_in(key[1:]):
            rungs.setdefault(place, []).append(key)
    return [keys for _place, keys in sorted(rungs.items())]


def _keys(rung: Rung) -> list[str]:
    return [f"u{user}" for user in rung.users] if rung.team is None else [f"t{rung.team}"]


def _rung(keys: Collection[str]) -> dict[str, Any]:
    teams = [_id(key) for key in keys if key.startswith("t")]
    if teams:
        return {"team": teams[0]}
    return {"users": [_id(key) for key in keys]}


def _id(key: str) -> int:
    return number_in(key[1:]) or 0


def _whole(text: str) -> object:
    number = number_in(text.strip())
    return text if number is None else number
