"""What is wrong with a policy where it is used? Told at its step before it is saved.

An error forbids saving, a warning asks. Pure: what else the account has comes as `Surroundings`.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from routing.escalation import Do, Policy, Rung
from routing.hours import Calendar
from routing.policy_documents import Problem, problems
from routing.policy_words import Names


@dataclass(frozen=True)
class Use:
    """An inbox that has the policy: its team, its name, the hours that it keeps.

    `has_supervisor` says whether one of its supervisors is active and has a licence.
    """

    team: int
    name: str
    calendar: Calendar
    has_supervisor: bool = True


@dataclass(frozen=True)
class Surroundings:
    """What the account has. `able` are the active people with a licence who belong to it.

    `members` says who works in each team, observers left out; `moves` to which teams the policy of
    each inbox gives conversations, of those inboxes that have another policy. Of `data_actions`
    those `off` are not asked.
    """

    names: Names = field(default_factory=Names)
    able: frozenset[int] = frozenset()
    members: Mapping[int, frozenset[int]] = field(default_factory=dict)
    data_actions: frozenset[str] = frozenset()
    off: frozenset[str] = frozenset()
    uses: tuple[Use, ...] = ()
    moves: Mapping[int, frozenset[int]] = field(default_factory=dict)


def lint_policy(policy: Policy, around: Surroundings) -> tuple[Problem, ...]:
    """Return what is wrong with a policy, in the order of its steps."""
    found = [
        *_of_hours(policy, around),
        *_of_targets(policy, around),
        *_of_machines(policy, around),
        *_of_supervisors(policy, around),
        *_of_circles(policy, around),
    ]
    return tuple(sorted(dict.fromkeys(found), key=lambda problem: problem.step))


def _of_hours(policy: Policy, around: Surroundings) -> Iterator[Problem]:
    """What depends on the hours of an inbox names it, unless the policy has one inbox only."""
    uses = around.uses or (Use(0, "", Calendar.always()),)
    told = [
        (use, problem)
        for use in uses
        for problem in problems(policy, use.calendar, data_actions=around.data_actions)
    ]
    for use, problem in told:
        alike = sum(other == problem for _use, other in told)
        if alike == len(uses):
            yield problem
        else:
            words = _("In %(inbox)s: %(words)s") % {"inbox": use.name, "words": problem.words}
            yield Problem(problem.step, words, problem.is_error)


def _of_targets(policy: Policy, around: Surroundings) -> Iterator[Problem]:
    for number, step in enumerate(policy.steps, start=1):
        for rung in step.to:
            if not _is_known(rung, around):
                yield Problem(number, _("It names somebody who does not belong to this account."))
            elif not _able(rung, around):
                words = _("Nobody of %s is active and has a licence.") if _is_many(rung) else ""
                words = words or _("%s is not active or has no licence.")
                yield Problem(number, words % around.names.of(rung), is_error=False)
        if step.to and not any(_able(rung, around) for rung in step.to):
            words = _("Nobody whom it names can help: the supervisors are told instead.")
            yield Problem(number, words, is_error=False)


def _of_machines(policy: Policy, around: Surroundings) -> Iterator[Problem]:
    for number, step in enumerate(policy.steps, start=1):
        if step.do is Do.DATA_ACTION and step.data_action in around.off:
            words = _("The Data Action %s is off: the supervisors are told instead.")
            yield Problem(number, words % step.data_action, is_error=False)


def _of_supervisors(policy: Policy, around: Surroundings) -> Iterator[Problem]:
    """Where no supervisor can see it, telling the supervisors reaches nobody."""
    for number, step in enumerate(policy.steps, start=1):
        for use in around.uses:
            if step.do is Do.NOTIFY and not use.has_supervisor:
                words = _("%s has no supervisor who is active and has a licence: nobody is told.")
                yield Problem(number, words % use.name, is_error=False)


def _is_known(rung: Rung, around: Surroundings) -> bool:
    if rung.team is not None:
        return rung.team in around.names.teams
    return all(user in around.names.people for user in rung.users)


def _is_many(rung: Rung) -> bool:
    return rung.team is not None or len(rung.users) > 1


def _able(rung: Rung, around: Surroundings) -> frozenset[int]:
    named = around.members.get(rung.team, ()) if rung.team is not None else rung.users
    return around.able & frozenset(named)


def moves_of(policy: Policy) -> frozenset[int]:
    """Return the teams to which a policy gives conversations."""
    return frozenset(
        rung.team
        for step in policy.steps
        if step.do is Do.MOVE
        for rung in step.to
        if rung.team is not None
    )


def _of_circles(policy: Policy, around: Surroundings) -> Iterator[Problem]:
    """A customer who asks again and again would be handed round and round."""
    graph = {**around.moves, **{use.team: moves_of(policy) for use in around.uses}}
    for number, step in enumerate(policy.steps, start=1):
        targets = [rung.team for rung in step.to if rung.team is not None and step.do is Do.MOVE]
        for target in targets:
            for use in around.uses:
                way = _way(target, use.team, graph)
                if way and use.team != target:
                    named = [use.name, *(around.names.teams.get(team, "?") for team in way)]
                    words = _("It goes in a circle: %s.") % " → ".join(named)
                    yield Problem(number, words, is_error=False)


def _way(start: int, goal: int, graph: Mapping[int, Iterable[int]]) -> tuple[int, ...]:
    """Return the shortest way from one team to another, both told; none if there is no way."""
    ways: list[tuple[int, ...]] = [(start,)]
    seen = {start}
    while ways:
        way = ways.pop(0)
        for following in sorted(graph.get(way[-1], ())):
            if following == goal:
                return (*way, goal)
            if following not in seen:
                seen.add(following)
                ways.append((*way, following))
    return ()
