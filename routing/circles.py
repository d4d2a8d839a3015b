"""Does an escalation bring anybody new? Follows who has a conversation from step to step. Pure."""

from collections.abc import Iterator

from routing import escalation
from routing.facts import Directory
from routing.rules import Step, Target

_NAMED = (Target.PEOPLE, Target.TEAM)


def circles(
    first: Step, policy: escalation.Policy, directory: Directory
) -> Iterator[tuple[int, bool]]:
    """Return the numbers of steps that bring nobody new, and whether they give it back.

    `first` is who gets it to begin with; one who is found out later is nobody known.
    """
    has = _people_of(first.people, first.team, directory) if first.to in _NAMED else frozenset()
    had: list[frozenset[int]] = []
    for number, step in enumerate(policy.steps, start=1):
        new = _brought(step, directory)
        if not new:
            continue
        if new <= has:
            yield number, False
        elif step.do is escalation.Do.MOVE and any(new <= before for before in had):
            yield number, True
        if step.do is escalation.Do.MOVE:
            had.append(has)
        has = new if step.do is escalation.Do.MOVE else has | new


def _brought(step: escalation.Step, directory: Directory) -> frozenset[int]:
    """Return whom the first rung of a step names; nobody if it only tells or marks."""
    if step.do not in (escalation.Do.ADD, escalation.Do.MOVE):
        return frozenset()
    found = (_people_of(rung.users, rung.team, directory) for rung in step.to)
    return next((people for people in found if people), frozenset())


def _people_of(people: tuple[int, ...], team: int | None, directory: Directory) -> frozenset[int]:
    return frozenset(people or directory.members.get(directory.team if team is None else team, ()))
