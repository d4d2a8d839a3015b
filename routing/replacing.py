"""What becomes of a wait that goes on when another policy, or an edited one, watches over it?

Pure, as `routing.escalation` is. Steps that are the same go on as they were. What acted already
does not act again, however its step is numbered or timed now. All else counts from where the old
ladder counted: from when the wait began, or from where it started over, without its snoozes.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from routing.escalation import LAST, Ended, Policy, Step, Timer, Timers, Waiting, When, aimed
from routing.hours import Calendar


def replaced(timers: Timers, policy: Policy, waiting: Waiting, calendar: Calendar) -> Timers:
    """Return the timers of a policy in place of those of a wait. The last step goes on."""
    found = _kept(timers, policy)
    over = next((one for one in timers if one.ended_by not in (None, Ended.CLAIMED)), None)

    def follow(number: int, step: Step) -> Timer:
        if number in found:
            return _going_on(found[number], number, step, policy, waiting, calendar)
        fresh = _begun(number, step, policy, timers, waiting, calendar)
        # Who opted out is not helped by a new policy either.
        return replace(fresh, ended_at=over.ended_at, ended_by=over.ended_by) if over else fresh

    return tuple(follow(number, step) for number, step in policy.numbered())


def _kept(timers: Timers, policy: Policy) -> dict[int, Timer]:
    """Return which steps of a policy have a timer, or have acted already, by their new number.

    Of steps that do the same as many have acted as did before: best those that are the same.
    """
    found = {timer.number: timer for timer in timers if timer.number == LAST}
    left = [timer for timer in timers if timer.number != LAST]
    known = [timer.step for timer in left if timer.fired_at is None]

    def match(fits: Callable[[Timer, int, Step], bool]) -> None:
        for number, step in policy.numbered():
            if number in found:
                continue
            timer = next((one for one in left if fits(one, number, step)), None)
            if timer:
                found[number] = timer
                left.remove(timer)

    def has_acted(timer: Timer, step: Step) -> bool:
        return timer.fired_at is not None and _act_of(timer.step) == _act_of(step)

    match(lambda timer, number, step: has_acted(timer, step) and _is(timer, number, step))
    match(lambda timer, _, step: has_acted(timer, step) and timer.step == step)
    match(lambda timer, _, step: has_acted(timer, step) and step not in known)
    match(lambda timer, _, step: has_acted(timer, step))
    match(_is)
    match(lambda timer, _, step: timer.step == step)
    return found


def _is(timer: Timer, number: int, step: Step) -> bool:
    return timer.number == number and timer.step == step


def _act_of(step: Step) -> tuple[object, ...]:
    """Say what a step does, whenever it does it."""
    return step.do, step.to, step.priority, step.data_action


def _going_on(
    timer: Timer, number: int, step: Step, policy: Policy, waiting: Waiting, calendar: Calendar
) -> Timer:
    """Let a timer be that of its step in the new policy; only the warning may come otherwise."""
    if number == LAST:
        return timer
    ahead = policy.ahead_of(step)
    kept = replace(timer, number=number, step=step, ahead=ahead)
    return aimed(kept, waiting, calendar) if kept.is_running and ahead != timer.ahead else kept


def _begun(
    number: int, step: Step, policy: Policy, timers: Timers, waiting: Waiting, calendar: Calendar
) -> Timer:
    """Begin the timer of a new step where the old ladder's clock stands."""
    ahead = policy.ahead_of(step)
    peer = _peer_of(step, timers)
    if peer is None:
        fresh = Timer(number, step, waiting.anchor_of(step), step.length, ahead)
        return aimed(fresh, waiting, calendar)
    is_held = peer.remaining is not None
    used = peer.step.length - (peer.length if peer.remaining is None else peer.remaining)
    left = max(step.length - used, timedelta())
    fresh = Timer(number, step, peer.anchor, left, ahead)
    if is_held and waiting.suits(step):
        return replace(fresh, remaining=left)
    return aimed(fresh, waiting, calendar)


def _peer_of(step: Step, timers: Timers) -> Timer | None:
    """Return the timer that tells best how far the clock of a new step has run."""

    def nearness(timer: Timer) -> tuple[object, ...]:
        # Of snoozes and of new beginnings, those know that were open then: they count from later.
        is_held, old = timer.remaining is not None, timer.step
        return is_held, timer.anchor, old.clock is step.clock, old.when is step.when

    watches_owner = step.when is When.OWNER_SILENT
    peers = [one for one in timers if (one.step.when is When.OWNER_SILENT) is watches_owner]
    return max(peers, key=nearness, default=None)
