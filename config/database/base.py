"""What if PostgreSQL restarted? Then every connection of the pool is broken, not only the first.

With `CONN_HEALTH_CHECKS`, psycopg's pool finds that out one connection after the other, with a
growing pause after each: five of them take longer than a request waits. Here the first broken one
lets the pool replace all of them.
"""

import logging
from typing import Any

from django.db.backends.postgresql import base
from psycopg import Connection, Error
from psycopg_pool import ConnectionPool

logger = logging.getLogger(__name__)


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection that is tried before it is used."""

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Take a connection that works from the pool, or make one where there is no pool."""
        connection = super().get_new_connection(conn_params)
        if self.pool is None or _works(connection):
            return connection
        logger.warning("a broken connection was found: the pool replaces those it has")
        self.pool.putconn(connection)
        self.pool.check()
        return super().get_new_connection(conn_params)


def _works(connection: "Connection[Any]") -> bool:
    try:
        ConnectionPool.check_connection(connection)
    except Error:
        return False
    return True
