"""How do browsers hear? The only speaker on the channel layer.

After commit, the audience gets the content, whoever lost sight is told so, and last of all the
whole inbox gets a bare tick. All of it may be lost: cursors and catch-up repair it.

Each language that somebody of the audience listens in has groups of its own: what all may hear goes
to each, what is drawn in words is drawn once for each. Where nobody listens nothing is drawn.

Frames are written with one Redis pipeline in the format of the channel layer
(`<prefix>__group__<group>`, msgpack): 0.04 ms a frame, where `async_to_sync(group_send)` opens a
loop and a connection each time. A test holds the format against a real consumer.
"""

import json
import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

import msgpack
import redis
from django.conf import settings
from django.db import transaction
from django.utils.translation import override
from redis.client import Pipeline

from accounts.english import ENGLISH
from accounts.languages import LANGUAGES
from inbox.events import Announcement, Numbered, store
from inbox.fragments import (
    bubble_queryset,
    render_activity,
    render_bubble,
    render_header,
    render_row,
)
from inbox.models import Conversation, ConversationEvent, Message, TeamInbox

logger = logging.getLogger(__name__)

VERSION = 1
Drawn = dict[tuple[str, int], str]
# As `_send` writes it: version, inbox and number come first, then the type unless it is a tick.
_HEAD = re.compile(r'\{"v":\d+,"inbox":"([0-9a-f-]{36})","seq":(\d+)(?:,"type":"([a-z.]+)")?')

_READ = re.compile(r'\{"v":\d+,"inbox":"([0-9a-f-]{36})","type":"read"')


@dataclass(frozen=True)
class Head:
    """How a durable frame begins; a tick has no type."""

    inbox: str
    seq: int
    type: str | None


def inbox_group(inbox_uuid: object) -> str:
    """Name the group of everybody who may open the inbox."""
    return f"inbox.{inbox_uuid}"


def supervisors_group(inbox_uuid: object) -> str:
    """Name the group of the inbox's supervisors."""
    return f"inbox.{inbox_uuid}.sup"


def guests_group(inbox_uuid: object) -> str:
    """Name the group of people who take part in one conversation without being members."""
    return f"inbox.{inbox_uuid}.guest"


def user_group(user_id: int) -> str:
    """Name the group of one person's tabs."""
    return f"user.{user_id}"


def spoken(group: str, language: str) -> str:
    """Name the part of a group that is spoken to in a language."""
    return group if language == ENGLISH else f"{group}.{language}"


def head_in(text: str) -> Head | None:
    """Read how a frame begins without reading all of it; None for what has no number."""
    found = _HEAD.match(text)
    return Head(found[1], int(found[2]), found[3]) if found else None


def read_in(text: str) -> str | None:
    """Return the inbox in which somebody has read, if that is what a frame tells."""
    found = _READ.match(text)
    return found[1] if found else None


def announce(announcements: Iterable[Announcement], *, now: datetime) -> None:
    """Store events as the last act of a story's transaction, and publish them after commit."""
    numbered = store(announcements, now=now)
    if numbered:
        transaction.on_commit(lambda: publish(numbered), robust=True)


def publish(numbered: Iterable[Numbered]) -> None:
    """Publish events that are committed. A failure is logged and survived.

    They are put into words for who listens: of an inbox where nobody sits nothing is drawn.
    """
    items = list(numbered)
    groups = {group for item in items for group in _groups_of(item)}
    try:
        for language, heard in _listened_to(groups).items():
            frames = _in_language(language, items)
            _send([(spoken(group, language), one) for group, one in frames if group in heard])
    except redis.RedisError as error:
        logger.warning("live update not published: %s", type(error).__name__)


def publish_ephemeral(groups: Iterable[str], frame: dict[str, Any]) -> None:
    """Publish something that is not stored (access changes, read marks, notices)."""
    whole = {"v": VERSION, **frame}
    try:
        heard = _listened_to(set(groups))
        _send([(spoken(one, language), whole) for language, ones in heard.items() for one in ones])
    except redis.RedisError as error:
        logger.warning("live hint not published: %s", type(error).__name__)


def in_every_language(groups: Iterable[str]) -> list[str]:
    """Name all parts of groups, for what has no words in it."""
    return [spoken(group, language) for group in groups for language in LANGUAGES]


def _in_language(language: str, items: Iterable[Numbered]) -> list[tuple[str, dict[str, Any]]]:
    drawn: Drawn = {}
    with override(language):
        return [frame for item in items for frame in frames_of(item, drawn)]


