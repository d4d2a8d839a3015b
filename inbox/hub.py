"""How does a frame reach the sockets of this process? One subscriber hands it to all who listen.

Channels connects and authenticates a socket; here it says which groups it hears. However many
sockets a process has, it reads each frame once, in the format of the channel layer (`inbox.
broadcast`), and passes the text on as it is: no parsing, no task and no queue of Channels' for each
of them. A socket that does not read is closed; while Redis is away, nobody hears, and afterwards
everybody is told to catch up.
"""

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol

import msgpack
from django.conf import settings
from redis import asyncio as aioredis
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

MOST_WAITING_FRAMES = 500
ACKNOWLEDGED_WITHIN_SECONDS = 2.0
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.1, 2.0
LISTEN_SECONDS = 5.0
PATIENCE_SECONDS = 3.0


class Listener(Protocol):
    """Somebody who hears groups. No method may wait for anything."""

    def hear(self, text: str) -> None:
        """Take one frame."""

    def was_deaf(self) -> None:
        """Know that frames may have passed unheard."""

    def send_away(self) -> None:
        """Go: nothing can be heard here for now."""


class Hub:
    """Who listens to which group in this process. Belongs to the loop that first uses it.

    `overhear` is told of each frame, once however many listen.
    """

    def __init__(self, overhear: Callable[[str], None]) -> None:
        self._overhear = overhear
        self._listeners: dict[bytes, set[Listener]] = {}
        self._acknowledged: dict[bytes, asyncio.Event] = {}
        self._work: asyncio.Task[None] | None = None
        self._redis: aioredis.Redis | None = None
        self._pubsub: aioredis.client.PubSub | None = None
        self._is_asked = False
        self._is_away = False

    async def join(self, listener: Listener, groups: Iterable[str]) -> None:
        """Let somebody hear these groups; return when they do. Raises RedisError, OSError."""
        channels = [channel_of(group) for group in groups]
        if self._is_away:
            raise ConnectionError("Redis is away.")
        for channel in channels:
            self._listeners.setdefault(channel, set()).add(listener)
        new = [channel for channel in channels if channel not in self._acknowledged]
        if new:
            await self._subscribe(new)
        waiting = [self._acknowledged[channel].wait() for channel in channels]
        try:
            await asyncio.wait_for(asyncio.gather(*waiting), ACKNOWLEDGED_WITHIN_SECONDS)
        except TimeoutError as late:
            raise ConnectionError("Redis does not acknowledge subscriptions.") from late

    async def leave(self, listener: Listener, groups: Iterable[str]) -> None:
        """Let somebody hear these groups no more."""
        empty = []
        for channel in map(channel_of, groups):
            listeners = self._listeners.get(channel, set())
            listeners.discard(listener)
            if not listeners:
                self._listeners.pop(channel, None)
                self._acknowledged.pop(channel, None)
                empty.append(channel)
        if empty and self._pubsub is not None:
            try:
                await self._pubsub.unsubscribe(*empty)
            except (RedisError, OSError):
                logger.info("live: groups not left, Redis is away")

    async def tell(self, groups: Iterable[str], text: str) -> None:
        """Publish an ephemeral frame from this process; if Redis is away it is lost."""
        message = msgpack.packb({"type": "live.frame", "text": text})
        try:
            async with self._connection().pipeline(transaction=False) as pipe:
                for group in groups:
                    pipe.publish(channel_of(group), message)
                await pipe.execute()
        except (RedisError, OSError):
            logger.info("live: hint not told, Redis is away")

    def _connection(self) -> aioredis.Redis:
        if self._redis is None:
            self._redis = aioredis.Redis.from_url(
                settings.REDIS_URL, socket_connect_timeout=1, socket_timeout=2
            )
        return self._redis

    async def _subscribe(self, channels: list[bytes]) -> None:
        for channel in channels:
            self._acknowledged[channel] = asyncio.Event()
        if self._pubsub is None:
            self._pubsub = self._connection().pubsub()
        await self._pubsub.subscribe(*channels)
        if self._work is None or self._work.done():
            self._work = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        while True:
            try:
                await self._hear_one()
            except (RedisError, OSError) as error:
                logger.warning("live: Redis is away: %s", type(error).__name__)
                await self._recover()

    async def _hear_one(self) -> None:
        assert self._pubsub is not None
        message = await self._pubsub.get_message(timeout=LISTEN_SECONDS)
        if message is None:
            await self._ask_for_a_sign()
            return
        self._is_asked = False
        channel = message["channel"]
        if message["type"] == "message":
            text = msgpack.unpackb(message["data"])["text"]
            self._overhear(text)
            for listener in tuple(self._listeners.get(channel, ())):
                listener.hear(text)
            # All sockets write this frame before any of them writes the next: content is not
            # held up by the tick that follows it.
            await asyncio.sleep(0)
        elif message["type"] == "subscribe" and channel in self._acknowledged:
            self._acknowledged[channel].set()

    async def _ask_for_a_sign(self) -> None:
        """Find out whether silence is health: a line that hangs says nothing either."""
        if self._is_asked:
            raise ConnectionError("Redis does not answer.")
        if self._acknowledged and self._pubsub is not None:
            self._is_asked = True
            await self._pubsub.ping()

    async def _recover(self) -> None:
        """Try until Redis is back; whoever waits too long had better ask over HTTP."""
        self._is_away = True
        pause, since = FIRST_PAUSE_SECONDS, time.monotonic()
        while self._is_away:
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
            with contextlib.suppress(RedisError, OSError):
                await self._start_again()
                self._is_away = False
            if self._is_away and time.monotonic() - since > PATIENCE_SECONDS:
                for listener in self._everybody():
                    listener.send_away()
        for listener in self._everybody():
            listener.was_deaf()

    def _everybody(self) -> set[Listener]:
        return {listener for some in self._listeners.values() for listener in some}

    async def _start_again(self) -> None:
        """Subscribe anew on a fresh line."""
        old, self._pubsub = self._pubsub, self._connection().pubsub()
        self._is_asked = False
        if old is not None:
            with contextlib.suppress(RedisError, OSError):
                await old.aclose()  # type: ignore[no-untyped-call]
        if self._acknowledged:
            await self._pubsub.subscribe(*self._acknowledged)


def channel_of(group: str) -> bytes:
    """Return the channel of a group, as the channel layer names it."""
    return f"{settings.CHANNEL_PREFIX}__group__{group}".encode()


class Outbox:
    """Frames on their way to one socket, written in order by one task while there are any."""

    def __init__(self, send: Callable[[str], Awaitable[None]]) -> None:
        self._send = send
        self._frames: deque[str] = deque()
        self._work: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._frames)

    def put(self, text: str) -> None:
        """Let a frame be written soon."""
        self._frames.append(text)
        if self._work is None or self._work.done():
            self._work = asyncio.create_task(self._write())

    async def _write(self) -> None:
        try:
            while self._frames:
                await self._send(self._frames.popleft())
        except (OSError, RuntimeError):
            self._frames.clear()  # the browser has gone; `disconnect` follows
