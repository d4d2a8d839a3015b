"""Who gets help when a customer waits, and when? Policies, their timers, what acts do to these.

Pure: the moment is an argument, instants are aware and in UTC, and every function returns new
timers. Contract: behaviour 2. A timer runs for a length of time from an anchor on; where it runs
in business hours, only open time counts. A second message of a customer who waits restarts
nothing: an impatient one would else never be helped.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from routing.hours import Calendar


class Clock(StrEnum):
    """Which time counts."""

    CALENDAR = "calendar"
    BUSINESS = "business"


class When(StrEnum):
    """In which state of things a step acts."""

    UNCLAIMED = "unclaimed"
    OWNER_SILENT = "owner_silent"
    ANY_UNANSWERED = "any_unanswered"


class Do(StrEnum):
    """What a step does. `add` is the default: nobody loses the conversation by it."""

    ADD = "add"
    MOVE = "move"
    RELEASE = "release"
    NOTIFY = "notify"
    PRIORITY = "priority"
    DATA_ACTION = "data_action"
    # Of no policy: tells the customer that they are not forgotten, once in each wait.
    REMIND = "remind"


class Ended(StrEnum):
    """Why a timer will not fire any more."""

    ANSWERED = "answered"
    CLOSED = "closed"
    OPTED_OUT = "opted out"
    BLOCKED = "blocked"
    CLAIMED = "claimed"
    REPLACED = "replaced"


# A claim is undone by a release; from the others only what undoes them brings a timer back.
_RETURNS = frozenset({Ended.CLAIMED})


@dataclass(frozen=True)
class Rung:
    """Whom one rung of a ladder names: people by id, or a team."""

    users: tuple[int, ...] = ()
    team: int | None = None


@dataclass(frozen=True)
class Step:
    """After so many minutes of a clock, if `when` still holds, `do` something."""

    after: int
    clock: Clock = Clock.CALENDAR
    when: When = When.ANY_UNANSWERED
    do: Do = Do.ADD
    to: tuple[Rung, ...] = ()
    priority: str = ""
    data_action: str = ""

    def __post_init__(self) -> None:
        if self.after < 1:
            raise ValueError("a step comes after a minute or more")

    @property
    def length(self) -> timedelta:
        """Return how long it waits, of its own clock."""
        return timedelta(minutes=self.after)


@dataclass(frozen=True)
class Ahead:
    """How long before a step the audience is warned: a share of it, but no more than minutes.

    Zero of either: no warning.
    """

    percent: int = 25
    minutes: int = 5

    def __post_init__(self) -> None:
        if not (0 <= self.percent <= 100 and self.minutes >= 0):
            raise ValueError("a warning comes between a step's beginning and its end")

    def of(self, length: timedelta) -> timedelta:
        """Return how long before the end of this length the warning comes."""
        return min(length * self.percent / 100, timedelta(minutes=self.minutes))


# The numbers of steps that no policy has: what an inbox says by itself to a customer who waits, and
# the last one, which nobody can delete.
REMIND, LAST = 98, 99
LAST_STEP = Step(after=24 * 60, clock=Clock.BUSINESS, do=Do.NOTIFY)


@dataclass(frozen=True)
class Policy:
    """Ordered steps, and how long before each the audience is warned.

    `reminder` comes from what the inbox says by itself; nobody is warned of it.
    """

    steps: tuple[Step, ...] = ()
    ahead: Ahead = Ahead()
    reminder: Step | None = None

    def numbered(self) -> Iterator[tuple[int, Step]]:
        """Return every step with its number, from 1 on; those that nobody wrote too."""
        yield from enumerate(self.steps, start=1)
        if self.reminder:
            yield REMIND, self.reminder
        yield LAST, LAST_STEP

    def ahead_of(self, step: Step) -> timedelta:
        """Return how long before a step the audience is warned."""
        return timedelta() if step.do is Do.REMIND else self.ahead.of(step.length)


@dataclass(frozen=True)
class Waiting:
    """Since when a customer waits, and since when somebody has the conversation, if anybody."""

    since: datetime
    owned_since: datetime | None = None

    def suits(self, step: Step) -> bool:
        """Say whether the state of things is the one in which a step acts."""
        if step.when is When.UNCLAIMED:
            return self.owned_since is None
        return step.when is When.ANY_UNANSWERED or self.owned_since is not None

    def anchor_of(self, step: Step) -> datetime:
        """Return the moment from which a step's time counts."""
        if step.when is When.OWNER_SILENT and self.owned_since:
            return max(self.since, self.owned_since)
        return self.since


