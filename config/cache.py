"""What if Redis is away? Then the cache is empty: slower, never an error for a person.

Only what guards the log-in must not be empty then: how often somebody tried, and which codes were
used. It goes on in the database, so that nobody guesses without a limit.
"""

import logging
import time
from typing import Any, ClassVar

from django.core.cache import caches
from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)
# allauth counts attempts, and we keep used codes, under keys that begin so.
GUARDS = ("allauth:rl:", "allauth.mfa.")
# Nobody waits again at once for a Redis that did not answer.
REST_SECONDS = 2.0


class ForgivingRedisCache(RedisCache):
    """Redis as a cache that may vanish at any time.

    A failed read is a miss, a failed write is forgotten. Nothing that must not be lost may be kept
    here, but for those guards.
    """

    rests_until: ClassVar[float] = 0.0

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        """Return the value, or `default` if it is not there or Redis is away."""
        return self._ask("get", default, key, default, version)

    def set(self, key: Any, *args: Any, **kwargs: Any) -> None:
        """Keep a value if Redis is there."""
        self._ask("set", None, key, *args, **kwargs)

    def add(self, key: Any, *args: Any, **kwargs: Any) -> bool:
        """Keep a value unless there is one; say whether it is kept (yes, if Redis is away)."""
        return bool(self._ask("add", True, key, *args, **kwargs))

    def delete(self, key: Any, *args: Any, **kwargs: Any) -> bool:
        """Forget a value."""
        return bool(self._ask("delete", False, key, *args, **kwargs))

    def get_many(self, keys: Any, *args: Any, **kwargs: Any) -> dict[Any, Any]:
        """Return the values that are there."""
        found: dict[Any, Any] = self._ask("get_many", {}, keys, *args, **kwargs)
        return found

    def _ask(self, what: str, otherwise: Any, key: Any, *args: Any, **kwargs: Any) -> Any:
        if time.monotonic() >= ForgivingRedisCache.rests_until:
            try:
                return getattr(super(), what)(key, *args, **kwargs)
            except RedisError as error:
                ForgivingRedisCache.rests_until = time.monotonic() + REST_SECONDS
                logger.warning("cache away: %s", type(error).__name__)
        if str(key).startswith(GUARDS):
            return getattr(caches["guards"], what)(key, *args, **kwargs)
        return otherwise
