"""What can happen in an inbox that its browsers must hear? One frozen class per event.

Facts only: ids and small values. HTML is rendered when an event is published or caught up with,
never stored.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from accounts.prepared import fetch
from inbox.access import Audience
from inbox.models import Conversation, ConversationEvent, InboxEvent, Message


@dataclass(frozen=True)
class Event:
    """A durable event; its fields are the `data` that travels."""

    type: ClassVar[str]
    carries: ClassVar[tuple[str, ...]] = ()

    def facts(self) -> dict[str, object]:
        """Return the data of the frame; `attached_to` only where it names a message."""
        return {name: one for name, one in vars(self).items() if name != "attached_to" or one}


@dataclass(frozen=True)
class MessageCreated(Event):
    """Somebody wrote: the customer, an agent, the bot; or a note was made.

    A reaction that is drawn at another message is `attached_to` that, and has no bubble.
    """

    type: ClassVar[str] = "message.created"
    carries: ClassVar[tuple[str, ...]] = ("bubble", "row")

    id: str
    client_id: str
    direction: str
    kind: str
    channel: str
    author: int | None
    notify: bool = False
    attached_to: str = ""


@dataclass(frozen=True)
class MessageUpdated(Event):
    """A message looks different now (media arrived, it failed)."""

    type: ClassVar[str] = "message.updated"
    carries: ClassVar[tuple[str, ...]] = ("bubble", "row")

    id: str
    changed: tuple[str, ...]
    status: str
    error_code: str = ""


@dataclass(frozen=True)
class MessageStatusChanged(Event):
    """A message got further: only its tick changes."""

    type: ClassVar[str] = "message.status"

    id: str
    client_id: str
    status: str
    at: str


@dataclass(frozen=True)
class MessageRemoved(Event):
    """Somebody took the content out of a message: a tombstone stands in its place."""

    type: ClassVar[str] = "message.removed"
    carries: ClassVar[tuple[str, ...]] = ("bubble", "row")

    id: str
    reason: str = "redacted"
    attached_to: str = ""


@dataclass(frozen=True)
class ActivityCreated(Event):
    """A line was added to the timeline."""

    type: ClassVar[str] = "activity.created"
    carries: ClassVar[tuple[str, ...]] = ("bubble",)

    id: str
    verb: str


@dataclass(frozen=True)
class ConversationCreated(Event):
    """A conversation began."""

    type: ClassVar[str] = "conversation.created"
    carries: ClassVar[tuple[str, ...]] = ("row",)

    id: str
    channel: str
    status: str
    owner: int | None = None


@dataclass(frozen=True)
class ConversationUpdated(Event):
    """A conversation changed hands or state; also how somebody joins its audience."""

    type: ClassVar[str] = "conversation.updated"
    carries: ClassVar[tuple[str, ...]] = ("row", "header")

    id: str
    version: int
    status: str
    owner: int | None
    changed: tuple[str, ...] = field(default=())


@dataclass(frozen=True)
class ConversationMoved(Event):
    """A conversation went to another inbox; one event in each."""

    type: ClassVar[str] = "conversation.moved"
    carries: ClassVar[tuple[str, ...]] = ("row", "header")

    id: str
    source: str
    target: str


@dataclass(frozen=True)
class ConsentChanged(Event):
    """The customer's consent changed."""

    type: ClassVar[str] = "consent.changed"
    carries: ClassVar[tuple[str, ...]] = ("row", "header")

    contact: str
    channel: str
    state: str


@dataclass(frozen=True)
class ContactUpdated(Event):
    """The contact card changed."""

    type: ClassVar[str] = "contact.updated"
    carries: ClassVar[tuple[str, ...]] = ("row", "header")

    contact: str
    changed: tuple[str, ...]


EVENT_TYPES: dict[str, type[Event]] = {
    kind.type: kind
    for kind in (
        MessageCreated,
        MessageUpdated,
        MessageStatusChanged,
        MessageRemoved,
        ActivityCreated,
        ConversationCreated,
        ConversationUpdated,
        ConversationMoved,
        ConsentChanged,
        ContactUpdated,
    )
}


@dataclass(frozen=True)
class Announcement:
    """An event, whose audience it is for, and who lost sight of the conversation by it.

    `subject` is the row that was just made, where there is one: it is drawn without being read
    again.
    """

    event: Event
    conversation: Conversation
    audience: Audience
    inbox_id: int
    actor_id: int | None = None
    left: frozenset[int] = frozenset()
    subject: Message | ConversationEvent | None = None


@dataclass(frozen=True)
class Numbered:
    """An announcement with its place in the inbox's sequence."""

    announcement: Announcement
    seq: int
    at: datetime


# One statement, so that the counter row is locked for as short as can be.
_STORE = """
    WITH taken AS (
        INSERT INTO inbox_inboxcounter AS counter (inbox_id, seq) VALUES ($1, $2)
        ON CONFLICT (inbox_id) DO UPDATE SET seq = counter.seq + EXCLUDED.seq
        RETURNING inbox_id, seq - $2 AS before
    ), stored AS (
        INSERT INTO inbox_inboxevent
            (inbox_id, seq, type, conversation_id, actor_id, audience, "left", data, created_at)
        SELECT inbox_id, before + place, type, conversation_id, actor_id, audience::jsonb,
               "left"::jsonb, data::jsonb, $3
        FROM taken, unnest($4::text[], $5::bigint[], $6::bigint[], $7::text[], $8::text[],
                           $9::text[]) WITH ORDINALITY
            AS given (type, conversation_id, actor_id, audience, "left", data, place)
    )
    SELECT before FROM taken
"""


def store(announcements: Iterable[Announcement], *, now: datetime) -> list[Numbered]:
    """Give each announcement its number and keep it.

    Call it as the last thing before commit: the counter row is locked from here on, and the order
    of numbers is the order of commits. Inboxes are taken in the order of their ids, so that two
    stories cannot wait for each other.
    """
    by_inbox: dict[int, list[Announcement]] = {}
    for announcement in announcements:
        by_inbox.setdefault(announcement.inbox_id, []).append(announcement)
    numbered: list[Numbered] = []
    for inbox_id, group in sorted(by_inbox.items()):
        columns = map(list, zip(*map(_columns, group), strict=True))
        [(before,)] = fetch(_STORE, [inbox_id, len(group), now, *columns])
        numbered += [Numbered(item, before + n, now) for n, item in enumerate(group, start=1)]
    return numbered


def _columns(announcement: Announcement) -> tuple[object, ...]:
    return (
        announcement.event.type,
        announcement.conversation.pk,
        announcement.actor_id,
        json.dumps(announcement.audience.as_json()),
        json.dumps(sorted(announcement.left)),
        json.dumps(announcement.event.facts()),
    )


def head_of(inbox_id: int) -> int:
    """Return the last number given out in an inbox. Read it before the rows it is to cover."""
    rows = fetch("SELECT seq FROM inbox_inboxcounter WHERE inbox_id = $1", [inbox_id])
    return int(rows[0][0]) if rows else 0


def forget_events(*, before: datetime) -> int:
    """Delete events older than `before`; who is further behind loads the page anew."""
    deleted, _ = InboxEvent.objects.filter(created_at__lt=before).delete()
    return deleted
