"""What may be written into an escalation policy? The one form of its document, and its problems.

{"format": 1, "warn": {"percent": 25, "minutes": 5}, "steps": [{"after": 5, "clock": "calendar",
"when": "unclaimed", "do": "add", "to": [{"users": [7]}, {"team": 3}]}]}
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from django.utils.translation import gettext as _

from routing.escalation import Ahead, Clock, Do, Policy, Rung, Step, When
from routing.hours import Calendar

FORMAT = 1
MOST_STEPS = 20
MOST_RUNGS = 10
MOST_USERS = 50
LONGEST_MINUTES = 30 * 24 * 60
PRIORITIES = ("low", "normal", "high", "urgent")
_STEP_KEYS = {"after", "clock", "when", "do", "to", "priority", "data_action"}
_E = TypeVar("_E", bound=StrEnum)


class PolicyError(Exception):
    """A document is no policy. `reason` is fit for a person; `step` is its number, or 0."""

    def __init__(self, reason: str, step: int = 0) -> None:
        super().__init__(reason)
        self.reason, self.step = reason, step


@dataclass(frozen=True)
class Problem:
    """What is wrong with a step. An error forbids publishing, a warning asks."""

    step: int
    words: str
    is_error: bool = True


# --- Reading and writing ---


def read_policy(document: object) -> Policy:
    """Return the policy that a document describes. Raises PolicyError, naming the step."""
    if not isinstance(document, Mapping):
        raise PolicyError(_("An escalation policy is an object with steps."))
    _refuse_unknown(document, {"format", "warn", "steps"}, 0)
    if document.get("format") != FORMAT:
        raise PolicyError(_("The format of this policy is not one we know."))
    steps = document.get("steps")
    if not isinstance(steps, list) or len(steps) > MOST_STEPS:
        raise PolicyError(_("A policy has a list of up to %d steps.") % MOST_STEPS)
    read = tuple(_read_step(step, number) for number, step in enumerate(steps, start=1))
    return Policy(read, _read_warning(document.get("warn", {})))


def write_policy(policy: Policy) -> dict[str, Any]:
    """Return the document of a policy."""
    return {
        "format": FORMAT,
        "warn": {"percent": policy.ahead.percent, "minutes": policy.ahead.minutes},
        "steps": [write_step(step) for step in policy.steps],
    }


def read_step(document: object) -> Step:
    """Return the step that a part of a document describes. Raises PolicyError."""
    return _read_step(document, 0)


def write_step(step: Step) -> dict[str, Any]:
    """Return the part of a document that describes a step; what is blank is left out."""
    found: dict[str, Any] = {
        "after": step.after,
        "clock": step.clock.value,
        "when": step.when.value,
        "do": step.do.value,
        "to": [_write_rung(rung) for rung in step.to],
        "priority": step.priority,
        "data_action": step.data_action,
    }
    return {key: value for key, value in found.items() if value not in ("", [])}


def _write_rung(rung: Rung) -> dict[str, Any]:
    return {"users": list(rung.users)} if rung.team is None else {"team": rung.team}


def _read_step(step: object, number: int) -> Step:
    if not isinstance(step, Mapping):
        raise PolicyError(_("A step is an object."), number)
    _refuse_unknown(step, _STEP_KEYS, number)
    after = step.get("after")
    if not _is_number(after, 1, LONGEST_MINUTES) or after is None:
        raise PolicyError(_("A step comes after 1 minute to 30 days, in whole minutes."), number)
    do = _choice(Do, step.get("do", Do.ADD), number)
    if do is Do.REMIND and number:
        raise PolicyError(
            _("What is said to a customer stands with the automatic replies."), number
        )
    read = Step(
        after=after,
        clock=_choice(Clock, step.get("clock", Clock.CALENDAR), number),
        when=_choice(When, step.get("when", When.ANY_UNANSWERED), number),
        do=do,
        to=_read_ladder(step.get("to", []), number),
        priority=_text(step.get("priority", ""), number),
        data_action=_text(step.get("data_action", ""), number),
    )
    if words := next(_missing(read), ""):
        raise PolicyError(words, number)
    return read


def _missing(step: Step) -> Iterator[str]:
    names_people = step.do in (Do.ADD, Do.MOVE)
    if names_people and not step.to:
        yield _("Say whom this step adds or moves the conversation to.")
    if not names_people and step.to:
        yield _("Only a step that adds or moves names people or teams.")
    if (step.do is Do.PRIORITY) != bool(step.priority):
        yield _("A step that sets the priority says which, and only such a step does.")
    if step.priority and step.priority not in PRIORITIES:
        yield _("The priority is one of: %s.") % ", ".join(PRIORITIES)
    if (step.do is Do.DATA_ACTION) != bool(step.data_action):
        yield _("A step that calls a Data Action names it, and only such a step does.")


def _read_ladder(ladder: object, number: int) -> tuple[Rung, ...]:
    if not isinstance(ladder, list) or len(ladder) > MOST_RUNGS:
        raise PolicyError(_("A ladder is a list of up to %d rungs.") % MOST_RUNGS, number)
    return tuple(_read_rung(rung, number) for rung in ladder)


def _read_rung(rung: object, number: int) -> Rung:
    if isinstance(rung, Mapping) and set(rung) == {"team"} and _is_number(rung["team"], 1):
        return Rung(team=rung["team"])
    users = rung.get("users") if isinstance(rung, Mapping) and set(rung) == {"users"} else None
    is_list = isinstance(users, list) and 0 < len(users) <= MOST_USERS
    if not is_list or not all(_is_number(user, 1) for user in users or ()):
        raise PolicyError(_("A rung names a team, or up to %d people.") % MOST_USERS, number)
    return Rung(users=tuple(dict.fromkeys(users or ())))


def _read_warning(warn: object) -> Ahead:
    if not isinstance(warn, Mapping):
        raise PolicyError(_("The warning is an object with percent and minutes."))
    _refuse_unknown(warn, {"percent", "minutes"}, 0)
    usual = Ahead()
    percent, minutes = warn.get("percent", usual.percent), warn.get("minutes", usual.minutes)
    if not (_is_number(percent, 0, 100) and _is_number(minutes, 0, LONGEST_MINUTES)):
        raise PolicyError(_("A warning comes 0 to 100 percent and 0 minutes to 30 days before."))
    return Ahead(percent, minutes)


def _refuse_unknown(found: Mapping[Any, Any], known: Collection[str], number: int) -> None:
    if unknown := [str(key) for key in found if key not in known]:
        raise PolicyError(_("Nobody knows %s here.") % ", ".join(sorted(unknown)), number)


def _choice(kind: type[_E], given: object, number: int) -> _E:
    try:
        return kind(given)  # type: ignore[arg-type]
    except ValueError as error:
        choices = ", ".join(kind)
        words = _("%(given)s is not one of: %(choices)s.")
        raise PolicyError(words % {"given": given, "choices": choices}, number) from error


def _text(given: object, number: int) -> str:
    if not isinstance(given, str) or len(given) > 80:
        raise PolicyError(_("A name is a text of up to 80 characters."), number)
    return given


def _is_number(given: object, least: int, most: int = 2**63 - 1) -> bool:
    return type(given) is int and least <= given <= most


# --- What publishing asks ---


def problems(
    policy: Policy, calendar: Calendar, *, data_actions: Collection[str] = ()
) -> tuple[Problem, ...]:
    """Return what is wrong with a policy in an inbox that keeps these hours, step by step."""
    return tuple(
        problem
        for number, step in enumerate(policy.steps, start=1)
        for problem in _problems_of(step, number, policy, calendar, data_actions)
    )


def _problems_of(
    step: Step, number: int, policy: Policy, calendar: Calendar, data_actions: Collection[str]
) -> Iterator[Problem]:
    if step.clock is Clock.BUSINESS and never_opens(calendar):
        yield Problem(
            number, _("It waits for business hours, and these hours never open: it never comes.")
        )
    if step.do is Do.RELEASE and step.when is When.UNCLAIMED:
        yield Problem(number, _("What nobody has claimed cannot be released."))
    if step.do is Do.DATA_ACTION and step.data_action not in data_actions:
        yield Problem(number, _("There is no Data Action %s.") % step.data_action)
    alike = [one for one in policy.steps[: number - 1] if _is_beside(one, step)]
    if any(one.after > step.after for one in alike):
        yield Problem(number, _("It comes before a step that is written above it."), is_error=False)


def never_opens(calendar: Calendar) -> bool:
    """Say whether a calendar has no open hour in any week, whatever the day."""
    return not any(calendar.week) and not any(day.openings for day in calendar.special_days)


def _is_beside(one: Step, other: Step) -> bool:
    return (one.clock, one.when) == (other.clock, other.when)
