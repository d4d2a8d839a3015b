"""Who is at work? Online, away or gone, from leases in Redis: display only, they grant nothing.

Every process writes what its own sockets show and reads what the others wrote, every other second.
Good news is told at once, bad news when it lasts: a reload, or a Redis that was emptied, makes
nobody flicker.
"""

import asyncio
import json
import logging
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from functools import lru_cache
from typing import Any, TypeAlias
from uuid import uuid4

import redis
from django.conf import settings
from django.db import DatabaseError
from redis import asyncio as aioredis
from redis.asyncio.client import Pipeline

from accounts.models import User
from inbox.broadcast import VERSION
from inbox.seats import Seats, Sitter

logger = logging.getLogger(__name__)

LOOK_SECONDS = 2.0
LEASE_SECONDS = 5.0
LOOKS_UNTIL_BELIEVED = 2
KEPT_SECONDS = 60


class State(StrEnum):
    """Whether somebody would notice, the best first."""

    ONLINE = "online"
    AWAY = "away"
    OFFLINE = "offline"


_States: TypeAlias = dict[int, State]
_Lease: TypeAlias = tuple[str, float]
_BEST_FIRST = list(State)


def states_in(inbox: object) -> dict[int, State] | None:
    """Return who is at work in an inbox as far as sockets show; None while Redis is away.

    Who set themselves away counts as away only where their sockets are: ask their row as well.
    """
    try:
        leases = _redis().hgetall(_key(inbox))
    except redis.RedisError:
        return None
    return _states_of(_decoded(leases), time.time())


def online_now() -> set[int] | None:
    """Return everybody who is at work as a member of some inbox; None while Redis is away."""
    since = time.time() - LEASE_SECONDS
    try:
        found: list[Any] = _redis().zrangebyscore(_online_key(), since, "+inf")
    except redis.RedisError:
        return None
    return {int(user_id) for user_id in found}


