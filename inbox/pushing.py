"""Who is told though they look at no page? Their browsers are woken, once for a burst.

What happened stands in the inboxes' own events, so nobody who writes pays for this: every other
second the clock looks what is new where somebody has a browser to be woken. A message of ours that
is lost is lost; what must not be missed comes by letter (`inbox.digesting`).
"""

import logging
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import redis
from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import override

from accounts.access import viewer_of
from accounts.languages import language_of
from accounts.models import PushSubscription, User
from accounts.pushes import KEPT_FOR, note_outcome
from inbox import webpush
from inbox.access import conversations_of
from inbox.alerts import TELLING, Happening, Kind, Notice, happening_of, notices_of, tag_of
from inbox.attendance import State, states_in
from inbox.events import MessageRemoved
from inbox.models import Conversation, InboxCounter, InboxEvent, ReadCursor, TeamInbox
from inbox.nudges import nudge
from inbox.webpush import Outcome, Pushed

logger = logging.getLogger(__name__)

# What is older, because we were away, is no news.
NEWS_FOR = timedelta(minutes=5)
MOST_EVENTS = 500
REMOVED = MessageRemoved.type
BURST_SECONDS = 10
# For so long a notice on somebody's screen is taken back when they lose sight of it.
SHOWN_SECONDS = 24 * 3600
LONGEST_TITLE, LONGEST_BODY = 80, 300  # characters; at most 4 bytes each
# Raises a number and returns what it was; never lowers it, whoever comes second.
_RAISE = """
    local was = redis.call('GET', KEYS[1])
    local is_more = not was or tonumber(was) < tonumber(ARGV[1])
    redis.call('SET', KEYS[1], is_more and ARGV[1] or was, 'EX', ARGV[2])
    return was
"""
_CURSOR_SECONDS = 24 * 3600


# --- Looking what is new --------------------------------------------------------------------------


def look_for_news(*, now: datetime) -> int:
    """Nudge a worker for each person whom something new concerns; return how many nudges.

    Without Redis nobody is woken: who was told already is known only there.
    """
    if not webpush.is_set_up():
        return 0
    people = _reachable(now)
    accounts = {account_id for account_id in people.values() if account_id is not None}
    if not accounts:
        return 0
    inboxes = TeamInbox.objects.filter(account__in=accounts, is_on=True).select_related("account")
    heads = dict(InboxCounter.objects.filter(inbox__in=inboxes).values_list("inbox_id", "seq"))
    count = 0
    try:
        for inbox in inboxes:
            users = [pk for pk, account_id in people.items() if account_id == inbox.account_id]
            count += _look_at(inbox, heads.get(inbox.pk, 0), users, now=now)
    except redis.RedisError as error:
        logger.warning("push: nobody was woken (%s)", type(error).__name__)
    return count


def _reachable(now: datetime) -> dict[int, int | None]:
    """Return who has a browser to be woken, and their account."""
    rows = PushSubscription.objects.filter(seen_at__gt=now - KEPT_FOR, user__is_active=True)
    return dict(rows.order_by().values_list("user_id", "user__account_id").distinct())


def _look_at(inbox: TeamInbox, head: int, users: list[int], *, now: datetime) -> int:
    was = _redis().eval(_RAISE, 1, _key("cursor", inbox.pk), head, _CURSOR_SECONDS)
    if was is None or int(was) >= head:
        return 0
    events = (
        InboxEvent.objects.filter(inbox=inbox, seq__gt=int(was), seq__lte=head)
        .filter(created_at__gt=now - NEWS_FOR, conversation__isnull=False)
        .select_related("conversation")
        .order_by("seq")[:MOST_EVENTS]
    )
    found = list(events)
    count = _take_back(found, frozenset(users))
    happenings = list(_happenings(found, str(inbox.public_id)))
    if not happenings:
        return count
    for notice in notices_of(happenings, users, now=now):
        if _looks_at_a_page(notice) or not _begins_burst(notice):
            continue
        _nudge(notice, inbox)
        count += 1
    return count


def _happenings(events: Iterable[InboxEvent], inbox: str) -> Iterator[Happening]:
    for event in events:
        if event.type in TELLING and event.conversation is not None:
            one = happening_of(event.type, event.data, event.conversation.public_id, inbox)
            if one is not None:
                yield one


def _looks_at_a_page(notice: Notice) -> bool:
    """Say whether they look at a page, which tells them itself.

    One that lies open on a desk they have left tells nobody, and keeps no phone silent.
    """
    states = states_in(notice.conversation.inbox.public_id) or {}
    return states.get(notice.user_id) is State.ONLINE


def _begins_burst(notice: Notice) -> bool:
    """Say whether they were not told of this conversation a moment ago."""
    if notice.kind is not Kind.INBOUND:
        return True
    key = _key("burst", notice.user_id, notice.conversation.pk)
    return bool(_redis().set(key, 1, nx=True, ex=BURST_SECONDS))


