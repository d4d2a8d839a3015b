"""Whom does what just happened concern, and do they want to be told? A `notify` frame for each.

Frames say which rows changed; the rows say, a moment later, whom that concerns and whether they may
still see it. The process that holds the sockets asks, for all that happened in that moment together
and in a fixed number of queries, and tells its own sockets. Nobody is told of their own acts.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, TypeAlias

from django.contrib.postgres.expressions import ArraySubquery
from django.db import DatabaseError
from django.db.models import OuterRef
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import override

from accounts.access import Viewer, viewers_of
from accounts.models import User
from accounts.retelling import retold
from inbox.access import Audience, audiences_of, is_reader
from inbox.attention import DEFAULT, Sort, Taste, tastes_of
from inbox.broadcast import VERSION, Head
from inbox.fragments import row_queryset
from inbox.labels import activity_words, name_for_all
from inbox.models import Conversation, ConversationEvent, Message
from inbox.models.message import MENTIONED
from inbox.muting import muted
from inbox.previews import preview_words
from inbox.seats import Seats

logger = logging.getLogger(__name__)

GATHER_SECONDS = 0.3
BURST = timedelta(seconds=10)
REMEMBERED = 5_000
MOST_WORDS = 140  # of a note
_Verb = ConversationEvent.Verb
_GIVING = {_Verb.TRANSFERRED, _Verb.TAKEN_OVER, _Verb.REOPENED, _Verb.ROUTED, _Verb.WATCHING}
_NAMING = {_Verb.ESCALATED, _Verb.ROUTED}
# They tell who has it, or who waits with it, and name nobody.
_UNNAMING = {_Verb.WARNED, _Verb.PROMISED, _Verb.WOKEN, _Verb.WINDOW}
_HELPING = {_Verb.WARNED, _Verb.ESCALATED, _Verb.PROMISED, _Verb.WOKEN}
# What comes up by itself, for whoever has it.
_DUE = {_Verb.PROMISED, _Verb.WOKEN}
# The types of events that may concern somebody.
TELLING = frozenset({"message.created", "message.updated", "activity.created"})
_FAILURES = {Message.Status.FAILED, Message.Status.BLOCKED}


class Kind(StrEnum):
    """Why somebody is alerted; of two at one moment the later in this list is told."""

    INBOUND = "inbound"
    FAILED = "failed"
    ASSIGNED = "assigned"
    SLA = "sla"
    WINDOW = "window"
    MENTION = "mention"


# What concerns one person is told them though the conversation is muted.
_ABOUT_ONE = {Kind.MENTION, Kind.ASSIGNED, Kind.FAILED}


_OF_EVENTS = {Kind.ASSIGNED, Kind.SLA, Kind.WINDOW}


@dataclass(frozen=True)
class Happening:
    """A row that may concern somebody: a message or a line of a timeline, by its public id."""

    kind: Kind
    id: str
    conversation: str
    inbox: str


@dataclass(frozen=True)
class Notice:
    """What one person is told; until `repeats_until` its sound is heard again while unread."""

    user_id: int
    kind: Kind
    id: str
    conversation: Conversation
    body: str
    taste: Taste = DEFAULT
    repeats_until: datetime | None = None

    @property
    def url(self) -> str:
        """Return where a click on it leads."""
        row = self.conversation
        return reverse("conversation", kwargs={"slug": row.inbox.slug, "cid": row.public_id})

    @property
    def tag(self) -> str:
        """Return by what a later notice of the same conversation takes its place."""
        return tag_of(self.conversation.public_id)

    def as_words(self) -> tuple[str, str]:
        """Return whom it is about, and what happened."""
        return name_for_all(self.conversation), self.body

    def as_frame(self) -> str:
        """Write the frame."""
        row, taste = self.conversation, self.taste
        sound = "message" if self.kind is Kind.INBOUND else "attention"
        data = {
            "id": f"{self.kind}-{self.id}",
            "kind": self.kind,
            "title": name_for_all(row),
            "body": self.body,
            "url": self.url,
            "sound": sound if taste.has_sound else "none",
            "tone": taste.tone,
            "volume": taste.volume,
            "repeats_until": self.repeats_until and self.repeats_until.isoformat(),
            "tag": self.tag,
        }
        frame = {
            "v": VERSION,
            "inbox": str(row.inbox.public_id),
            "type": "notify",
            "conversation": row.public_id,
            "data": data,
        }
        return json.dumps(frame, separators=(",", ":"), ensure_ascii=False)


def tag_of(conversation: str) -> str:
    """Return the tag of every notice about a conversation, by its public id."""
    return f"c-{conversation}"


def happening_in(head: Head, text: str) -> Happening | None:
    """Return what a frame tells of that may concern somebody."""
    if head.type not in TELLING:
        return None
    frame = json.loads(text)
    return happening_of(head.type, frame["data"], frame["conversation"], head.inbox)


def happening_of(
    event: str, data: Mapping[str, Any], conversation: str, inbox: str
) -> Happening | None:
    """Return what an event (its type and facts) tells of that may concern somebody.

    `conversation` and `inbox` are public ids.
    """
    kinds = {
        "message.created": _kind_of_words(data) if data.get("notify") else None,
        "message.updated": Kind.FAILED if _has_failed(data) else None,
        "activity.created": _kind_of(data.get("verb")),
    }
    kind = kinds.get(event)
    return Happening(kind, str(data["id"]), conversation, inbox) if kind else None


def _kind_of_words(data: Mapping[str, Any]) -> Kind:
    return Kind.MENTION if data.get("kind") == Message.Kind.NOTE else Kind.INBOUND


def _kind_of(verb: object) -> Kind | None:
    if verb == _Verb.WINDOW:
        return Kind.WINDOW
    if verb in _HELPING:
        return Kind.SLA
    return Kind.ASSIGNED if verb in _GIVING else None


def _has_failed(data: Mapping[str, Any]) -> bool:
    return data.get("status") in _FAILURES and "status" in data.get("changed", ())


# --- Deciding -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Scene:
    """The rows of one moment, and the people who might be told."""

    conversations: Mapping[str, Conversation]
    audiences: Mapping[int, Audience]
    messages: Mapping[str, Message]
    events: Mapping[str, ConversationEvent]
    people: Mapping[int, Viewer]
    away: frozenset[int]
    muted: frozenset[tuple[int, int]]  # person and conversation
    tastes: Mapping[int, Taste]
    now: datetime


def notices_of(
    happenings: Iterable[Happening], user_ids: Iterable[int], *, now: datetime
) -> list[Notice]:
    """Return what to tell these people, in nine queries at most; one notice for a conversation.

    Sight is asked anew: who lost it since the frame went out is told nothing. Nor is who does not
    want to hear of it, or has quiet hours now.
    """
    wanted = list(happenings)
    scene = _look_at(wanted, list(user_ids), now=now)
    found: dict[tuple[int, str], Notice] = {}
    # The weightiest comes last, and stays.
    for one in sorted(wanted, key=lambda one: list(Kind).index(one.kind)):
        conversation = scene.conversations.get(one.conversation)
        if conversation is None:
            continue
        for notice in _notices_of(one, conversation, scene):
            found[notice.user_id, one.conversation] = notice
    return list(found.values())


def notices_in(language: str) -> Callable[..., list[Notice]]:
    """Return `notices_of`, said in a language."""

    def said(*asked: Any, now: datetime) -> list[Notice]:
        with override(language):
            return notices_of(*asked, now=now)

    return said


def _look_at(wanted: list[Happening], user_ids: list[int], *, now: datetime) -> _Scene:
    rows = row_queryset().filter(public_id__in={one.conversation for one in wanted})
    conversations = {row.public_id: row for row in rows}
    of_messages = [one.id for one in wanted if one.kind not in _OF_EVENTS]
    of_events = [one.id for one in wanted if one.kind in _OF_EVENTS]
    messages = Message.objects.filter(public_id__in=of_messages) if of_messages else []
    events = ConversationEvent.objects.filter(public_id__in=of_events) if of_events else []
    is_muted = muted().filter(user=OuterRef("pk"), conversation__in=list(conversations.values()))
    people = User.objects.filter(pk__in=user_ids).annotate(
        muted=ArraySubquery(is_muted.values("conversation"))
    )
    known = list(people.values_list("pk", "availability", "muted"))
    return _Scene(
        conversations=conversations,
        audiences=audiences_of(conversations.values()),
        messages={message.public_id: message for message in messages},
        events={event.public_id: event for event in events},
        people=viewers_of(user_ids, now=now),
        away=frozenset(pk for pk, state, _muted in known if state == User.Availability.AWAY),
        muted=frozenset((pk, row) for pk, _state, rows in known for row in rows or ()),
        tastes=tastes_of(user_ids),
        now=now,
    )


def _notices_of(one: Happening, conversation: Conversation, scene: _Scene) -> list[Notice]:
    audience = scene.audiences[conversation.pk]
    user_ids, body = _concerned(one, conversation, audience, scene)
    return [
        _notice(one, conversation, body, user_id, scene)
        for user_id in sorted(user_ids)
        if user_id in scene.people
        and is_reader(scene.people[user_id], conversation, audience)
        and _is_wanted(user_id, one, conversation, audience, scene)
    ]


def _notice(
    one: Happening, conversation: Conversation, body: str, user_id: int, scene: _Scene
) -> Notice:
    taste = scene.tastes.get(user_id, DEFAULT)
    until = taste.repeats_until(scene.now) if one.kind is Kind.INBOUND else None
    return Notice(user_id, one.kind, one.id, conversation, body, taste, until)


def _is_wanted(
    user_id: int, one: Happening, conversation: Conversation, audience: Audience, scene: _Scene
) -> bool:
    taste = scene.tastes.get(user_id, DEFAULT)
    if taste.is_quiet(scene.now):
        return False
    is_of_team = user_id not in audience.user_ids and user_id != conversation.owner_id
    event = scene.events.get(one.id)
    verb = event.verb if event else ""
    is_named = event is not None and verb not in _UNNAMING
    is_due = verb == _Verb.PROMISED or (verb == _Verb.WOKEN and not is_of_team)
    is_about_them = one.kind in _ABOUT_ONE or is_named or is_due
    if (user_id, conversation.pk) in scene.muted and not is_about_them:
        return False
    is_by_team = one.kind in {Kind.INBOUND, Kind.SLA} and is_of_team and not is_named
    sort = _sort_of(one.kind, verb, is_by_team)
    return taste.wants(sort, conversation.inbox_id, is_by_team=is_by_team)


def _sort_of(kind: Kind, verb: str, is_by_team: bool) -> Sort:
    if verb == _Verb.PROMISED:
        return Sort.PROMISES
    if kind is Kind.INBOUND or verb == _Verb.WOKEN:
        return Sort.NEW if is_by_team else Sort.MINE
    sorts = {Kind.MENTION: Sort.MENTIONS, Kind.SLA: Sort.WAITING, Kind.WINDOW: Sort.WAITING}
    return sorts.get(kind, Sort.MINE)


def _concerned(
    one: Happening, conversation: Conversation, audience: Audience, scene: _Scene
) -> tuple[set[int], str]:
    """Say whom it concerns, and in which words."""
    if event := scene.events.get(one.id):
        if event.verb == _Verb.WARNED:
            return _waited_for(conversation, audience, scene), activity_words(event)
        if event.verb in _DUE:
            return _come_up(event, conversation, audience, scene), activity_words(event)
        if event.verb == _Verb.WINDOW:
            return _owner_who_is_waited_for(conversation), activity_words(event)
        if event.verb == _Verb.WATCHING:
            return _asked_to_watch(event)
        if event.verb in _NAMING:
            return set(event.data.get("told", ())), activity_words(event)
        return _given(event, conversation)
    message = scene.messages.get(one.id)
    if message is None:
        return set(), ""
    if one.kind is Kind.FAILED:
        return _failed(message)
    if one.kind is Kind.MENTION:
        return _mentioned(message)
    is_last = not conversation.preview_kind.startswith("out_")
    return _waited_for(conversation, audience, scene), preview_words(
        conversation.preview
    ) if is_last else ""


def _waited_for(conversation: Conversation, audience: Audience, scene: _Scene) -> set[int]:
    """Say whom a customer's words wait for: those who take part, else the team on duty."""
    if conversation.is_closed or conversation.is_hidden:
        return set()
    taking_part = set(audience.user_ids)
    if conversation.owner_id is not None or not conversation.is_team_wide:
        return taking_part
    inbox_id = conversation.inbox_id
    on_duty = {
        user_id
        for user_id, viewer in scene.people.items()
        if viewer.is_member_of(inbox_id) and inbox_id not in viewer.observes
    }
    return taking_part | (on_duty - scene.away)


