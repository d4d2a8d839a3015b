"""Which machines of others do all our processes leave alone just now?

What is remembered lies in Redis, for everybody. While Redis is away each process goes by what it
knows itself.
"""

import json
import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import astuple
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TypeVar

from django.conf import settings
from redis import Redis
from redis.backoff import NoBackoff
from redis.client import Pipeline
from redis.exceptions import RedisError
from redis.retry import Retry

from routing.breaker import OPEN_FOR, WINDOW, Circuit, ask, note, open_until

logger = logging.getLogger(__name__)

# Looking here is part of the time that a whole look-up has.
REDIS_SECONDS = 0.3
KEPT_SECONDS = int(2 * (WINDOW + OPEN_FOR))
MOST_KNOWN = 10_000
T = TypeVar("T")
Change = Callable[[Circuit], tuple[T, Circuit]]


class Breakers:
    """The circuits of all definitions, by name."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._own: dict[str, Circuit] = {}
        self._lock = threading.Lock()

    def may_ask(self, name: str, *, now: datetime) -> bool:
        """Say whether a machine may be asked now; who is told so must tell what came of it."""
        return self._changed(name, lambda circuit: ask(circuit, at=now.timestamp()))

    def note(self, name: str, *, is_good: bool, now: datetime) -> None:
        """Tell what came of asking."""
        at = now.timestamp()
        self._changed(name, lambda circuit: (None, note(circuit, is_good=is_good, at=at)))

    def resting(self, names: Sequence[str], *, now: datetime) -> dict[str, datetime]:
        """Say which machines are left alone now, and until when; changes nothing."""
        keys = [self._key(name) for name in names]
        try:
            found = [_read(one) for one in self._redis.mget(keys)] if keys else []
        except RedisError:
            with self._lock:
                found = [self._own.get(name, Circuit()) for name in names]
        ends = {
            name: open_until(circuit, at=now.timestamp())
            for name, circuit in zip(names, found, strict=True)
        }
        return {name: datetime.fromtimestamp(at, UTC) for name, at in ends.items() if at}

    @staticmethod
    def _key(name: str) -> str:
        return f"{settings.CHANNEL_PREFIX}:breaker:{name}"

    def _changed(self, name: str, change: Change[T]) -> T:
        try:
            found, circuit = self._changed_for_all(name, change)
        except RedisError as error:
            logger.warning("breakers are each process's own: %s", type(error).__name__)
            with self._lock:
                found, circuit = change(self._own.get(name, Circuit()))
                self._remember(name, circuit)
            return found
        with self._lock:
            self._remember(name, circuit)
        return found

    def _remember(self, name: str, circuit: Circuit) -> None:
        if len(self._own) >= MOST_KNOWN:
            self._own.clear()
        self._own[name] = circuit

    def _changed_for_all(self, name: str, change: Change[T]) -> tuple[T, Circuit]:
        """Change what lies in Redis; done again where another process changed it meanwhile."""
        key = self._key(name)

        def step(pipe: Pipeline) -> tuple[T, Circuit]:
            before = _read(pipe.get(key))
            found, after = change(before)
            pipe.multi()
            if after != before:
                pipe.set(key, json.dumps(astuple(after)), ex=KEPT_SECONDS)
            return found, after

        # Its types do not know that it returns what the step returns when it is asked to.
        transaction: Any = self._redis.transaction
        result: tuple[T, Circuit] = transaction(step, key, value_from_callable=True)
        return result


def _read(stored: object) -> Circuit:
    if not isinstance(stored, bytes):
        return Circuit()
    failures, opened_at, tried_at = json.loads(stored)
    return Circuit(tuple(failures), opened_at, tried_at)


@lru_cache(maxsize=1)
def breakers() -> Breakers:
    """Return the breakers of this process."""
    return Breakers(connect(settings.REDIS_URL))


def connect(url: str) -> Redis:
    """Return a client that gives up at once: it is asked within the time of a look-up."""
    return Redis.from_url(
        url,
        socket_connect_timeout=REDIS_SECONDS,
        socket_timeout=REDIS_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )
