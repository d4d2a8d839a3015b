"""What do reports ask the database: sums of cells, how long things took, and how it is now?"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib.postgres.fields import ArrayField
from django.db.models import (
    Aggregate,
    Count,
    DateTimeField,
    DurationField,
    ExpressionWrapper,
    F,
    Min,
    Q,
    QuerySet,
    Sum,
    Value,
)
from django.db.models.expressions import Combinable

from inbox.models import Conversation, ReportCell, ReportState, ResponseTime
from inbox.reporting.scope import Scope
from inbox.reporting.tables import Kind, words_for

_K = ResponseTime.Kind
END_OF_TIME = datetime(9999, 1, 1, tzinfo=UTC)
_MEASURES = (
    *("inbound", "replies", "automatic", "notes", "sent", "delivered", "failed", "blocked"),
    *("segments", "opened", "reopened", "closed", "opt_outs"),
)


class Percentiles(Aggregate):
    """The median and the ninth tenth of lengths of time."""

    function = "percentile_cont"
    template = "%(function)s(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = ArrayField(DurationField())


@dataclass(frozen=True)
class Took:
    """How long things took: how many there were, half and nine tenths of them took no longer."""

    number: int = 0
    median: timedelta | None = None
    ninth: timedelta | None = None
    late: int = 0


@dataclass(frozen=True)
class Standing:
    """How it is at this moment: what is open, and who waits since when."""

    open: int
    waiting: int
    longest_wait: timedelta | None
    late: int = 0

    @property
    def longest_words(self) -> str:
        """Write how long who waits longest has waited."""
        return words_for(self.longest_wait, Kind.TIME)


def counted_to_of(account_id: int) -> datetime | None:
    """Return up to when an account's figures go; None where nothing was ever counted."""
    found = ReportState.objects.filter(account=account_id)
    return found.values_list("counted_to", flat=True).first()


def zone_of(scope: Scope) -> ZoneInfo:
    """Return the clocks a report goes by: of its one inbox, or of the account."""
    if len(scope.chosen) == 1:
        return ZoneInfo(scope.chosen[0].zone)
    return ZoneInfo(scope.chosen[0].account.time_zone if scope.chosen else "UTC")


def standing_of(scope: Scope, *, now: datetime) -> Standing:
    """Say how it is now, in one question."""
    late_since = ExpressionWrapper(Value(now) - _too_long(scope), DateTimeField())
    is_late = Q(waiting_since__lte=late_since)
    is_open = Q(status=Conversation.Status.OPEN)
    found = (
        scope.conversations()
        .live()
        .aggregate(
            open=Count("pk", filter=is_open),
            waiting=Count("pk", filter=is_open & Q(waiting_since__isnull=False)),
            oldest=Min("waiting_since", filter=is_open),
            late=Count("pk", filter=is_open & is_late),
        )
    )
    oldest = found["oldest"]
    longest = None if oldest is None else now - oldest
    return Standing(found["open"], found["waiting"], longest, found["late"])


def times_of(scope: Scope, since: datetime, until: datetime) -> dict[str, Took]:
    """Return by kind how long things took that ended in that time, in one question.

    `reply` are first and next answers together, `wait` all waits, those that were in vain too.
    """
    clock = scope.asked.clock
    wanted = {
        "first": Q(kind=_K.FIRST),
        "reply": Q(kind__in=[_K.FIRST, _K.NEXT]),
        "resolution": Q(kind=_K.RESOLUTION),
        "wait": ~Q(kind=_K.RESOLUTION),
    }
    is_late = Q(**{f"{clock}__gt": _too_long(scope)})
    asked: dict[str, Any] = {}
    for name, kind in wanted.items():
        asked[f"{name}_number"] = Count("pk", filter=kind)
        asked[f"{name}_parts"] = Percentiles(clock, filter=kind)
        asked[f"{name}_late"] = Count("pk", filter=kind & is_late)
    found = scope.times(since, until).aggregate(**asked)
    return {
        name: Took(
            found[f"{name}_number"], *parts_of(found[f"{name}_parts"]), found[f"{name}_late"]
        )
        for name in wanted
    }


def running_at(scope: Scope, moments: Sequence[datetime]) -> list[Took]:
    """Count the waits that went on at each moment, and those of them that were too long by then.

    By the calendar: how much of a wait that goes on lay in business hours is not stored. Who was
    asked for is whose conversation it is, and who answered it later.
    """
    waiting = scope.conversations().live().filter(status=Conversation.Status.OPEN)
    ended = scope.times(min(moments), END_OF_TIME).filter(~Q(kind=_K.RESOLUTION))
    going_on = waiting.aggregate(**_running(scope, moments, "waiting_since"))
    ended_later = ended.aggregate(**_running(scope, moments, "began_at", "ended_at"))
    sums = {name: going_on[name] + ended_later[name] for name in going_on}
    return [Took(sums[f"number_{n}"], late=sums[f"late_{n}"]) for n in range(len(moments))]


def _running(
    scope: Scope, moments: Sequence[datetime], began: str, ended: str = ""
) -> dict[str, Count]:
    asked = {}
    for n, at in enumerate(moments):
        late_since = ExpressionWrapper(Value(at) - _too_long(scope), DateTimeField())
        went_on = Q(**{f"{began}__lt": at}) & (Q(**{f"{ended}__gte": at}) if ended else Q())
        asked[f"number_{n}"] = Count("pk", filter=went_on)
        asked[f"late_{n}"] = Count("pk", filter=went_on & Q(**{f"{began}__lt": late_since}))
    return asked


def _too_long(scope: Scope) -> Combinable:
    """How long a customer may wait: what was asked for, or what the row's own inbox says."""
    minute = Value(timedelta(minutes=1))
    minutes = (
        F("inbox__target_minutes") if scope.asked.target is None else Value(scope.asked.target)
    )
    return ExpressionWrapper(minutes * minute, DurationField())


def parts_of(found: Sequence[timedelta] | None) -> tuple[timedelta | None, timedelta | None]:
    """Return the median and the ninth tenth as `Percentiles` found them; None where none were."""
    return (found[0], found[1]) if found else (None, None)


def sums_of(cells: "QuerySet[ReportCell]") -> dict[str, int]:
    """Add up what is counted."""
    return dict(cells.aggregate(**{f"{name}": Sum(name, default=0) for name in _MEASURES}))