def _come_up(
    event: ConversationEvent, conversation: Conversation, audience: Audience, scene: _Scene
) -> set[int]:
    """Say whose a due promise or the end of a snooze is: its owner's, else the team's.

    Other news of them wait.
    """
    if event.data.get("did") not in {"due", "over", "handed"}:
        return set()
    owner = conversation.owner_id
    return {owner} if owner else _waited_for(conversation, audience, scene)


def _owner_who_is_waited_for(conversation: Conversation) -> set[int]:
    owner = conversation.owner_id
    return {owner} if owner is not None and conversation.waiting_since else set()


def _given(event: ConversationEvent, conversation: Conversation) -> tuple[set[int], str]:
    """Say who has a conversation now that they did not take, or lost it to a supervisor."""
    facts = event.data
    if event.verb == _Verb.TAKEN_OVER:
        words = _("%(name)s took this conversation over: %(reason)s")
        told = facts.get("previous_id")
        said = words % {"name": event.actor_label, "reason": facts.get("reason", "")}
    elif event.verb == _Verb.TRANSFERRED:
        words = _("%(name)s gave you this conversation.")
        told = facts.get("to_id")
        said = " ".join(filter(None, (words % {"name": event.actor_label}, facts.get("note"))))
    else:
        told = conversation.owner_id if event.actor_id is None else None
        said = _("The customer wrote again: it is yours.")
    has_it = event.verb == _Verb.TAKEN_OVER or told == conversation.owner_id
    is_told = told is not None and told != event.actor_id and has_it
    return ({told} if is_told else set()), said


def _asked_to_watch(event: ConversationEvent) -> tuple[set[int], str]:
    words = _("%(name)s asked you to watch this conversation.") % {"name": event.actor_label}
    told = event.data.get("to_id")
    return ({told} if told is not None and told != event.actor_id else set()), words


def _mentioned(message: Message) -> tuple[set[int], str]:
    facts = {"name": message.author_label, "words": message.body[:MOST_WORDS]}
    told = set(message.details.get(MENTIONED, ())) - {message.author_id}
    return told, _("%(name)s mentioned you: %(words)s") % facts


def _failed(message: Message) -> tuple[set[int], str]:
    if message.author_id is None or message.status not in _FAILURES:
        return set(), ""
    words = _("Your message did not arrive. %(words)s") % {"words": retold(message.error_words)}
    return {message.author_id}, words.strip()


# --- Telling --------------------------------------------------------------------------------------

Ask: TypeAlias = Callable[[Callable[..., Any]], Callable[..., Awaitable[Any]]]


@dataclass
class Alerts:
    """Tells the people of this process what concerns them.

    `ask` runs a function that asks the database, away from the loop; `clock` says what time it is.
    """

    seats: Seats
    ask: Ask
    clock: Callable[[], datetime]
    _pending: list[Happening] = field(default_factory=list)
    _known: dict[tuple[str, int], None] = field(default_factory=dict)
    _told_at: dict[str, datetime] = field(default_factory=dict)
    _runner: asyncio.Task[None] | None = None

    def heard(self, head: Head, text: str) -> None:
        """Remember what a frame tells, once however many sockets hear it."""
        key = (head.inbox, head.seq)
        if head.type is None or key in self._known or not self.seats.is_anybody_here:
            return
        self._remember(key)
        happening = happening_in(head, text)
        if happening is None:
            return
        self._pending.append(happening)
        if self._runner is None or self._runner.done():
            self._runner = asyncio.get_running_loop().create_task(self._run())

    def _remember(self, key: tuple[str, int]) -> None:
        self._known[key] = None
        if len(self._known) > REMEMBERED:
            del self._known[next(iter(self._known))]

    async def _run(self) -> None:
        while self._pending:
            await asyncio.sleep(GATHER_SECONDS)
            happenings, self._pending = self._pending, []
            await self._tell(happenings)

    async def _tell(self, happenings: list[Happening]) -> None:
        now = self.clock()
        happenings = [one for one in happenings if not self._is_in_burst(one, now)]
        inboxes = {one.inbox for one in happenings}
        user_ids: dict[str, set[int]] = {}
        for sitter in self.seats.sitters:
            if inboxes & sitter.inboxes.keys():
                user_ids.setdefault(sitter.language, set()).add(sitter.viewer.user_id)
        if not happenings or not user_ids:
            return
        try:
            for language, people in user_ids.items():
                ask = self.ask(notices_in(language))
                self._hand_out(await ask(happenings, people, now=now), language)
        except DatabaseError:
            logger.exception("live: not everybody was notified")

    def _hand_out(self, notices: Iterable[Notice], language: str) -> None:
        for notice in notices:
            frame = notice.as_frame()
            for seat in self.seats.of_user(notice.user_id):
                if seat.sitter.language == language:
                    seat.tell(f"notify {notice.conversation.public_id}", frame)

    def _is_in_burst(self, one: Happening, now: datetime) -> bool:
        """Say whether the customer's last words were announced a moment ago; else begin a burst."""
        self._told_at = {key: at for key, at in self._told_at.items() if now - at < BURST}
        if one.kind is not Kind.INBOUND:
            return False
        is_in = one.conversation in self._told_at
        self._told_at.setdefault(one.conversation, now)
        return is_in
