"""What can this machine do at best? Bare clients, no framework, measured in the same run.

F1: psycopg alone stores inbound messages, four statements and one durable commit each, on four
connections. As a helper process: `python -m bench.floors`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import psycopg

from bench.errand import serve

CONNECTIONS = 4
TABLES = """
    CREATE TABLE contact (
        id bigserial PRIMARY KEY, account int NOT NULL, phone text NOT NULL, seen timestamptz,
        UNIQUE (account, phone)
    );
    CREATE TABLE conversation (
        id bigserial PRIMARY KEY, contact bigint NOT NULL REFERENCES contact, unread int NOT NULL,
        last_at timestamptz NOT NULL, UNIQUE (contact)
    );
    CREATE TABLE message (
        id bigserial PRIMARY KEY, conversation bigint NOT NULL REFERENCES conversation,
        sid text NOT NULL UNIQUE, body text NOT NULL, at timestamptz NOT NULL
    );
    CREATE TABLE event (
        id bigserial PRIMARY KEY, account int NOT NULL, message bigint NOT NULL, data jsonb NOT NULL
    );
"""
_CONTACT = """
    INSERT INTO contact (account, phone, seen) VALUES (%s, %s, now())
    ON CONFLICT (account, phone) DO UPDATE SET seen = now() RETURNING id
"""
_CONVERSATION = """
    INSERT INTO conversation (contact, unread, last_at) VALUES (%s, 1, now())
    ON CONFLICT (contact) DO UPDATE SET unread = conversation.unread + 1, last_at = now()
    RETURNING id
"""
_MESSAGE = """
    INSERT INTO message (conversation, sid, body, at) VALUES (%s, %s, %s, now())
    ON CONFLICT (sid) DO NOTHING RETURNING id
"""
_EVENT = 'INSERT INTO event (account, message, data) VALUES (%s, %s, \'{"type": "message"}\')'
BODY = "Where is my order 4711? It should have come on Tuesday."


def store_one(connection: psycopg.Connection[Any], number: int, run: int) -> None:
    """Store one message as briefly as statements allow, and commit."""
    account = number % 100
    with connection.transaction():
        phone = f"+1415{number % 2000:07d}"
        contact = connection.execute(_CONTACT, (account, phone)).fetchone()
        assert contact
        conversation = connection.execute(_CONVERSATION, contact).fetchone()
        assert conversation
        sid = f"SM{run:08x}{number:024x}"
        message = connection.execute(_MESSAGE, (*conversation, sid, BODY)).fetchone()
        assert message
        connection.execute(_EVENT, (account, *message))


def prepare(job: dict[str, Any]) -> Callable[[], dict[str, Any]]:
    """Open the connections; they store on the word."""
    opened = [psycopg.connect(job["url"]) for _ in range(CONNECTIONS)]
    return lambda: _measure(opened, job["seconds"], job["warm_up"], job["run"])


def _measure(
    opened: list[psycopg.Connection[Any]], seconds: float, warm_up: float, run: int
) -> dict[str, Any]:
    begun = time.monotonic()
    counted = [0] * len(opened)
    stored = [0] * len(opened)

    def work(place: int) -> None:
        while (now := time.monotonic()) < begun + seconds:
            store_one(opened[place], stored[place] * len(opened) + place, run)
            stored[place] += 1
            counted[place] += now > begun + warm_up

    threads = [threading.Thread(target=work, args=(n,)) for n in range(len(opened))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    elapsed = time.monotonic() - begun - warm_up
    for connection in opened:
        connection.close()
    return {"rate": sum(counted) / elapsed, "stored": sum(stored)}


if __name__ == "__main__":
    serve(prepare)