@dataclass(frozen=True)
class Timer:
    """When one step acts in one wait.

    It runs (`due_at` says until when), rests (the state of things is not its own, or its hours
    never come), is suspended (`remaining` says how much of its clock is left), has fired, or ended.
    """

    number: int
    step: Step
    anchor: datetime
    length: timedelta
    ahead: timedelta = timedelta()
    due_at: datetime | None = None
    warn_at: datetime | None = None
    warned_at: datetime | None = None
    fired_at: datetime | None = None
    ended_at: datetime | None = None
    ended_by: Ended | None = None
    remaining: timedelta | None = None

    @property
    def is_open(self) -> bool:
        """Say whether it may still fire."""
        return self.fired_at is None and self.ended_at is None

    @property
    def is_running(self) -> bool:
        """Say whether it will fire unless something happens."""
        return self.is_open and self.remaining is None and self.due_at is not None

    @property
    def next_at(self) -> datetime | None:
        """Return when it next has something to do: to warn, or to fire; None if never."""
        if not self.is_running:
            return None
        return self.due_at if self.warned_at or self.warn_at is None else self.warn_at


Timers = tuple[Timer, ...]


# --- How timers begin ---


def schedule(policy: Policy, waiting: Waiting, calendar: Calendar) -> Timers:
    """Return a timer for every step of a policy, and for the last one that nobody wrote.

    Those whose state of things is not there yet rest; so do steps in business hours that never
    come, which `problems` told when the policy was published.
    """
    return tuple(
        aimed(
            Timer(number, step, waiting.anchor_of(step), step.length, policy.ahead_of(step)),
            waiting,
            calendar,
        )
        for number, step in policy.numbered()
    )


def schedule_last(waiting: Waiting, calendar: Calendar, ahead: Ahead | None = None) -> Timer:
    """Return the timer of the last step alone."""
    return schedule(Policy((), ahead or Ahead()), waiting, calendar)[-1]


def aimed(timer: Timer, waiting: Waiting, calendar: Calendar) -> Timer:
    """Aim an open timer at its end, or let it rest if the state of things is not its own."""
    if not waiting.suits(timer.step):
        return replace(timer, due_at=None, warn_at=None)
    due = _end(timer, timer.length, calendar)
    warn = None
    if due and timer.ahead:
        warn = _end(timer, max(timer.length - timer.ahead, timedelta()), calendar)
    return replace(timer, due_at=due, warn_at=warn)


def _end(timer: Timer, length: timedelta, calendar: Calendar) -> datetime | None:
    if timer.step.clock is Clock.CALENDAR:
        return timer.anchor + length
    end = calendar.add_open_time(timer.anchor, length)
    # Nobody waits unnoticed for ever because an inbox forgot to say when it is open.
    return timer.anchor + length if end is None and timer.number == LAST else end


# --- What acts do to them ---


def claimed(timers: Timers, waiting: Waiting, calendar: Calendar, *, at: datetime) -> Timers:
    """Somebody has it now: what waited for a claim ends, what watches an owner begins."""

    def follow(timer: Timer) -> Timer:
        if timer.step.when is When.UNCLAIMED:
            return _end_one(timer, Ended.CLAIMED, at)
        if timer.step.when is When.OWNER_SILENT:
            return _from(timer, waiting, calendar, at)
        return timer

    return _each_open(timers, follow)


def unowned(timers: Timers, waiting: Waiting, calendar: Calendar, *, at: datetime) -> Timers:
    """Nobody has it any more, by a step's own act: the ladder goes on and does not start over.

    Were it to start over, a step that moves or releases would come again and again.
    """

    def follow(timer: Timer) -> Timer:
        if timer.step.when is When.OWNER_SILENT:
            return replace(timer, due_at=None, warn_at=None, remaining=None)
        if timer.step.when is When.UNCLAIMED:
            return _from(timer, waiting, calendar, at)
        return timer

    back = tuple(_unended(timer) if timer.ended_by in _RETURNS else timer for timer in timers)
    return _each_open(back, follow)


def restarted(timers: Timers, waiting: Waiting, calendar: Calendar, *, at: datetime) -> Timers:
    """A person released, transferred or took it over: the ladder starts over at step 1, now.

    `waiting` is as it is afterwards. The last step goes on, and so does what is said to the
    customer: they have waited all the time.
    """

    def follow(timer: Timer) -> Timer:
        is_over = timer.ended_by is not None and timer.ended_by not in _RETURNS
        if timer.number >= REMIND or is_over:
            return timer
        fresh = _from(replace(_unended(timer), fired_at=None), waiting, calendar, at)
        is_claimed = timer.step.when is When.UNCLAIMED and waiting.owned_since is not None
        return _end_one(fresh, Ended.CLAIMED, at) if is_claimed else fresh

    return tuple(follow(timer) for timer in timers)


