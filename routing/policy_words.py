"""What does a step of an escalation policy do? Told in sentences, to whoever sets one or waits."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from routing.escalation import LAST, REMIND, Ahead, Clock, Do, Policy, Rung, Step, When

PRIORITY_WORDS = {
    "low": gettext_lazy("low"),
    "normal": gettext_lazy("normal"),
    "high": gettext_lazy("high"),
    "urgent": gettext_lazy("urgent"),
}
_DAY = 24 * 60


@dataclass(frozen=True)
class Names:
    """What people and teams are called, by id."""

    people: Mapping[int, str] = field(default_factory=dict)
    teams: Mapping[int, str] = field(default_factory=dict)

    def of(self, rung: Rung) -> str:
        """Name the people of a rung, or its team."""
        if rung.team is not None:
            return self.teams.get(rung.team) or _("a team that is gone")
        gone = _("somebody who is gone")
        return listed([self.people.get(user) or gone for user in rung.users])


def people_in(policies: Iterable[Policy]) -> set[int]:
    """Return everybody whom these policies name."""
    return {
        user
        for policy in policies
        for step in policy.steps
        for rung in step.to
        for user in rung.users
    }


def listed(names: Iterable[str]) -> str:
    """Name several as people do: Ann, Bo and Cy."""
    *first, last = names
    if not first:
        return last
    return _("%(first)s and %(last)s") % {"first": ", ".join(first), "last": last}


def ladder_words(ladder: Iterable[Rung], names: Names) -> str:
    """Name whom a ladder means, in the order in which they are looked for."""
    words = ""
    for rung in ladder:
        name = names.of(rung)
        words = _("%(first)s, or else %(next)s") % {"first": words, "next": name} if words else name
    return words


def length_words(minutes: int, clock: Clock = Clock.CALENDAR) -> str:
    """Say how long a step waits: 5 minutes, 2 hours of business hours."""
    if minutes % _DAY == 0 and clock is Clock.CALENDAR:
        words = ngettext("%d day", "%d days", minutes // _DAY) % (minutes // _DAY)
    elif minutes % 60 == 0:
        words = ngettext("%d hour", "%d hours", minutes // 60) % (minutes // 60)
    else:
        words = ngettext("%d minute", "%d minutes", minutes) % minutes
    return words if clock is Clock.CALENDAR else _("%s of business hours") % words


def when_words(when: When) -> str:
    """Say in which state of things a step acts."""
    words = {
        When.UNCLAIMED: _("if nobody has claimed it"),
        When.OWNER_SILENT: _("if its owner has not answered"),
        When.ANY_UNANSWERED: _("if nobody has answered"),
    }
    return words[when]


def unless_words(when: When) -> str:
    """Say what prevents a step."""
    if when is When.UNCLAIMED:
        return _("unless somebody claims it or answers")
    return _("unless somebody answers")


def order_words(step: Step, names: Names) -> str:
    """Say what a step is told to do."""
    match step.do:
        case Do.ADD:
            return _("add %s") % ladder_words(step.to, names)
        case Do.MOVE:
            return _("give it to %s") % ladder_words(step.to, names)
        case Do.RELEASE:
            return _("give it back to the team")
        case Do.NOTIFY:
            return _("tell the supervisors")
        case Do.PRIORITY:
            return _("set the priority to %s") % PRIORITY_WORDS.get(step.priority, step.priority)
        case Do.DATA_ACTION:
            return _("call the Data Action %s") % step.data_action
        case Do.REMIND:
            return _("tell the customer that they are not forgotten")


def step_words(step: Step, names: Names) -> str:
    """Tell a step in one sentence: After 5 minutes, if nobody has answered: add Bo."""
    return _("After %(length)s, %(when)s: %(order)s") % {
        "length": length_words(step.after, step.clock),
        "when": when_words(step.when),
        "order": order_words(step, names),
    }


def last_step_words() -> str:
    """Tell the step that no policy has and nobody can delete."""
    return _(
        "After 24 hours of business hours, if nobody has answered: tell the supervisors, "
        "and show it to the partner in red"
    )


def coming_words(step: Step, names: Names) -> str:
    """Say what will happen by a step; the moment is told after it: Bo is added."""
    who = ladder_words(step.to, names)
    is_one = not step.to or step.to[0].team is not None or len(step.to[0].users) == 1
    if len(step.to) > 1:
        who = _("%s,") % who
    match step.do:
        case Do.ADD:
            return ngettext("%s is added", "%s are added", 1 if is_one else 2) % who
        case Do.MOVE:
            return ngettext("%s gets it", "%s get it", 1 if is_one else 2) % who
        case Do.RELEASE:
            return _("It goes back to the team")
        case Do.NOTIFY:
            return _("The supervisors are told")
        case Do.PRIORITY:
            words = PRIORITY_WORDS.get(step.priority, step.priority)
            return _("Its priority becomes %s") % words
        case Do.DATA_ACTION:
            return _("The Data Action %s is called") % step.data_action
        case Do.REMIND:
            return _("The customer is told that they are not forgotten")


def warning_words(ahead: Ahead) -> str:
    """Say how long before a step its audience is warned."""
    if not (ahead.percent and ahead.minutes):
        return _("Nobody is warned before a step")
    return _("Warned %(percent)s %% of a step's time before it, at most %(length)s") % {
        "percent": ahead.percent,
        "length": length_words(ahead.minutes),
    }


def number_words(number: int) -> str:
    """Name a step by its number."""
    if number == REMIND:
        return _("the reply to who still waits")
    return _("the last step") if number == LAST else _("step %d") % number


def described(name: str, policy: Policy, names: Names) -> dict[str, str]:
    """Return everything that can be set about a policy, in words, by name."""
    steps = {f"step {n}": step_words(step, names) for n, step in enumerate(policy.steps, start=1)}
    return {"name": name, "warning": warning_words(policy.ahead), **steps}
