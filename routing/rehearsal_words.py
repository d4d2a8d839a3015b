"""How is a run of a policy on a virtual clock told? Moment by moment, in sentences."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from routing.escalation import Ended, Policy, Step, When
from routing.policy_words import Names, coming_words, number_words
from routing.rehearsal import Act, Event, Moment, What

ACT_WORDS = {
    Act.CUSTOMER_WRITES: gettext_lazy("The customer writes again"),
    Act.CLAIM: gettext_lazy("Somebody claims it"),
    Act.RELEASE: gettext_lazy("Its owner releases it"),
    Act.TRANSFER: gettext_lazy("It is transferred to somebody"),
    Act.REPLY: gettext_lazy("Somebody answers"),
    Act.SNOOZE: gettext_lazy("Somebody snoozes it"),
    Act.WAKE: gettext_lazy("The snooze ends"),
    Act.CLOSE: gettext_lazy("Somebody closes it"),
    Act.OPT_OUT: gettext_lazy("The customer opts out"),
}
_ENDED_WORDS = {
    Ended.ANSWERED: gettext_lazy("somebody has answered"),
    Ended.CLOSED: gettext_lazy("it is closed"),
    Ended.OPTED_OUT: gettext_lazy("the customer has opted out"),
    Ended.BLOCKED: gettext_lazy("the contact is blocked"),
    Ended.CLAIMED: gettext_lazy("somebody has claimed it"),
    Ended.REPLACED: gettext_lazy("another policy took its place"),
}


@dataclass(frozen=True)
class Line:
    """What happens at one moment. `after` is the time since the customer began to wait."""

    at: datetime
    after: timedelta
    sentences: tuple[str, ...]
    is_act: bool = False
    has_effect: bool = False


def told(
    policy: Policy,
    begins: datetime,
    events: Iterable[Event],
    moments: Iterable[Moment],
    *,
    names: Names,
    clock: Callable[[datetime], str],
) -> tuple[Line, ...]:
    """Tell a run in order: at each moment first what people do, then what comes of it.

    `clock` writes a moment as the inbox's clock shows it.
    """
    steps = dict(policy.numbered())
    acts: dict[datetime, list[str]] = {begins: [_("The customer writes, and waits")]}
    for event in sorted(events, key=lambda event: event.at):
        acts.setdefault(event.at, []).append(str(ACT_WORDS[event.act]))
    effects: dict[datetime, list[Moment]] = {}
    for moment in moments:
        effects.setdefault(moment.at, []).append(moment)
    lines = []
    for at in sorted({*acts, *effects}):
        found = effects.get(at, [])
        sentences = [_sentence(one, steps, names, clock) for one in found]
        if at == begins:
            sentences += _resting(steps, {one.number for one in found})
        fires = any(one.what is What.FIRED for one in found)
        done = (*acts.get(at, ()), *sentences)
        lines.append(Line(at, at - begins, done, at in acts, fires))
    return tuple(lines)


def _sentence(
    moment: Moment, steps: dict[int, Step], names: Names, clock: Callable[[datetime], str]
) -> str:
    told = {
        "step": _first_up(number_words(moment.number)),
        "due": clock(moment.due_at) if moment.due_at else "",
    }
    match moment.what:
        case What.SET:
            return _("%(step)s is due at %(due)s") % told
        case What.WARNED:
            return _("%(step)s is near: those who have it are warned") % told
        case What.FIRED:
            what = coming_words(steps[moment.number], names)
            return _("%(step)s: %(what)s") % {**told, "what": what}
        case What.ENDED:
            why = _ENDED_WORDS.get(Ended(moment.why), moment.why)
            return _("%(step)s does not come: %(why)s") % {**told, "why": why}
        case What.SUSPENDED:
            return _("%(step)s rests and keeps what is left of its time") % told
        case What.RESUMED:
            return _("%(step)s goes on and is due at %(due)s") % told


def _resting(steps: dict[int, Step], begun: set[int]) -> Iterator[str]:
    """Tell of steps that have not begun when the customer begins to wait."""
    for number, step in steps.items():
        if number in begun:
            continue
        name = _first_up(number_words(number))
        if step.when is When.OWNER_SILENT:
            yield _("%s begins when somebody has it") % name
        else:
            yield _("%s never comes: these hours do not open") % name


def _first_up(words: str) -> str:
    return words[:1].upper() + words[1:]