class Roll:
    """Keeps the leases of this process's people, and tells its seats who came and went.

    `ask` runs a function that asks the database, away from the loop.
    """

    def __init__(self, seats: Seats, ask: Callable[..., Callable[..., Awaitable[Any]]]) -> None:
        self._seats, self._ask = seats, ask
        self._process = uuid4().hex[:12]
        self._redis: aioredis.Redis = aioredis.Redis.from_url(
            settings.REDIS_URL, socket_connect_timeout=1, socket_timeout=2
        )
        self._known: dict[str, _States] = {}
        self._doubts: dict[tuple[str, int], int] = {}
        self._runner: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Call the roll from now on, as long as somebody sits here."""
        if self._runner is None or self._runner.done():
            self._runner = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        while self._seats.is_anybody_here:
            try:
                await self.look()
            except (redis.RedisError, OSError, DatabaseError) as error:
                logger.warning("live: the roll was not called (%s)", type(error).__name__)
            await asyncio.sleep(LOOK_SECONDS)
        self._known.clear()
        self._doubts.clear()

    async def look(self) -> None:
        """Write who is here, read who is elsewhere, and tell what changed."""
        here = await self._here()
        now = time.time()
        for inbox, leases in zip(here, await self._exchange(here, now), strict=True):
            if inbox not in self._known:
                # Whoever was here before us is no news.
                self._known[inbox] = _states_of(leases, now)
            own = {self._field(user): (state, now) for user, state in here[inbox].items()}
            found = _states_of({**leases, **own}, now)
            for user_id, state in self._news(inbox, found):
                self._tell(inbox, user_id, state)
            # Left behind by processes that ended.
            if old := [field for field, (_, at) in leases.items() if now - at > KEPT_SECONDS]:
                await self._redis.hdel(_key(inbox), *old)
        for inbox in self._known.keys() - here.keys():
            del self._known[inbox]

    async def _here(self) -> dict[str, _States]:
        """Return the people of this process by the inboxes where they are members."""
        sitters = self._seats.sitters
        away = await self._ask(_away_by_choice)({one.viewer.user_id for one in sitters})
        here: dict[str, _States] = defaultdict(dict)
        for sitter in sitters:
            user_id = sitter.viewer.user_id
            is_online = sitter.is_active and user_id not in away
            for inbox in _inboxes_as_member(sitter):
                best = here[inbox].get(user_id)
                here[inbox][user_id] = State.ONLINE if is_online else best or State.AWAY
        return here

    async def _exchange(
        self, here: Mapping[str, _States], now: float
    ) -> list[Mapping[str, _Lease]]:
        async with self._redis.pipeline(transaction=False) as pipe:
            for inbox, states in here.items():
                pipe.hgetall(_key(inbox))
                pipe.hset(
                    _key(inbox),
                    mapping={
                        self._field(user): json.dumps([state, now])
                        for user, state in states.items()
                    },
                )
                pipe.expire(_key(inbox), KEPT_SECONDS)
            _note_online(pipe, here.values(), now)
            answers = await pipe.execute()
        return [_decoded(answer) for answer in answers[: 3 * len(here) : 3]]

    def _news(self, inbox: str, found: _States) -> Iterator[tuple[int, State]]:
        known = self._known[inbox]
        for user_id in known.keys() | found.keys():
            was = known.get(user_id, State.OFFLINE)
            state = found.get(user_id, State.OFFLINE)
            if state != was and self._is_believed(inbox, user_id, was, state):
                known[user_id] = state
                yield user_id, state
            elif state == was:
                self._doubts.pop((inbox, user_id), None)

    def _is_believed(self, inbox: str, user_id: int, was: State, state: State) -> bool:
        if _BEST_FIRST.index(state) < _BEST_FIRST.index(was):
            self._doubts.pop((inbox, user_id), None)
            return True
        seen = self._doubts.pop((inbox, user_id), 0) + 1
        if seen < LOOKS_UNTIL_BELIEVED:
            self._doubts[inbox, user_id] = seen
        return seen >= LOOKS_UNTIL_BELIEVED

    def _tell(self, inbox: str, user_id: int, state: State) -> None:
        data = {"agent": user_id, "state": state}
        frame = {"v": VERSION, "inbox": inbox, "type": "agent.status", "data": data}
        text = json.dumps(frame, separators=(",", ":"))
        for seat in self._seats.in_inbox(inbox):
            if seat.is_of_member:
                seat.tell(f"agent.status {user_id}", text)

    def _field(self, user_id: int) -> str:
        return f"{user_id}:{self._process}"


def _note_online(pipe: Pipeline, here: Iterable[_States], now: float) -> None:
    """Say of everybody here who is online that they were so now; who was long ago is left out."""
    online = {
        str(user_id): now
        for states in here
        for user_id, state in states.items()
        if state == State.ONLINE
    }
    if online:
        pipe.zadd(_online_key(), online)
    pipe.zremrangebyscore(_online_key(), "-inf", now - KEPT_SECONDS)


def _states_of(leases: Mapping[str, _Lease], now: float) -> _States:
    """Return the best that any process says of each person; leases that ran out say nothing."""
    states: _States = {}
    for field, (state, at) in leases.items():
        user_id = int(field.partition(":")[0])
        if now - at <= LEASE_SECONDS:
            states[user_id] = min(
                State(state), states.get(user_id, State.OFFLINE), key=_BEST_FIRST.index
            )
    return states


def _decoded(leases: Mapping[Any, Any]) -> dict[str, _Lease]:
    found = {field.decode(): json.loads(value) for field, value in leases.items()}
    return {field: (str(state), float(at)) for field, (state, at) in found.items()}


def _inboxes_as_member(sitter: Sitter) -> Iterable[str]:
    return (inbox for inbox, pk in sitter.inboxes.items() if sitter.viewer.is_member_of(pk))


def _away_by_choice(user_ids: Iterable[int]) -> set[int]:
    away = User.objects.filter(pk__in=list(user_ids), availability=User.Availability.AWAY)
    return set(away.values_list("pk", flat=True))


def _key(inbox: object) -> str:
    return f"{settings.CHANNEL_PREFIX}:agents:{inbox}"


def _online_key() -> str:
    return f"{settings.CHANNEL_PREFIX}:online"


@lru_cache(maxsize=1)
def _redis() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=1, socket_timeout=2)
