"""Who has not read for as long as they chose? They get a letter, once for what came together.

Counts for each inbox, and names and first words only where the person wants them in letters. A
letter covers everything that is unread when it is written: what it told of is not told again.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from smtplib import SMTPException

from django.conf import settings
from django.core import signing
from django.core.mail import EmailMultiAlternatives
from django.db.models import Exists, OuterRef
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import ngettext, override

from accounts.access import Viewer, viewers_of
from accounts.languages import language_of
from accounts.models import User
from inbox.access import conversations_of
from inbox.attendance import State, states_in
from inbox.attention import Sort, Taste, taste_in, tastes_of
from inbox.filters import unread_by
from inbox.labels import is_masked_for_all, last_words, name_for_all
from inbox.mentions import unread as unread_mentions
from inbox.models import Attention, Conversation, Message, Participant, ReadCursor, TeamInbox
from inbox.models.message import ATTACHED_REACTIONS
from inbox.muting import muted

logger = logging.getLogger(__name__)

MOST_LINES = 10  # of an inbox, with names
MOST_READ = 200  # conversations looked at; "at least" beyond that
_SALT = "inbox.digesting"


@dataclass(frozen=True)
class Line:
    """One conversation in a letter."""

    sort: Sort
    name: str
    preview: str
    url: str


@dataclass(frozen=True)
class Part:
    """What waits in one inbox."""

    inbox: TeamInbox
    url: str
    lines: tuple[Line, ...]

    @property
    def mine(self) -> int:
        """Return how many conversations of theirs wait."""
        return self._count(Sort.MINE)

    @property
    def new(self) -> int:
        """Return how many wait for anybody of the team."""
        return self._count(Sort.NEW)

    @property
    def mentions(self) -> int:
        """Return how many mention them."""
        return self._count(Sort.MENTIONS)

    @property
    def shown(self) -> tuple[Line, ...]:
        """Return the first lines."""
        return self.lines[:MOST_LINES]

    @property
    def more(self) -> int:
        """Return how many lines are not among these."""
        return len(self.lines) - len(self.shown)

    def _count(self, sort: Sort) -> int:
        return sum(line.sort is sort for line in self.lines)


def who_may_be_owed() -> list[int]:
    """Return everybody who wants letters, in no order: if time is short, nobody is always last."""
    wanted = Attention.objects.filter(digest_after__isnull=False, user__is_active=True)
    return list(wanted.order_by("?").values_list("user_id", flat=True))


def write_to(user_id: int, *, now: datetime) -> bool:
    """Write to one person if a letter is owed; say whether one left.

    Not in their quiet hours, nor while they look at a page of ours: it is written later then. Who
    holds no licence gets none.
    """
    row = Attention.objects.select_related("user", "account").filter(user=user_id).first()
    viewer = viewers_of([user_id], now=now).get(user_id)
    if row is None or row.digest_after is None or viewer is None or not viewer.may_see:
        return False
    taste = tastes_of([user_id]).get(user_id) or taste_in(row, row.account.time_zone)
    if taste.is_quiet(now):
        return False
    parts = parts_for(viewer, row.user, taste, now=now)
    if not parts or _is_looking(viewer.user_id, parts) or not _claim(row, now):
        return False
    return _send(row, parts, now=now)


def parts_for(viewer: Viewer, user: User, taste: Taste, *, now: datetime) -> list[Part]:
    """Return what a letter would say; nothing while nothing is unread for long enough."""
    since = taste.digested_at or now
    until = now - timedelta(minutes=taste.digest_after or 0)
    unread = _unread(viewer, user, taste, since=since)
    mentions = _mentions(viewer, taste, since=since)
    is_owed = unread and _is_old(unread, viewer.user_id, since=since, until=until)
    if not (is_owed or any(at <= until for _row, at in mentions)):
        return []
    rows = {row.pk: (row, sort) for row, sort in unread}
    rows |= {row.pk: (row, Sort.MENTIONS) for row, _at in mentions}
    return _by_inbox(rows.values(), shows_words=taste.shows_words)


# --- What is unread -------------------------------------------------------------------------------


def _unread(
    viewer: Viewer, user: User, taste: Taste, *, since: datetime
) -> list[tuple[Conversation, Sort]]:
    """Return what customers wrote since the last letter and this person has not read."""
    me = viewer.user_id
    rows = list(
        conversations_of(viewer)
        .exclude(status=Conversation.Status.CLOSED)
        .exclude(Exists(muted().filter(user=me, conversation=OuterRef("pk"))))
        .filter(unread_by(me), is_hidden=False, last_inbound_at__gt=since)
        .select_related("inbox", "contact", "thread__address", "thread__sender")
        .order_by("last_inbound_at", "pk")[:MOST_READ]
    )
    parts = Participant.objects.filter(conversation__in=rows, user=me, ended_at=None)
    takes_part = set(parts.values_list("conversation_id", flat=True))
    is_on_duty = user.availability != User.Availability.AWAY
    found = []
    for row in rows:
        is_mine = row.owner_id == me or row.pk in takes_part
        sort = Sort.MINE if is_mine else Sort.NEW
        is_for_me = is_mine or (is_on_duty and _waits_for_team(row, viewer))
        if is_for_me and taste.wants(sort, row.inbox_id, is_by_team=not is_mine):
            found.append((row, sort))
    return found


def _waits_for_team(row: Conversation, viewer: Viewer) -> bool:
    is_member = viewer.is_member_of(row.inbox_id) and row.inbox_id not in viewer.observes
    return row.owner_id is None and row.is_team_wide and is_member


def _is_old(
    unread: Iterable[tuple[Conversation, Sort]], me: int, *, since: datetime, until: datetime
) -> bool:
    """Say whether one of these waits unread since before `until`."""
    is_read = ReadCursor.objects.filter(
        user=me, conversation=OuterRef("conversation"), seq__gte=OuterRef("seq")
    )
    words = Message.objects.filter(
        conversation__in=[row.pk for row, _sort in unread],
        direction=Message.Direction.IN,
        received_at__gt=since,
        received_at__lte=until,
    ).exclude(ATTACHED_REACTIONS)
    return words.exclude(Exists(is_read)).exists()


def _mentions(
    viewer: Viewer, taste: Taste, *, since: datetime
) -> list[tuple[Conversation, datetime]]:
    """Return where notes mention this person since the last letter, unread, and since when."""
    parts = Participant.objects.filter(user=viewer.user_id, ended_at=None)
    at = {
        (part.conversation_id, part.mentioned_seq)
        for part in unread_mentions(parts)[:MOST_READ]
        if part.mentioned_seq is not None
    }
    notes = Message.objects.filter(
        conversation__in=[pk for pk, _seq in at],
        seq__in=[seq for _pk, seq in at],
        kind=Message.Kind.NOTE,
        created_at__gt=since,
    )
    times = {
        note.conversation_id: note.created_at
        for note in notes
        if note.conversation_id is not None and (note.conversation_id, note.seq) in at
    }
    rows = conversations_of(viewer).filter(pk__in=times, is_hidden=False)
    return [
        (row, times[row.pk])
        for row in rows.select_related("inbox", "contact", "thread__address", "thread__sender")
        if taste.wants(Sort.MENTIONS, row.inbox_id, is_by_team=False)
    ]


def _by_inbox(rows: Iterable[tuple[Conversation, Sort]], *, shows_words: bool) -> list[Part]:
    by_inbox: dict[TeamInbox, list[Line]] = {}
    for row, sort in rows:
        line = Line(
            sort=sort,
            name=name_for_all(row) if shows_words else "",
            preview=last_words(row, is_masked=is_masked_for_all(row)) if shows_words else "",
            url=_absolute("conversation", slug=row.inbox.slug, cid=row.public_id),
        )
        by_inbox.setdefault(row.inbox, []).append(line)
    return [
        Part(inbox, _absolute("inbox", slug=inbox.slug), tuple(lines))
        for inbox, lines in sorted(by_inbox.items(), key=lambda item: item[0].name)
    ]


def _is_looking(user_id: int, parts: Iterable[Part]) -> bool:
    return any(
        (states_in(part.inbox.public_id) or {}).get(user_id) is State.ONLINE for part in parts
    )


# --- The letter -----------------------------------------------------------------------------------


def _claim(row: Attention, now: datetime) -> bool:
    """Mark the letter as written before it leaves: of two who are at it, one sends it."""
    same = Attention.objects.filter(
        pk=row.pk, digested_at=row.digested_at, digest_after=row.digest_after
    )
    return same.update(digested_at=now) == 1


def _send(row: Attention, parts: list[Part], *, now: datetime) -> bool:
    with override(language_of(row.user)):
        letter = _letter(row, parts)
    try:
        return letter.send() > 0
    except (SMTPException, OSError):
        logger.warning("mail: the digest of user %s did not leave; again later", row.user_id)
        same = Attention.objects.filter(pk=row.pk, digested_at=now)
        same.update(digested_at=row.digested_at)
        return False


def _letter(row: Attention, parts: list[Part]) -> EmailMultiAlternatives:
    number = sum(len(part.lines) for part in parts)
    stop = stop_url(row.user_id)
    subject = ngettext(
        "%(number)d conversation waits for you", "%(number)d conversations wait for you", number
    )
    context = {
        "parts": parts,
        "shows_words": row.shows_words,
        "minutes": row.digest_after,
        "stop_url": stop,
        "choices_url": _absolute("notifications"),
    }
    letter = EmailMultiAlternatives(
        subject=subject % {"number": number},
        body=render_to_string("mail/digest.txt", context),
        to=[row.user.email],
        headers={
            "List-Unsubscribe": f"<{stop}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            "Auto-Submitted": "auto-generated",
        },
    )
    letter.attach_alternative(render_to_string("mail/digest.html", context), "text/html")
    return letter


def stop_url(user_id: int) -> str:
    """Return the address where one person's letters are stopped without a log-in."""
    return _absolute("stop_letters", token=signing.dumps(user_id, salt=_SALT))


def user_in(token: str) -> int | None:
    """Return whose letters such an address stops; None if it is none of ours."""
    try:
        found = signing.loads(token, salt=_SALT)
    except signing.BadSignature:
        return None
    return found if isinstance(found, int) else None


def _absolute(name: str, **parts: str) -> str:
    return str(settings.PUBLIC_BASE_URL) + reverse(name, kwargs=parts or None)
