"""What would an escalation policy do? A run on a virtual clock; nothing is sent or written."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from routing import escalation
from routing.escalation import Do, Ended, Policy, Timer, Timers, Waiting
from routing.hours import Calendar


class Act(StrEnum):
    """What people do while a policy runs."""

    CUSTOMER_WRITES = "customer writes"
    CLAIM = "claim"
    RELEASE = "release"
    TRANSFER = "transfer"
    REPLY = "reply"
    SNOOZE = "snooze"
    WAKE = "wake"
    CLOSE = "close"
    OPT_OUT = "opt out"


class What(StrEnum):
    """What becomes of a step."""

    SET = "set"
    WARNED = "warned"
    FIRED = "fired"
    ENDED = "ended"
    SUSPENDED = "suspended"
    RESUMED = "resumed"


@dataclass(frozen=True)
class Event:
    """Somebody does something at a moment."""

    at: datetime
    act: Act


@dataclass(frozen=True)
class Moment:
    """Something becomes of one step at a moment.

    `due_at` says when it is due from then on; `why` names the act, or what ended it.
    """

    at: datetime
    what: What
    number: int
    due_at: datetime | None = None
    why: str = ""


def run(
    policy: Policy,
    waiting: Waiting,
    calendar: Calendar,
    events: Iterable[Event],
    until: datetime,
) -> tuple[Moment, ...]:
    """Play a policy from the moment the customer waits; return what happens, in order.

    A step that is due at the very moment of an act comes after it. Events before the customer
    waits, and after `until`, are left out. Steps that name people find the first of them there.
    """
    stage = _Stage(policy, calendar, waiting)
    stage.change(waiting.since, escalation.schedule(policy, waiting, calendar), "waiting")
    for event in sorted(events, key=lambda event: event.at):
        if waiting.since <= event.at <= until:
            stage.play(event.at, inclusive=False)
            stage.act(event)
    stage.play(until, inclusive=True)
    return tuple(stage.moments)


@dataclass
class _Stage:
    policy: Policy
    calendar: Calendar
    waiting: Waiting | None
    timers: Timers = ()
    is_snoozed: bool = False
    moments: list[Moment] = field(default_factory=list)
    owned_since: datetime | None = None

    def __post_init__(self) -> None:
        self.owned_since = self.waiting.owned_since if self.waiting else None

    def play(self, until: datetime, *, inclusive: bool) -> None:
        """Let timers do what is due before a moment, or at it."""
        while timer := self._next():
            at = timer.next_at
            assert at is not None
            if at > until or (at == until and not inclusive):
                return
            self._let_do(timer, at)

    def _next(self) -> Timer | None:
        running = [timer for timer in self.timers if timer.next_at]
        return min(running, key=lambda timer: (timer.next_at, timer.number), default=None)

    def _let_do(self, timer: Timer, at: datetime) -> None:
        if at == timer.due_at:
            self.moments.append(Moment(at, What.FIRED, timer.number, why=timer.step.do.value))
            self.timers = escalation.fired(self.timers, timer.number, at=at)
            self._change_hands(timer, at)
        else:
            self.moments.append(Moment(at, What.WARNED, timer.number, timer.due_at))
            self.timers = escalation.warned(self.timers, timer.number, at=at)

    def _change_hands(self, timer: Timer, at: datetime) -> None:
        """Follow what a step did to the owner: one person it was moved to owns it."""
        step, wait = timer.step, self.waiting
        if step.do not in (Do.MOVE, Do.RELEASE) or wait is None:
            return
        has_owner = step.do is Do.MOVE and len(step.to[0].users) == 1
        if self.owned_since is None and not has_owner:
            # As before nobody owns it: no timer has anything to follow.
            return
        self.owned_since = at if has_owner else None
        self.waiting = replace(wait, owned_since=self.owned_since)
        follow = escalation.claimed if has_owner else escalation.unowned
        changed = follow(self.timers, self.waiting, self.calendar, at=at)
        self.change(at, changed, step.do.value)

    def act(self, event: Event) -> None:
        """Follow what somebody does."""
        match event.act:
            case Act.CUSTOMER_WRITES:
                self._hear_customer(event)
            case Act.CLAIM | Act.RELEASE | Act.TRANSFER:
                self._change_owner(event)
            case Act.SNOOZE | Act.WAKE:
                self._pause(event)
            case Act.REPLY | Act.CLOSE | Act.OPT_OUT:
                self._end(event)

    def _hear_customer(self, event: Event) -> None:
        if self.is_snoozed:
            self._pause(replace(event, act=Act.WAKE))
        if self.waiting is None:
            self.waiting = Waiting(event.at, self.owned_since)
            self.timers = ()
            fresh = escalation.schedule(self.policy, self.waiting, self.calendar)
            self.change(event.at, fresh, event.act.value)

    def _change_owner(self, event: Event) -> None:
        is_owned = self.owned_since is not None
        if (event.act is Act.CLAIM and is_owned) or (event.act is Act.RELEASE and not is_owned):
            return
        self.owned_since = None if event.act is Act.RELEASE else event.at
        if self.waiting is None:
            return
        self.waiting = replace(self.waiting, owned_since=self.owned_since)
        follow = escalation.claimed if event.act is Act.CLAIM else escalation.restarted
        changed = follow(self.timers, self.waiting, self.calendar, at=event.at)
        if self.is_snoozed:
            changed = escalation.suspended(changed, self.calendar, at=event.at)
        self.change(event.at, changed, event.act.value)

    def _pause(self, event: Event) -> None:
        self.is_snoozed = event.act is Act.SNOOZE
        if self.waiting is None:
            return
        if self.is_snoozed:
            changed = escalation.suspended(self.timers, self.calendar, at=event.at)
        else:
            changed = escalation.resumed(self.timers, self.waiting, self.calendar, at=event.at)
        self.change(event.at, changed, event.act.value)

    def _end(self, event: Event) -> None:
        reasons = {
            Act.REPLY: Ended.ANSWERED,
            Act.CLOSE: Ended.CLOSED,
            Act.OPT_OUT: Ended.OPTED_OUT,
        }
        changed = escalation.ended(self.timers, reasons[event.act], at=event.at)
        self.change(event.at, changed, event.act.value)
        if event.act is not Act.OPT_OUT:
            self.waiting, self.is_snoozed = None, False
        if event.act is Act.CLOSE:
            self.owned_since = None

    def change(self, at: datetime, timers: Timers, why: str) -> None:
        """Take over timers that changed, and note what became of each."""
        before = {timer.number: timer for timer in self.timers}
        for timer in timers:
            if what := _became(before.get(timer.number), timer):
                words = timer.ended_by.value if timer.ended_by and what is What.ENDED else why
                self.moments.append(Moment(at, what, timer.number, timer.due_at, words))
        self.timers = timers


def _became(before: Timer | None, after: Timer) -> What | None:
    """Say what an act made of a timer, if anything."""
    if before == after:
        return None
    if not after.is_open:
        return What.ENDED if before is None or before.is_open else None
    if after.remaining is not None:
        return What.SUSPENDED
    if before is not None and before.remaining is not None and after.is_running:
        return What.RESUMED
    is_set = after.is_running and (before is None or before.due_at != after.due_at)
    return What.SET if is_set or (before is not None and not before.is_open) else None
