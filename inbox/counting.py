"""What is in the reports, and up to when? Counted every few minutes, and once more at night.

What is counted is told by rows that stay: messages, the timeline, times of responses, traces of
rules. So whatever is counted again comes out the same, and may be counted as often as one likes.
An account has one row that says how far it is; whoever counts holds it, a quarter of an hour is
replaced as a whole, and a reader never meets half of it.
"""

import logging
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.contrib.postgres.aggregates import ArrayAgg
from django.db import transaction
from django.db.models import Count, DateTimeField, Exists, F, Func, OuterRef, Q, Sum, Value
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Coalesce

from accounts.models import Account
from inbox.models import (
    Conversation,
    ConversationEvent,
    Message,
    ReportCell,
    ReportState,
    ResponseTime,
    RoutingTrace,
    TeamInbox,
)

logger = logging.getLogger(__name__)

CELL = timedelta(minutes=15)
FRESH_FOR = timedelta(minutes=5)
# After an error: not at once again.
AGAIN = timedelta(minutes=30)
# What a carrier tells of a message is mostly told by then; the rest is found at night.
LOOK_BACK = timedelta(hours=2)
REPAIRED = timedelta(days=8)
# How much of the past is counted at once: a day, or more where little was written.
CHUNK = timedelta(days=1)
LONGER = (timedelta(days=64), timedelta(days=16), timedelta(days=4))
LITTLE = 5_000  # messages each way
NIGHT = 3
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_Verb = ConversationEvent.Verb
_Status = Message.Status
_TAKEN = (_Status.SENT, _Status.DELIVERED, _Status.READ)


# --- Who is next ----------------------------------------------------------------------------------


def count_next(*, now: datetime) -> bool:
    """Count a stretch for the account that is due for longest; say whether any was.

    What was before there were reports is counted in stretches of a day, longer ones where little
    was written. Where one fails, others have their turn.
    """
    state = None
    try:
        with transaction.atomic():
            state = _due(now)
            if state is not None:
                _count_on(state, now)
    except Exception:
        if state is None:
            raise
        logger.exception("reports of account %s could not be counted", state.account_id)
        ReportState.objects.filter(pk=state.pk).update(next_at=now + AGAIN)
    return state is not None or _begin_rows(now)


def _due(now: datetime) -> ReportState | None:
    rows = ReportState.objects.select_for_update(skip_locked=True, of=("self",))
    due = rows.select_related("account").filter(next_at__lte=now)
    return due.order_by("next_at").first()


def _count_on(state: ReportState, now: datetime) -> None:
    if state.counted_to <= now - FRESH_FOR:
        until = _end_of_stretch(state, now)
        count_again(state.account_id, since=state.counted_to - LOOK_BACK, until=until)
        state.counted_to = until
    elif state.repair_at <= now:
        _repair(state, now)
    is_more = state.counted_to <= now - FRESH_FOR or state.repair_at <= now
    state.next_at = now if is_more else state.counted_to + FRESH_FOR
    state.save()


def _end_of_stretch(state: ReportState, now: datetime) -> datetime:
    for length in LONGER if state.counted_to < now - CHUNK else ():
        until = min(now, state.counted_to + length)
        if _is_little_written(state.account_id, state.counted_to, until):
            return until
    return min(now, state.counted_to + CHUNK)


def _is_little_written(account_id: int, since: datetime, until: datetime) -> bool:
    written = Message.objects.filter(
        account=account_id, created_at__gte=since, created_at__lt=until
    )
    # Each way has an index of its own.
    ways = (written.filter(direction=way)[: LITTLE + 1] for way in Message.Direction.values)
    return all(way.count() <= LITTLE for way in ways)


def _repair(state: ReportState, now: datetime) -> None:
    since = state.repaired_to or now - REPAIRED
    until = min(state.counted_to, since + CHUNK)
    count_again(state.account_id, since=since, until=until)
    is_done = until >= state.counted_to
    state.repaired_to = None if is_done else until
    if is_done:
        state.repair_at = _next_night(state.account, now)


def _next_night(account: Account, now: datetime) -> datetime:
    here = now.astimezone(ZoneInfo(account.time_zone))
    night = here.replace(hour=NIGHT, minute=0, second=0, microsecond=0)
    return night if night > here else night + timedelta(days=1)


