"""What if PostgreSQL restarted? Then every connection of the pool is broken, not only the first.

With `CONN_HEALTH_CHECKS`, psycopg's pool finds that out one connection after the other, with a
growing pause after each: five of them take longer than a request waits. Here the first broken one
lets the pool replace all of them.
"""

import logging
import select
from time import monotonic
from typing import Any
from weakref import WeakKeyDictionary

from django.db.backends.postgresql import base
from psycopg import Connection, Error
from psycopg_pool import ConnectionPool

# How long a connection is taken to work after it was asked, while nothing came in on it.
TRUSTED_SECONDS = 10.0

logger = logging.getLogger(__name__)


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection that is tried before it is used."""

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Take a connection that works from the pool, or make one where there is no pool."""
        connection = super().get_new_connection(conn_params)
        if self.pool is not None and not _works(connection):
            logger.warning("a broken connection was found: the pool replaces those it has")
            self.pool.putconn(connection)
            self.pool.check()
            connection = super().get_new_connection(conn_params)
        return connection


_asked_at: "WeakKeyDictionary[Connection[Any], float]" = WeakKeyDictionary()


def _works(connection: "Connection[Any]") -> bool:
    # What ends a connection says so, and then there is something to read. Only one that was idle
    # for long may have been forgotten silently, by a proxy in between: that one is asked.
    now = monotonic()
    is_fresh = now - _asked_at.get(connection, 0) < TRUSTED_SECONDS
    if is_fresh and not _has_something_to_read(connection):
        return True
    try:
        ConnectionPool.check_connection(connection)
    except Error:
        return False
    _asked_at[connection] = now
    return True


def _has_something_to_read(connection: "Connection[Any]") -> bool:
    try:
        poll = select.poll()
        poll.register(connection.fileno(), select.POLLIN)
        return bool(poll.poll(0))
    except (Error, OSError):
        return True
