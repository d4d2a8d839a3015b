"""What does a browser's socket hear and say? Frames out; subscribe, ping, viewing and typing in.

`viewers` asks who is in the conversations of a list that was just loaded.

Nothing that changes data goes over the socket. Visibility is decided by the groups a frame is
published to, never by filtering here.
"""

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.http import Http404
from django.utils import timezone
from redis.exceptions import RedisError

from accounts.access import Viewer, viewer_of
from accounts.english import ENGLISH
from accounts.languages import language_heard
from accounts.models import User
from accounts.sessions import alive_among
from accounts.support import supporters_in
from inbox.access import (
    Audience,
    HandledByOtherError,
    audience_of,
    conversations_of,
    get_conversation,
    inboxes_of,
)
from inbox.alerts import Alerts
from inbox.attendance import Roll
from inbox.broadcast import (
    VERSION,
    guests_group,
    head_in,
    in_every_language,
    inbox_group,
    read_in,
    spoken,
    supervisors_group,
    user_group,
)
from inbox.events import head_of
from inbox.hub import MOST_WAITING_FRAMES, Hub, Outbox
from inbox.models import Conversation
from inbox.presence import Presence
from inbox.seats import Seats
from inbox.standing import standing_of
from inbox.tallies import Tallies
from inbox.watch import (
    CLOSE_NO_ACCESS,
    CLOSE_PROTOCOL,
    CLOSE_SESSION_ENDED,
    CLOSE_TOO_MANY,
    CLOSE_TRY_AGAIN,
    Watch,
    marks_of,
)

logger = logging.getLogger(__name__)

SUBPROTOCOL = "teaminbox.v1"
HEARTBEAT_SECONDS = 25
MAX_FRAME_BYTES = 64 * 1024
TYPING_GAP_SECONDS = 2.0
MOST_ASKED = 100  # conversations whose viewers one frame asks for
ASKED_GAP_SECONDS = 0.2
MOST_SOCKETS_OF_ONE = 20  # tabs of one person at one process


@dataclass(frozen=True)
class Chair:
    """What one person may hear: their viewer, and inbox id by public id, and groups.

    `present` are the stays of those who are in their account for support, `standings` what the
    person is in each inbox (`inbox.standing`), by public id.
    """

    viewer: Viewer
    inboxes: dict[str, int]
    groups: frozenset[str]
    present: tuple[int, ...] = ()
    standings: Mapping[str, str] = field(default_factory=dict)

    def may_follow(self, before: "Chair | None") -> bool:
        """Say whether a socket may stay open, or be opened where there was none before.

        Who is here for support has pages of settings also while Team Inbox is off. The pages of
        one account are over once they are in another.
        """
        if not self.viewer.is_support:
            return self.viewer.may_see
        was = before.viewer if before else self.viewer
        return was.account_id == self.viewer.account_id and was.may_see <= self.viewer.may_see


@dataclass(frozen=True)
class Looking:
    """The conversation somebody has open, and who may know it."""

    conversation: str
    inbox: str
    audience: Audience


# What nobody publishes: made by this process, for the sockets that asked for an inbox.
seats = Seats()
tallies = Tallies(seats, database_sync_to_async)
alerts = Alerts(seats, database_sync_to_async, timezone.now)
roll = Roll(seats, database_sync_to_async)


def overhear(text: str) -> None:
    """Let numbers and notices know of a published frame that passes."""
    head = head_in(text)
    if head is not None:
        tallies.heard(head.inbox)
        alerts.heard(head, text)
    elif inbox := read_in(text):
        # Somebody who sits here has read: of what mentions them there is less.
        tallies.heard(inbox)


hub = Hub(overhear)
watch = Watch(database_sync_to_async, timezone.now)