def ended(timers: Timers, why: Ended, *, at: datetime) -> Timers:
    """An answer, a close or an opt-out: nothing fires any more."""
    return _each_open(timers, lambda timer: _end_one(timer, why, at))


def restored(timers: Timers, why: Ended) -> Timers:
    """What ended them was undone: they are exactly as they were."""
    return tuple(_unended(timer) if timer.ended_by is why else timer for timer in timers)


def renewed(
    timers: Timers, why: Ended, waiting: Waiting, calendar: Calendar, *, at: datetime
) -> Timers:
    """What ended them is over, a while later: each counts anew from now."""
    return tuple(
        _from(_unended(timer), waiting, calendar, at) if timer.ended_by is why else timer
        for timer in timers
    )


def suspended(timers: Timers, calendar: Calendar, *, at: datetime) -> Timers:
    """Snoozed, or the account is off: each keeps what is left of its clock."""

    def follow(timer: Timer) -> Timer:
        if not timer.is_running:
            return timer
        return replace(timer, remaining=_left(timer, calendar, at), due_at=None, warn_at=None)

    return _each_open(timers, follow)


def resumed(timers: Timers, waiting: Waiting, calendar: Calendar, *, at: datetime) -> Timers:
    """The suspension is over: what was left runs from now."""

    def follow(timer: Timer) -> Timer:
        if timer.remaining is None:
            return timer
        going = replace(timer, anchor=at, length=timer.remaining, remaining=None)
        return aimed(going, waiting, calendar)

    return _each_open(timers, follow)


def recomputed(timers: Timers, waiting: Waiting, calendar: Calendar) -> Timers:
    """Business hours changed: what runs or rests is aimed anew, from its anchor."""

    def follow(timer: Timer) -> Timer:
        return timer if timer.remaining is not None else aimed(timer, waiting, calendar)

    return _each_open(timers, follow)


def warned(timers: Timers, number: int, *, at: datetime) -> Timers:
    """The audience was told that this step is near."""
    return _one(timers, number, lambda timer: replace(timer, warned_at=at))


def fired(timers: Timers, number: int, *, at: datetime) -> Timers:
    """This step acted."""
    return _one(timers, number, lambda timer: replace(timer, fired_at=at))


def _left(timer: Timer, calendar: Calendar, at: datetime) -> timedelta:
    """Return what is left of a running timer's clock at a moment."""
    assert timer.due_at is not None
    if timer.step.clock is Clock.CALENDAR or _is_last_by_the_wall(timer, calendar):
        return max(timer.due_at - at, timedelta())
    return calendar.open_time_between(max(at, timer.anchor), timer.due_at)


def _is_last_by_the_wall(timer: Timer, calendar: Calendar) -> bool:
    return timer.number == LAST and calendar.add_open_time(timer.anchor, timer.length) is None


def _from(timer: Timer, waiting: Waiting, calendar: Calendar, at: datetime) -> Timer:
    """Let a timer run from a moment on, for all of its step's time."""
    fresh = replace(timer, anchor=max(at, waiting.since), length=timer.step.length, warned_at=None)
    return aimed(replace(fresh, remaining=None), waiting, calendar)


def _end_one(timer: Timer, why: Ended, at: datetime) -> Timer:
    return replace(timer, ended_at=at, ended_by=why)


def _unended(timer: Timer) -> Timer:
    return replace(timer, ended_at=None, ended_by=None)


def _each_open(timers: Timers, follow: Callable[[Timer], Timer]) -> Timers:
    return tuple(follow(timer) if timer.is_open else timer for timer in timers)


def _one(timers: Timers, number: int, follow: Callable[[Timer], Timer]) -> Timers:
    return tuple(follow(timer) if timer.number == number else timer for timer in timers)


# --- Whom a step names ---


@dataclass(frozen=True)
class Helpers:
    """Whom a rung came down to, and which rungs were passed over because nobody there could."""

    rung: Rung
    users: tuple[int, ...]
    passed: tuple[Rung, ...] = ()


def helpers_of(
    step: Step, *, members: Mapping[int, Collection[int]], able: Collection[int]
) -> Helpers | None:
    """Return the first rung of a step's ladder on which somebody is able to help, or None.

    `members` says who is in each team; `able` are those who may work here, are available, and do
    not have the conversation already.
    """
    passed: list[Rung] = []
    for rung in step.to:
        named = rung.users if rung.team is None else tuple(members.get(rung.team, ()))
        if users := tuple(user for user in named if user in able):
            return Helpers(rung, users, tuple(passed))
        passed.append(rung)
    return None
