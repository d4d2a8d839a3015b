"""How late are timers at best? F4: psycopg alone, one timer a commit, on two connections.

As a helper process: `python -m bench.bare_timers`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import psycopg

from bench.errand import serve

CONNECTIONS = 2
PAUSE_S = 0.005
TABLES = """
    CREATE TABLE timer (
        id bigserial PRIMARY KEY, conversation bigint NOT NULL, due_at timestamptz NOT NULL,
        fired_at timestamptz
    );
    CREATE INDEX ON timer (due_at) WHERE fired_at IS NULL;
    CREATE TABLE participant (conversation bigint NOT NULL, person bigint NOT NULL);
    CREATE TABLE event (id bigserial PRIMARY KEY, conversation bigint NOT NULL, data jsonb);
"""
_DUE = """
    SELECT id, conversation FROM timer WHERE due_at <= clock_timestamp() AND fired_at IS NULL
    ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED
"""


def fire_one(connection: psycopg.Connection[Any]) -> bool:
    """Fire the timer that is due longest as briefly as statements allow; say if there was one."""
    with connection.transaction():
        found = connection.execute(_DUE).fetchone()
        if found is None:
            return False
        timer, conversation = found
        connection.execute("INSERT INTO participant VALUES (%s, 1)", (conversation,))
        connection.execute(
            'INSERT INTO event (conversation, data) VALUES (%s, \'{"did": "add"}\')',
            (conversation,),
        )
        connection.execute("UPDATE timer SET fired_at = now() WHERE id = %s", (timer,))
    return True


def prepare(job: dict[str, Any]) -> Callable[[], dict[str, Any]]:
    """Open the connections; they fire on the word, until as many as the job says have fired."""
    opened = [psycopg.connect(job["url"]) for _ in range(CONNECTIONS)]
    return lambda: _fire(opened, job["count"])


def _fire(opened: list[psycopg.Connection[Any]], count: int) -> dict[str, Any]:
    fired = [0] * len(opened)

    def work(place: int) -> None:
        while sum(fired) < count:
            if fire_one(opened[place]):
                fired[place] += 1
            else:
                time.sleep(PAUSE_S)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(len(opened))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {"fired": sum(fired)}


if __name__ == "__main__":
    serve(prepare)
