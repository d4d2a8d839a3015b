"""What if Redis is away? Then the cache is empty: slower, never an error for a person."""

import logging
from collections.abc import Callable
from typing import Any, TypeVar

from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)
T = TypeVar("T")


class ForgivingRedisCache(RedisCache):
    """Redis as a cache that may vanish at any time.

    A failed read is a miss, a failed write is forgotten. Nothing that must not be lost may be kept
    here.
    """

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        """Return the value, or `default` if it is not there or Redis is away."""
        return _or(default, lambda: super(ForgivingRedisCache, self).get(key, default, version))

    def set(self, *args: Any, **kwargs: Any) -> None:
        """Keep a value if Redis is there."""
        _or(None, lambda: super(ForgivingRedisCache, self).set(*args, **kwargs))

    def add(self, *args: Any, **kwargs: Any) -> bool:
        """Keep a value unless there is one; say whether it is kept (yes, if Redis is away)."""
        return _or(True, lambda: super(ForgivingRedisCache, self).add(*args, **kwargs))

    def delete(self, *args: Any, **kwargs: Any) -> bool:
        """Forget a value."""
        return _or(False, lambda: super(ForgivingRedisCache, self).delete(*args, **kwargs))

    def get_many(self, *args: Any, **kwargs: Any) -> dict[Any, Any]:
        """Return the values that are there."""
        nothing: dict[Any, Any] = {}
        return _or(nothing, lambda: super(ForgivingRedisCache, self).get_many(*args, **kwargs))


def _or(otherwise: T, ask: Callable[[], T]) -> T:
    try:
        return ask()
    except RedisError as error:
        logger.warning("cache away: %s", type(error).__name__)
        return otherwise
