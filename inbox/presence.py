"""Who is looking, who is typing? Leases in Redis: display only, they grant nothing."""

import json
import time
from collections.abc import Iterable, Sequence
from typing import TypedDict

from django.conf import settings
from redis import asyncio as aioredis
from redis.exceptions import RedisError

LEASE_SECONDS = 15


class Watcher(TypedDict):
    """One person who has a conversation open."""

    id: int
    name: str
    state: str


class Presence:
    """The viewers of conversations, kept in one Redis hash each."""

    def __init__(self) -> None:
        self._redis: aioredis.Redis = aioredis.Redis.from_url(
            settings.REDIS_URL, socket_connect_timeout=1, socket_timeout=2
        )

    async def enter(self, conversation: str, user_id: int, name: str, state: str) -> None:
        """Say that somebody looks at a conversation, for the next seconds."""
        value = json.dumps({"id": user_id, "name": name, "state": state, "at": time.time()})
        try:
            async with self._redis.pipeline(transaction=False) as pipe:
                pipe.hset(_key(conversation), str(user_id), value)
                pipe.expire(_key(conversation), LEASE_SECONDS * 2)
                await pipe.execute()
        except RedisError:
            return

    async def leave(self, conversation: str, user_id: int) -> None:
        """Say that somebody stopped looking."""
        try:
            await self._redis.hdel(_key(conversation), str(user_id))
        except RedisError:
            return

    async def watchers(self, conversation: str) -> list[Watcher]:
        """Return who looks now; leases that ran out do not count."""
        return (await self.watchers_of([conversation])).get(conversation, [])

    async def watchers_of(self, conversations: Sequence[str]) -> dict[str, list[Watcher]]:
        """Return who looks now at each of these; where nobody does, it is left out."""
        try:
            async with self._redis.pipeline(transaction=False) as pipe:
                for conversation in conversations:
                    pipe.hvals(_key(conversation))
                every = await pipe.execute()
        except RedisError:
            return {}
        limit = time.time() - LEASE_SECONDS
        found = {
            conversation: _watchers(values, limit)
            for conversation, values in zip(conversations, every, strict=True)
        }
        return {conversation: there for conversation, there in found.items() if there}


def _watchers(values: Iterable[bytes], limit: float) -> list[Watcher]:
    items = [json.loads(value) for value in values]
    return [
        Watcher(id=item["id"], name=item["name"], state=item["state"])
        for item in items
        if item["at"] > limit
    ]


def _key(conversation: str) -> str:
    return f"{settings.CHANNEL_PREFIX}:presence:{conversation}"