def _nudge(notice: Notice, inbox: TeamInbox) -> None:
    public_id = notice.conversation.public_id
    nudge("send_push", notice.user_id, notice.kind, notice.id, public_id, str(inbox.public_id))


def _take_back(events: Iterable[InboxEvent], users: frozenset[int]) -> int:
    """Nudge for those who lost sight of what their screens may still show, or of its words."""
    gone = {
        (user_id, event.conversation.pk, event.conversation.public_id, event.type == REMOVED)
        for event in events
        if event.conversation is not None
        for user_id in (users if event.type == REMOVED else users.intersection(event.left))
    }
    shown = [one for one in sorted(gone) if _redis().exists(_key("shown", one[0], one[1]))]
    for user_id, _pk, public_id, is_removed in shown:
        nudge("send_push_end", user_id, public_id, is_removed)
    return len(shown)


# --- Waking ---------------------------------------------------------------------------------------


def wake(user_id: int, happening: Happening, *, now: datetime) -> int:
    """Tell one person's browsers of something; return how many were told.

    Whether they may see it, want it and have not read it yet is asked again.
    """
    reader = User.objects.filter(pk=user_id).only("language").first()
    with override(language_of(reader)):
        notice = next(iter(notices_of([happening], [user_id], now=now)), None)
        if notice is None or _has_read(notice):
            return 0
        content = content_of(notice)
    told = _send_to(user_id, content, now=now)
    if told:
        _remember_shown(notice)
    return told


def end_notice(user_id: int, conversation: str, is_removed: bool = False, *, now: datetime) -> int:
    """Let a person's browsers take back the notice of a conversation they may not see any more.

    `is_removed`: the words of one of its messages are gone, so it goes whoever may see the rest.
    """
    row = Conversation.objects.filter(public_id=conversation).first()
    user = User.objects.filter(pk=user_id).first()
    if row is None or user is None:
        return 0
    seen = conversations_of(viewer_of(user, now=now)).filter(pk=row.pk)
    if not is_removed and seen.exists():
        return 0
    try:
        _redis().delete(_key("shown", user_id, row.pk))
    except redis.RedisError:
        return 0
    return _send_to(user_id, {"type": "left", "tag": tag_of(conversation)}, now=now)


def try_out(row: PushSubscription, *, now: datetime) -> Pushed:
    """Wake one browser to show its owner that it works."""
    content = {
        "type": "test",
        "title": _("This is a test"),
        "body": _("Notifications reach you here."),
        "tag": "test",
    }
    return _send(row, content, now=now)


def content_of(notice: Notice) -> dict[str, Any]:
    """Return what a browser gets; without the person's leave neither a name nor a word."""
    shows = notice.taste.shows_words
    words = notice.as_words() if shows else (private_title(notice.kind), "")
    return {
        "type": "notice",
        "title": words[0][:LONGEST_TITLE],
        "body": words[1][:LONGEST_BODY],
        "tag": notice.tag,
        "url": notice.url,
    }


def private_title(kind: Kind) -> str:
    """Say what happened without saying to whom."""
    return {
        Kind.INBOUND: _("New message"),
        Kind.FAILED: _("A message did not arrive"),
        Kind.ASSIGNED: _("A conversation changed hands"),
        Kind.SLA: _("A conversation needs you"),
        Kind.WINDOW: _("A WhatsApp window closes soon"),
        Kind.MENTION: _("Somebody mentioned you"),
    }[kind]


def _has_read(notice: Notice) -> bool:
    row = notice.conversation
    if notice.kind is not Kind.INBOUND:
        return False
    read = ReadCursor.objects.filter(
        user=notice.user_id, conversation=row, seq__gte=row.last_inbound_seq
    )
    return read.exists()


def _remember_shown(notice: Notice) -> None:
    key = _key("shown", notice.user_id, notice.conversation.pk)
    try:
        _redis().set(key, 1, ex=SHOWN_SECONDS)
    except redis.RedisError:
        logger.info("push: what is shown was not noted")


def _send_to(user_id: int, content: dict[str, Any], *, now: datetime) -> int:
    rows = PushSubscription.objects.filter(user=user_id, seen_at__gt=now - KEPT_FOR)
    return sum(_send(row, content, now=now).outcome is Outcome.TAKEN for row in rows)


def _send(row: PushSubscription, content: dict[str, Any], *, now: datetime) -> Pushed:
    pushed = webpush.push(row.endpoint, row.public_key, row.auth_key, content)
    if pushed.outcome is Outcome.GONE:
        row.delete()
    else:
        note_outcome(row, is_taken=pushed.outcome is Outcome.TAKEN, now=now)
    if pushed.outcome is not Outcome.TAKEN:
        logger.info(
            "push: subscription %s: %s (%s)", row.pk, pushed.outcome, pushed.status or "no answer"
        )
    return pushed


def _key(*parts: object) -> str:
    return ":".join([settings.CHANNEL_PREFIX, "push", *map(str, parts)])


@lru_cache(maxsize=1)
def _redis() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=1, socket_timeout=2)