class LiveConsumer(AsyncWebsocketConsumer):
    """One tab's socket."""

    # None of Channels' layers: the hub hands out frames.
    channel_layer_alias = "hub"
    presence = Presence()
    is_active = True

    @property
    def viewer(self) -> Viewer:
        """Return whose socket it is."""
        return self.chair.viewer

    @property
    def inboxes(self) -> Mapping[str, int]:
        """Return the inboxes this socket may hear: id by public id."""
        return self.chair.inboxes

    def __init__(self) -> None:
        super().__init__()
        self.user: User | None = None
        self.language = ENGLISH
        self.looking: Looking | None = None
        self.heard_at = time.monotonic()
        self.typed_at = 0.0
        self.asked_at = 0.0
        self.is_sent_away = False
        self.joined: frozenset[str] = frozenset()
        self.outbox = Outbox(self._write)
        self.errands: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one socket to its end, however it ends."""
        try:
            await super().__call__(scope, receive, send)
        except OSError:
            logger.info("live: the browser was gone before it was answered")
        finally:
            await self._stand_up()

    async def connect(self) -> None:
        """Let a logged-in, licensed person in, and join the groups they may hear."""
        scope = cast("dict[str, Any]", self.scope)
        user = scope.get("user")
        self.user = user if isinstance(user, User) else None
        self.language = language_heard(self.user, _accepted_by(scope)) if self.user else ENGLISH
        if SUBPROTOCOL not in scope.get("subprotocols", []):
            await self.accept()
            await self.close(CLOSE_PROTOCOL)
            return
        await self.accept(SUBPROTOCOL)
        if self.user is None or not await database_sync_to_async(self._is_let_in)():
            await self.close(CLOSE_SESSION_ENDED)
            return
        if watch.count_of(self.user) >= MOST_SOCKETS_OF_ONE:
            await self.close(CLOSE_TOO_MANY)
            return
        try:
            await self._sit_down()
        except (RedisError, OSError):
            logger.warning("live: Redis is away")
            await self.close(CLOSE_TRY_AGAIN)

    async def _sit_down(self) -> None:
        self.mark = await database_sync_to_async(self._own_mark)()
        chair = await self._chair()
        if not chair.may_follow(None):
            await self.close(CLOSE_NO_ACCESS)
            return
        self.chair = chair
        await self._join(chair.groups)
        self._greet()
        watch.add(self)

    def _greet(self) -> None:
        """Say hello. A browser that is greeted asks for what it may have missed."""
        hello = {
            "type": "hello",
            "server_time": timezone.now().isoformat(),
            "build": settings.BUILD,
            "heartbeat": HEARTBEAT_SECONDS,
            "user": self.chair.viewer.user_id,
            "support": self.chair.present,
        }
        self.outbox.put(json.dumps({"v": VERSION, **hello}))

    async def _stand_up(self) -> None:
        """Leave every group and stop being seen."""
        watch.discard(self)
        seats.leave(self)
        joined, self.joined = self.joined, frozenset()
        await hub.leave(self, joined)
        await self._look_away()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Answer one frame of the browser; what is not understood is said so."""
        self.heard_at = time.monotonic()
        command = _read(text_data)
        handlers = {
            "ping": self._ping,
            "subscribe": self._subscribe,
            "viewing": self._viewing,
            "viewers": self._viewers,
            "typing": self._typing,
        }
        handler = handlers.get(str(command.get("type")))
        if handler is None or not hasattr(self, "chair"):
            await self._say({"type": "error", "code": "not_understood", "detail": "Unknown frame."})
            return
        await handler(command)

    async def tell(self, text: str) -> None:
        """Send a frame that this process made itself."""
        await self._write(text)

    # --- what the hub says ---

    def hear(self, text: str) -> None:
        """Pass a frame on as it was encoded once by the publisher."""
        if len(self.outbox) >= MOST_WAITING_FRAMES:
            self.send_away()
        elif '"type":"access.' in text[:80]:
            self._soon(self.recheck())
        else:
            if self.looking and '"type":"conversation.left"' in text:
                self._forget_if_left(text)
            self.outbox.put(text)

    def was_deaf(self) -> None:
        """Greet the browser again: it then catches up."""
        self._greet()

    def send_away(self) -> None:
        """Close: the browser then asks over HTTP, and comes again now and then."""
        if not self.is_sent_away:
            self.is_sent_away = True
            self._soon(self._go())

    async def _go(self) -> None:
        with contextlib.suppress(OSError, RuntimeError):  # it may have gone by itself
            await self.close(CLOSE_TRY_AGAIN)

    def _soon(self, errand: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(errand)
        self.errands.add(task)
        task.add_done_callback(self.errands.discard)

    async def _write(self, text: str) -> None:
        await self.base_send({"type": "websocket.send", "text": text})  # type: ignore[arg-type]

    # --- what the browser says ---

    async def _ping(self, command: dict[str, Any]) -> None:
        await self._say({"type": "pong", "t": command.get("t")})

    async def _subscribe(self, command: dict[str, Any]) -> None:
        public_id = str(command.get("inbox", ""))
        inbox_id = self.chair.inboxes.get(public_id)
        if inbox_id is None:
            await self.recheck()
            inbox_id = self.chair.inboxes.get(public_id)
        if inbox_id is None:
            await self._say({"type": "error", "code": "no_access", "ref": public_id})
            return
        head = await database_sync_to_async(head_of)(inbox_id)
        standing = self.chair.standings.get(public_id, "")
        subscribed = {"inbox": public_id, "head": head, "standing": standing}
        await self._say({"type": "subscribed", **subscribed})
        seats.take(self, public_id)
        tallies.heard(public_id)
        roll.begin()

    async def _viewing(self, command: dict[str, Any]) -> None:
        if self.chair.viewer.is_support:
            return
        wanted = command.get("conversation")
        self.is_active = command.get("state", "active") == "active"
        if not isinstance(wanted, str) or not wanted.isalnum():
            await self._look_away()
            return
        state = "viewing" if self.is_active else "away"
        looking = await self._find(wanted)
        if self.looking and (looking is None or looking.conversation != self.looking.conversation):
            await self._look_away()
        if looking is None:
            return
        self.looking = looking
        viewer = self.chair.viewer
        await self.presence.enter(looking.conversation, viewer.user_id, viewer.name, state)
        await self._tell_presence(looking)

    async def _typing(self, command: dict[str, Any]) -> None:
        looking = self.looking
        now = time.monotonic()
        is_on = bool(command.get("on"))
        if looking is None or looking.conversation != command.get("conversation"):
            return
        if is_on and now - self.typed_at < TYPING_GAP_SECONDS:
            return
        self.typed_at = now if is_on else 0.0
        looking = await self._find(looking.conversation)
        if looking is None:
            self.looking = None
            return
        viewer = self.chair.viewer
        mode = "note" if command.get("mode") == "note" else "reply"
        data = {
            "conversation": looking.conversation,
            "agent": viewer.user_id,
            "name": viewer.name,
            "mode": mode,
            "ttl": 6 if is_on else 0,
        }
        await self._publish(looking, {"type": "typing", "data": data})

    # --- presence ---

    async def _look_away(self) -> None:
        looking, self.looking = self.looking, None
        if looking and self.user:
            await self.presence.leave(looking.conversation, self.user.pk)
            # Those who may hear of it now, who need not be those of the moment it was opened.
            if remaining := await self._those_who_hear(looking.conversation):
                await self._tell_presence(remaining)

    async def _tell_presence(self, looking: Looking) -> None:
        viewers = await self.presence.watchers(looking.conversation)
        data = {"conversation": looking.conversation, "viewers": viewers}
        await self._publish(looking, {"type": "presence", "data": data})

    async def _viewers(self, command: dict[str, Any]) -> None:
        """Say who is in these conversations, as far as this person may see them now."""
        now = time.monotonic()
        if self.chair.viewer.is_support or now - self.asked_at < ASKED_GAP_SECONDS:
            return
        self.asked_at = now
        there = await self.presence.watchers_of(_ids_in(command.get("conversations")))
        if not there:
            return
        for public_id, inbox in await self._seen_among(list(there)):
            data = {"conversation": public_id, "viewers": there[public_id]}
            await self._say({"inbox": inbox, "type": "presence", "data": data})

    async def _publish(self, looking: Looking, frame: dict[str, Any]) -> None:
        """Send an ephemeral frame to the audience of a conversation."""
        groups = [user_group(user_id) for user_id in looking.audience.user_ids]
        groups.append(
            inbox_group(looking.inbox)
            if looking.audience.is_team
            else supervisors_group(looking.inbox)
        )
        text = json.dumps({"v": VERSION, "inbox": looking.inbox, **frame}, separators=(",", ":"))
        await hub.tell(in_every_language(groups), text)

    def _forget_if_left(self, text: str) -> None:
        left = json.loads(text).get("conversation")
        if self.looking and self.looking.conversation == left:
            self._soon(self._look_away())

    @database_sync_to_async
    def _find(self, public_id: str) -> Looking | None:
        assert self.user is not None
        viewer = viewer_of(self.user, now=timezone.now())
        try:
            conversation = get_conversation(viewer, public_id)
        except (Http404, HandledByOtherError):
            return None
        return _looking_at(conversation)

    @database_sync_to_async
    def _seen_among(self, public_ids: list[str]) -> list[tuple[str, str]]:
        """Return those of these conversations that this person may see, each with its inbox."""
        assert self.user is not None
        seen = conversations_of(viewer_of(self.user, now=timezone.now()))
        rows = seen.filter(public_id__in=public_ids).order_by()
        found = rows.values_list("public_id", "inbox__public_id")
        return [(public_id, str(inbox)) for public_id, inbox in found]

    @database_sync_to_async
    def _those_who_hear(self, public_id: str) -> Looking | None:
        found = Conversation.objects.select_related("inbox").filter(public_id=public_id).first()
        return _looking_at(found) if found else None

    # --- access ---

    async def recheck(self) -> None:
        """Look again at what this person may hear; close the socket if that is nothing.

        The browser is told when it may hear, see or do something else than before.
        """
        if not await database_sync_to_async(self._is_let_in)():
            await self.close(CLOSE_SESSION_ENDED)
            return
        chair = await self._chair()
        if not chair.may_follow(self.chair):
            await self._say({"type": "access.revoked", "data": {}})
            await self.close(CLOSE_NO_ACCESS)
            return
        before, self.chair = self.chair, chair
        hears_other = chair.groups != self.joined
        if chair.present != before.present:
            await self._say({"type": "support.changed", "data": {"present": chair.present}})
        if hears_other:
            await self._join(chair.groups)
        if hears_other or chair.standings != before.standings:
            await self._say({"type": "access.changed", "data": {"inboxes": sorted(chair.inboxes)}})
            for inbox in seats.review(self):
                tallies.heard(inbox)

    def _is_let_in(self) -> bool:
        return self.session_key in alive_among([self.session_key], now=timezone.now())

    def _own_mark(self) -> str:
        assert self.user is not None  # only logged-in people get here
        return marks_of([self.user], now=timezone.now())[self.user.pk]

    @property
    def session_key(self) -> str:
        """Return the key of the session this socket was opened with."""
        session = self.scope.get("session")
        return str(session.session_key) if session is not None else ""

    @database_sync_to_async
    def _chair(self) -> Chair:
        assert self.user is not None
        viewer = viewer_of(self.user, now=timezone.now())
        # Who is here for support is only told when that ends: what they read they ask for page by
        # page, and each is written down.
        if not viewer.may_see or viewer.is_support:
            return Chair(viewer, {}, frozenset())
        present: tuple[int, ...] = ()
        if viewer.is_supported and viewer.account_id is not None:
            here = supporters_in(viewer.account_id, now=timezone.now())
            present = tuple(sorted(access.pk for access in here))
        found = {str(inbox.public_id): inbox for inbox in inboxes_of(viewer)}
        groups = {user_group(viewer.user_id)}
        for public_id, inbox in found.items():
            if inbox.pk in viewer.member_of:
                groups.add(inbox_group(public_id))
            else:
                groups.add(guests_group(public_id))
            if inbox.pk in viewer.supervises:
                groups.add(supervisors_group(public_id))
        return Chair(
            viewer,
            {public_id: inbox.pk for public_id, inbox in found.items()},
            frozenset(spoken(group, self.language) for group in groups),
            present,
            {public_id: standing_of(viewer, inbox) for public_id, inbox in found.items()},
        )

    async def _join(self, groups: frozenset[str]) -> None:
        before, self.joined = self.joined, self.joined | groups
        await hub.join(self, groups - before)
        await hub.leave(self, before - groups)
        self.joined = groups

    # --- plumbing ---

    async def _say(self, frame: dict[str, Any]) -> None:
        await self.send(text_data=json.dumps({"v": VERSION, **frame}))


def _looking_at(conversation: Conversation) -> Looking:
    inbox = str(conversation.inbox.public_id)
    return Looking(conversation.public_id, inbox, audience_of(conversation))


def _ids_in(wanted: object) -> list[str]:
    """Return the public ids among what a browser sent, as many as it may ask for."""
    if not isinstance(wanted, list):
        return []
    found = [one for one in wanted if isinstance(one, str) and one.isalnum() and one.isascii()]
    return found[:MOST_ASKED]


def _accepted_by(scope: Mapping[str, Any]) -> str:
    """Return which languages the browser accepts."""
    headers = dict(scope.get("headers", ()))
    return str(headers.get(b"accept-language", b"").decode("latin-1"))


def _read(text: str | None) -> dict[str, Any]:
    if not text or len(text) > MAX_FRAME_BYTES:
        return {}
    try:
        command = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return command if isinstance(command, dict) else {}