def _begin_rows(now: datetime) -> bool:
    """Begin with accounts that have an inbox and are in no report; say whether there were any."""
    has_inbox = Exists(TeamInbox.objects.filter(account=OuterRef("pk")))
    is_known = Exists(ReportState.objects.filter(account=OuterRef("pk")))
    new = Account.objects.filter(has_inbox, ~is_known).order_by("pk")[:50]
    rows = [
        ReportState(
            account=one,
            # Due at once, however young it is.
            counted_to=(_began_at(one.pk) or now) - FRESH_FOR,
            next_at=now,
            repair_at=_next_night(one, now),
        )
        for one in new
    ]
    ReportState.objects.bulk_create(rows, ignore_conflicts=True)
    return bool(rows)


def _began_at(account_id: int) -> datetime | None:
    opened = Conversation.objects.filter(account=account_id).order_by("opened_at")
    return opened.values_list("opened_at", flat=True).first()


# --- Counting -------------------------------------------------------------------------------------


def count_again(account_id: int, *, since: datetime, until: datetime) -> None:
    """Replace what is counted of an account from the quarter of `since` up to `until`."""
    since = quarter_of(since)
    cells = cells_of(account_id, since=since, until=until)
    with transaction.atomic():
        ReportCell.objects.filter(
            account=account_id, begins_at__gte=since, begins_at__lt=until
        ).delete()
        ReportCell.objects.bulk_create(cells, batch_size=2_000)


def quarter_of(moment: datetime) -> datetime:
    """Return when the quarter of an hour began in which a moment lies."""
    return moment - (moment - _EPOCH) % CELL


class _Place(NamedTuple):
    """Which cell something is counted in."""

    begins_at: datetime
    conversation: int | None
    sender: int
    inbox: int
    agent: int | None


@dataclass
class _Found:
    channel: str = ""
    tags: list[str] = field(default_factory=list)
    numbers: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    lists: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))


def cells_of(account_id: int, *, since: datetime, until: datetime) -> list[ReportCell]:
    """Count an account's rows from `since`, which begins a quarter, up to `until`. Saves nothing.

    Conversations of blocked contacts are in no report.
    """
    cells: dict[_Place, _Found] = defaultdict(_Found)
    sources = (_messages, _events, _closes, _decisions)
    for source in sources:
        for place, found in source(account_id, since, until):
            cell = cells[place]
            cell.channel, cell.tags = found.channel, found.tags
            for name, number in found.numbers.items():
                cell.numbers[name] += number
            for name, texts in found.lists.items():
                cell.lists[name] += texts
    return [_as_row(account_id, place, found) for place, found in sorted(cells.items(), key=_order)]


def _order(item: tuple[_Place, _Found]) -> tuple[Any, ...]:
    place = item[0]
    return place.begins_at, place.conversation or 0, place.sender, place.inbox, place.agent or 0


def _as_row(account_id: int, place: _Place, found: _Found) -> ReportCell:
    return ReportCell(
        account_id=account_id,
        begins_at=place.begins_at,
        conversation_id=place.conversation,
        sender_id=place.sender,
        inbox_id=place.inbox,
        agent_id=place.agent,
        channel=found.channel,
        tags=found.tags,
        **found.numbers,
        **{name: sorted(texts) for name, texts in found.lists.items()},
    )


_Source = Iterator[tuple[_Place, _Found]]


def _quarter(moment: str) -> Func:
    return Func(
        Value(CELL), F(moment), Value(_EPOCH), function="date_bin", output_field=DateTimeField()
    )


