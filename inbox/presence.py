"""Who is looking, who is typing? Leases in Redis: display only, they grant nothing."""

import json
import time
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
        try:
            values = await self._redis.hvals(_key(conversation))
        except RedisError:
            return []
        found = [json.loads(value) for value in values]
        limit = time.time() - LEASE_SECONDS
        return [
            Watcher(id=item["id"], name=item["name"], state=item["state"])
            for item in found
            if item["at"] > limit
        ]


def _key(conversation: str) -> str:
    return f"{settings.CHANNEL_PREFIX}:presence:{conversation}"
