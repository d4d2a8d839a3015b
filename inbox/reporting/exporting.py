"""Which conversations does somebody take away as a table, one line each?

Only those they may read, asked again for every part: who loses sight in the middle gets no more.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, OuterRef, Q, Subquery
from django.utils.translation import gettext as _

from accounts.access import Viewer
from inbox.labels import channel_words, contact_name
from inbox.masking import masked_words
from inbox.models import Conversation, Message, ResponseTime
from inbox.models.conversation import ConversationQuerySet
from inbox.reporting.asking import Period
from inbox.reporting.scope import Scope

PART = 500
Row = Sequence[Any]


def header() -> list[str]:
    """Return the titles of the columns. Times are whole seconds, moments in UTC."""
    return [
        _("Conversation"),
        _("Inbox"),
        _("Customer"),
        _("Customer’s address"),
        _("Our number"),
        _("Channel"),
        _("Status"),
        _("Opened at"),
        _("Closed at"),
        _("Reason of the close"),
        _("Owner"),
        _("Last owner"),
        _("Tags"),
        _("Priority"),
        _("Messages in"),
        _("Messages out"),
        _("Notes"),
        _("Times reopened"),
        _("First reply (seconds)"),
        _("First reply in business hours (seconds)"),
        _("Time to close (seconds)"),
        _("Time to close in business hours (seconds)"),
        _("Waiting since"),
    ]


def number_of(scope: Scope, period: Period) -> int:
    """Count the lines that an export has."""
    return _wanted(scope, period).count()


def lines_of(scope: Scope, period: Period, *, look: Callable[[], Viewer]) -> Iterator[Row]:
    """Return a line for each conversation that began in the period, the oldest first.

    They are read part by part; before each `look` says what their reader is entitled to by then.
    """
    last: tuple[datetime, int] | None = None
    while True:
        seen = Scope(**{**vars(scope), "viewer": look()})
        rows = _part(seen, period, last)
        for row in rows:
            yield _line(row, is_masked=not seen.viewer.sees_numbers)
        if len(rows) < PART:
            return
        last = rows[-1].opened_at, rows[-1].pk


def _wanted(scope: Scope, period: Period) -> ConversationQuerySet:
    return scope.readable().filter(opened_at__gte=period.since, opened_at__lt=period.until)


def _part(scope: Scope, period: Period, last: tuple[datetime, int] | None) -> list[Conversation]:
    rows = _wanted(scope, period)
    if last is not None:
        at, pk = last
        rows = rows.filter(Q(opened_at__gt=at) | Q(opened_at=at, pk__gt=pk), opened_at__gte=at)
    rows = rows.select_related(
        "inbox", "contact", "thread__address", "thread__sender", "owner", "last_owner"
    )
    return list(
        rows.annotate(
            inbound=_number(Q(direction="in") & ~Q(kind=Message.Kind.REACTION)),
            outbound=_number(Q(direction="out") & ~Q(kind__in=_NOT_SENT)),
            notes=_number(Q(kind=Message.Kind.NOTE)),
            **_time("first", ResponseTime.Kind.FIRST),
            **_time("took", ResponseTime.Kind.RESOLUTION),
        ).order_by("opened_at", "pk")[:PART]
    )


_NOT_SENT = (Message.Kind.NOTE, Message.Kind.REACTION)


def _number(which: Q) -> Subquery:
    rows = Message.objects.filter(which, conversation=OuterRef("pk")).order_by()
    return Subquery(rows.values("conversation").annotate(n=Count("pk")).values("n"))


def _time(name: str, kind: str) -> dict[str, Subquery]:
    rows = ResponseTime.objects.filter(conversation=OuterRef("pk"), kind=kind).order_by("-turn")
    return {
        name: Subquery(rows.values("calendar_time")[:1]),
        f"{name}_business": Subquery(rows.values("business_time")[:1]),
    }


def _line(row: Any, *, is_masked: bool) -> Row:
    thread, address = row.thread, row.thread.address
    number = address.phone or address.key.partition(":")[2]
    return [
        row.public_id,
        row.inbox.name,
        contact_name(row.contact, address, is_masked=is_masked),
        masked_words(number) if is_masked else number,
        thread.sender.address,
        channel_words(address.family),
        row.status,
        row.opened_at,
        row.closed_at,
        row.close_reason,
        row.owner.name if row.owner else "",
        row.last_owner.name if row.last_owner else "",
        ", ".join(row.tags),
        row.priority,
        row.inbound or 0,
        row.outbound or 0,
        row.notes or 0,
        row.reopen_count,
        *map(_seconds, (row.first, row.first_business, row.took, row.took_business)),
        row.waiting_since,
    ]


def _seconds(span: timedelta | None) -> int | None:
    return None if span is None else round(span.total_seconds())