def frames_of(item: Numbered, drawn: Drawn | None = None) -> list[tuple[str, dict[str, Any]]]:
    """Return (group, frame) for one event: content first, then `left`, the tick last."""
    announcement = item.announcement
    inbox = _inbox_uuid(announcement.inbox_id)
    tick = {"v": VERSION, "inbox": inbox, "seq": item.seq}
    content = {**tick, **content_of(item, drawn)}
    left = {
        **tick,
        "type": "conversation.left",
        "conversation": announcement.conversation.public_id,
        "data": {"id": announcement.conversation.public_id},
    }
    places = _places_of(item)
    return [
        *((group, content) for group in places.content),
        *((group, left) for group in places.left),
        *((group, tick) for group in places.tick),
    ]


def _groups_of(item: Numbered) -> list[str]:
    return [group for groups in _places_of(item) for group in groups]


class _Places(NamedTuple):
    """Which groups are told what of an event."""

    content: list[str]
    left: list[str]
    tick: list[str]


def _places_of(item: Numbered) -> _Places:
    announcement = item.announcement
    inbox, audience = _inbox_uuid(announcement.inbox_id), announcement.audience
    content = [user_group(user_id) for user_id in sorted(audience.user_ids)]
    if not audience.is_nobody:
        content.append(inbox_group(inbox) if audience.is_team else supervisors_group(inbox))
    left = [user_group(user_id) for user_id in sorted(announcement.left)]
    return _Places(content, left, [inbox_group(inbox), guests_group(inbox)])


def content_of(item: Numbered, drawn: Drawn | None = None) -> dict[str, Any]:
    """Return type, data and fragments of one event, without its place in the sequence."""
    event, conversation = item.announcement.event, item.announcement.conversation
    return {
        "type": event.type,
        "at": item.at.isoformat(),
        "conversation": conversation.public_id,
        "actor": item.announcement.actor_id,
        "data": event.facts(),
        "frag": fragments_for(
            event.type,
            event.carries,
            event.facts(),
            conversation,
            drawn,
            subject=item.announcement.subject,
        ),
    }


def fragments_for(
    kind: str,
    carries: tuple[str, ...],
    facts: dict[str, Any],
    conversation: Conversation,
    drawn: Drawn | None = None,
    *,
    subject: Message | ConversationEvent | None = None,
) -> dict[str, str]:
    """Render the fragments an event carries, from the rows as they are now.

    `drawn` remembers list rows and headers over the events of one story: each is rendered once.
    """
    drawn = {} if drawn is None else drawn
    fragments: dict[str, str] = {}
    if "bubble" in carries:
        bubble = _bubble(kind, str(facts["id"]), subject)
        if bubble:
            fragments["bubble"] = bubble
    for name, render in (("row", render_row), ("header", render_header)):
        if name in carries:
            key = (name, conversation.pk)
            drawn[key] = drawn.get(key) or render(conversation)
            fragments[name] = drawn[key]
    return fragments


def _bubble(kind: str, public_id: str, subject: Message | ConversationEvent | None) -> str:
    if subject is None and kind.startswith("activity."):
        subject = ConversationEvent.objects.filter(public_id=public_id).first()
    elif subject is None:
        rows = bubble_queryset().select_related("thread__contact")
        subject = rows.filter(public_id=public_id).first()
    if isinstance(subject, ConversationEvent):
        return render_activity(subject)
    return render_bubble(subject) if subject else ""


@lru_cache(maxsize=4096)
def _inbox_uuid(inbox_id: int) -> str:
    return str(TeamInbox.objects.values_list("public_id", flat=True).get(pk=inbox_id))


@lru_cache(maxsize=1)
def _redis() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=1, socket_timeout=2)


def _send(frames: list[tuple[str, dict[str, Any]]]) -> None:
    """Write all frames in one round trip."""
    pipeline = _redis().pipeline(transaction=False)
    _write(pipeline, frames)
    pipeline.execute()


def _listened_to(groups: Iterable[str]) -> dict[str, set[str]]:
    """Return which of these groups somebody listens to, by the language they hear.

    Who comes to listen after it knows by the inbox's number that they missed something.
    """
    by_channel = {
        _channel(spoken(group, language)): (language, group)
        for language in LANGUAGES
        for group in groups
    }
    heard: dict[str, set[str]] = {}
    if by_channel:
        for channel, number in _redis().pubsub_numsub(*by_channel):
            if number:
                name = channel.decode() if isinstance(channel, bytes) else channel
                language, group = by_channel[name]
                heard.setdefault(language, set()).add(group)
    return heard


def _write(pipeline: Pipeline, frames: list[tuple[str, dict[str, Any]]]) -> None:
    """Publish frames, each distinct one encoded once."""
    encoded: dict[int, bytes] = {}
    for group, frame in frames:
        if id(frame) not in encoded:
            text = json.dumps(frame, separators=(",", ":"), ensure_ascii=False, default=str)
            encoded[id(frame)] = msgpack.packb({"type": "live.frame", "text": text})
        pipeline.publish(_channel(group), encoded[id(frame)])


def _channel(group: str) -> str:
    return f"{settings.CHANNEL_PREFIX}__group__{group}"
