"""How long did it take? Written when a person answers and when a conversation is closed.

The conversation must be locked by whoever calls; its row is saved by the caller. Automatic
messages, notes and claims are nobody's answer and never come here. Contract: behaviour 2, the last
point; how clocks count is told in `routing.sla`.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from accounts.models import User
from inbox.models import Conversation, ConversationEvent, Message, ResponseTime
from inbox.timers import Hours, hours_of
from routing.hours import Calendar
from routing.sla import Happening, Sort, Span, clocks_of, elapsed

_ALWAYS = Hours(Calendar.always())
_Kind = ResponseTime.Kind
_Verb = ConversationEvent.Verb
_SORTS = {
    _Verb.SNOOZED.value: Sort.SNOOZED,
    _Verb.WOKEN.value: Sort.WOKEN,
    _Verb.CLOSED.value: Sort.CLOSED,
    _Verb.REOPENED.value: Sort.REOPENED,
}


def record_answer(row: Conversation, *, by: User, now: datetime) -> None:
    """A person answers: write how long the customer waited, if they did. Does not save the row.

    Who wrote before the customer did gave no first response.
    """
    is_first = row.first_answer_at is None
    row.first_answer_at = row.first_answer_at or now
    if row.waiting_since is None:
        return
    hours = _hours(row)
    span = _waited(row, row.waiting_since, hours, now=now)
    kind = _Kind.FIRST if is_first else _Kind.NEXT
    _store(row, kind, row.wait_generation, row.waiting_since, span, hours, by=by, now=now)


def forget_answers(row: Conversation, *, since: datetime) -> None:
    """Answers to a customer who waits since then have failed: they were none. Does not save."""
    failed = ResponseTime.objects.filter(
        conversation=row, kind__in=[_Kind.FIRST, _Kind.NEXT], began_at__gte=since
    )
    if _Kind.FIRST in set(failed.values_list("kind", flat=True)):
        row.first_answer_at = None
    failed.delete()


def record_close(row: Conversation, *, by: User | None, now: datetime) -> None:
    """Write how long a conversation took, and how long the customer had waited in vain.

    Call it before the row is closed, and before its line in the timeline is written.
    """
    if row.is_hidden:
        return
    hours = _hours(row)
    if row.waiting_since:
        span = _waited(row, row.waiting_since, hours, now=now)
        generation = row.wait_generation
        _store(row, _Kind.UNANSWERED, generation, row.waiting_since, span, hours, by=by, now=now)
    happenings = [
        Happening(row.opened_at, Sort.CUSTOMER),
        *_happenings(row, since=row.opened_at),
        Happening(now, Sort.CLOSED),
    ]
    took = clocks_of(happenings, hours.calendar, now=now).resolution
    if took:
        turn = row.reopen_count
        _store(row, _Kind.RESOLUTION, turn, row.opened_at, took, hours, by=by, now=now)


def forget_close(row: Conversation, *, closed_at: datetime | None) -> None:
    """A close was undone: what it had ended goes on."""
    if closed_at is not None:
        ended = [_Kind.UNANSWERED, _Kind.RESOLUTION]
        row.response_times.filter(kind__in=ended, ended_at=closed_at).delete()


def _hours(row: Conversation) -> Hours:
    return _ALWAYS if row.inbox.hours_id is None else hours_of(row.inbox)


def _waited(row: Conversation, since: datetime, hours: Hours, *, now: datetime) -> Span:
    """Measure a wait. Only where it was snoozed meanwhile is the timeline asked."""
    if row.snoozed_at is None or row.snoozed_at < since:
        return elapsed(since, max(since, now), hours.calendar)
    happenings = [
        Happening(since, Sort.CUSTOMER),
        *(one for one in _happenings(row, since=since) if one.sort in (Sort.SNOOZED, Sort.WOKEN)),
        Happening(now, Sort.PERSON),
    ]
    span = clocks_of(happenings, hours.calendar, now=now).first_response
    assert span is not None, "a wait that a person ends is a response"
    return span


def _happenings(row: Conversation, *, since: datetime) -> list[Happening]:
    """Return what moved the clocks of a conversation since then, without its messages.

    Where it was snoozed a person's words woke it too. A close that was undone was none, nor was a
    reopening.
    """
    events = ConversationEvent.objects.filter(conversation=row, verb__in=_SORTS, at__gte=since)
    found: list[Happening] = []
    for verb, at, data in events.order_by("pk").values_list("verb", "at", "data"):
        if undone := _undone_by(verb, data):
            places = [n for n, one in enumerate(found) if one.sort is undone]
            for place in places[-1:]:
                del found[place]
        else:
            found.append(Happening(at, _SORTS[verb]))
    if any(one.sort is Sort.SNOOZED for one in found):
        found += _answers(row, since=since)
    return found


def _undone_by(verb: str, data: Mapping[str, Any]) -> Sort | None:
    """Return what a line takes back, if it does."""
    if verb == _Verb.REOPENED and data.get("undone"):
        return Sort.CLOSED
    return Sort.REOPENED if verb == _Verb.CLOSED and "of" in data else None


def _answers(row: Conversation, *, since: datetime) -> Iterator[Happening]:
    theirs = Message.objects.filter(
        conversation=row,
        direction=Message.Direction.OUT,
        author__isnull=False,
        created_at__gte=since,
    ).exclude(kind=Message.Kind.NOTE)
    for at in theirs.values_list("created_at", flat=True):
        yield Happening(at, Sort.PERSON)


def _store(
    row: Conversation,
    kind: ResponseTime.Kind,
    turn: int,
    since: datetime,
    span: Span,
    hours: Hours,
    *,
    by: User | None,
    now: datetime,
) -> None:
    one = ResponseTime(
        account_id=row.account_id,
        inbox_id=row.inbox_id,
        conversation=row,
        kind=kind,
        turn=turn,
        user=by,
        began_at=since,
        ended_at=max(since, now),
        calendar_time=span.calendar,
        business_time=span.business,
        hours_number=hours.number,
        hours_version=hours.version,
    )
    # Never may a figure keep an answer from being sent.
    ResponseTime.objects.bulk_create([one], ignore_conflicts=True)