def _messages(account_id: int, since: datetime, until: datetime) -> _Source:
    is_out, is_note = Q(direction="out"), Q(kind=Message.Kind.NOTE)
    is_sent = is_out & ~is_note
    is_taken = is_sent & Q(status__in=_TAKEN)
    is_failed = is_sent & Q(status=_Status.FAILED)
    template = KeyTextTransform("name", KeyTextTransform("template", "details"))
    rows = (
        Message.objects.filter(account=account_id, created_at__gte=since, created_at__lt=until)
        .exclude(conversation__is_hidden=True)
        .exclude(kind=Message.Kind.REACTION)
        .order_by()
        .values_list(
            _quarter("created_at"),
            "conversation",
            "thread__sender",
            Coalesce("conversation__inbox", "thread__sender__inbox"),
            "author",
            "thread__address__family",
            "conversation__tags",
        )
        .annotate(
            inbound=Count("pk", filter=Q(direction="in")),
            replies=Count("pk", filter=is_sent & Q(author__isnull=False)),
            automatic=Count("pk", filter=is_sent & Q(author=None)),
            notes=Count("pk", filter=is_note),
            sent=Count("pk", filter=is_taken),
            delivered=Count("pk", filter=is_sent & Q(status__in=_TAKEN[1:])),
            failed=Count("pk", filter=is_failed),
            blocked=Count("pk", filter=is_sent & Q(status=_Status.BLOCKED)),
            segments=Sum("segments", filter=is_taken & Q(thread__address__family="sms"), default=0),
            error_codes=ArrayAgg("error_code", filter=is_failed, default=Value([])),
            templates=ArrayAgg(
                template, filter=is_taken & Q(details__has_key="template"), default=Value([])
            ),
        )
    )
    for row in rows.iterator():
        place, (channel, tags), found = row[:5], row[5:7], row[7:]
        *numbers, codes, templates = found
        lists = {"error_codes": codes, "templates": [one or "" for one in templates]}
        named = dict(zip(_NUMBERS, numbers, strict=True))
        yield _Place(*place), _Found(channel, tags or [], named, lists)


_NUMBERS = (
    *("inbound", "replies", "automatic", "notes"),
    *("sent", "delivered", "failed", "blocked", "segments"),
)
# What of a conversation says in which cell it is counted.
_OF_CONVERSATION = (
    "conversation",
    "conversation__thread__sender",
    "conversation__inbox",
)
_ABOUT = ("conversation__thread__address__family", "conversation__tags")


def _events(account_id: int, since: datetime, until: datetime) -> _Source:
    closes = ConversationEvent.objects.alias(undoes=KeyTextTransform("of", "data"))
    undone = closes.filter(
        conversation=OuterRef("conversation"), verb=_Verb.CLOSED, undoes=OuterRef("public_id")
    )
    # One that undoes a close, or was undone itself.
    is_undo = Q(verb=_Verb.REOPENED) & (Q(data__has_key="undone") | Q(Exists(undone)))
    rows = (
        ConversationEvent.objects.filter(
            account=account_id,
            at__gte=since,
            at__lt=until,
            verb__in=[_Verb.OPENED, _Verb.REOPENED, _Verb.CONSENT],
            conversation__is_hidden=False,
        )
        .exclude(is_undo)
        .order_by()
        .values_list(_quarter("at"), *_OF_CONVERSATION, *_ABOUT)
        .annotate(
            opened=Count("pk", filter=Q(verb=_Verb.OPENED)),
            reopened=Count("pk", filter=Q(verb=_Verb.REOPENED)),
            opt_outs=Count("pk", filter=Q(verb=_Verb.CONSENT, data__state="opted_out")),
        )
    )
    for *place, channel, tags, opened, reopened, opt_outs in rows.iterator():
        numbers = {"opened": opened, "reopened": reopened, "opt_outs": opt_outs}
        if any(numbers.values()):
            yield _nobodys(place), _Found(channel, tags, numbers)


def _nobodys(place: Sequence[Any]) -> _Place:
    at, conversation, sender, inbox = place
    return _Place(at, conversation, sender, inbox, None)


def _closes(account_id: int, since: datetime, until: datetime) -> _Source:
    """Count closes by what each of them wrote: one that was undone wrote nothing that stays."""
    rows = (
        ResponseTime.objects.filter(
            account=account_id,
            inbox__in=TeamInbox.objects.filter(account=account_id),
            kind=ResponseTime.Kind.RESOLUTION,
            ended_at__gte=since,
            ended_at__lt=until,
            conversation__is_hidden=False,
        )
        .order_by()
        .values_list(_quarter("ended_at"), *_OF_CONVERSATION, "user", *_ABOUT)
        .annotate(closed=Count("pk"))
    )
    for *place, channel, tags, closed in rows.iterator():
        yield _Place(*place), _Found(channel, tags, {"closed": closed})


def _decisions(account_id: int, since: datetime, until: datetime) -> _Source:
    rows = (
        RoutingTrace.objects.filter(
            account=account_id, at__gte=since, at__lt=until, conversation__is_hidden=False
        )
        .exclude(rule="")
        .order_by()
        .values_list(_quarter("at"), *_OF_CONVERSATION, *_ABOUT)
        .annotate(decided=ArrayAgg("rule"))
    )
    for *place, channel, tags, decided in rows.iterator():
        yield _nobodys(place), _Found(channel, tags, {}, {"rules": decided})
