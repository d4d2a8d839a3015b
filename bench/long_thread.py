"""Which thread is opened? One that nobody has claimed, and that was talked in for long."""

from __future__ import annotations

from typing import Any

import psycopg

MESSAGES = 400
# What differs from one message of a thread to the next; the rest is like its first.
_DIFFERENT = {
    "id": "(SELECT max(id) FROM inbox_message) + s",
    "public_id": "left(md5('long' || s), 22)",
    "client_id": "md5('long client' || s)",
    "provider_sid": "'SM' || md5('long sid' || s)",
    "seq": "s",
}


def lengthen(connection: psycopg.Connection[Any], values: dict[str, Any]) -> dict[str, Any]:
    """Let one conversation of the list have `MESSAGES`; return what a page must name it by."""
    row = connection.execute(
        "SELECT c.id, c.public_id, c.thread_id FROM inbox_conversation c"
        " WHERE c.inbox_id = %(inbox)s AND c.status = 'open' AND c.owner_id IS NULL"
        " AND c.is_team_wide ORDER BY c.id LIMIT 1",
        values,
    ).fetchone()
    assert row
    conversation, cid, thread = row
    columns = [
        str(name)
        for (name,) in connection.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = 'inbox_message'::regclass"
            " AND attnum > 0 AND NOT attisdropped AND attgenerated = ''"
        )
    ]
    expressions = ", ".join(_DIFFERENT.get(name, f'"{name}"') for name in columns)
    named = ", ".join(f'"{name}"' for name in columns)
    # One statement each: names of columns cannot be parameters.
    statement = (
        f"INSERT INTO inbox_message ({named}) SELECT {expressions} FROM inbox_message m"
        " JOIN LATERAL generate_series((SELECT last_seq FROM inbox_thread WHERE id = m.thread_id)"
        " + 1, %(most)s) s ON true WHERE m.thread_id = %(thread)s AND m.seq = 1"
    )
    known = {"thread": thread, "most": MESSAGES}
    connection.execute(statement.encode(), known)
    connection.execute("UPDATE inbox_thread SET last_seq = %(most)s WHERE id = %(thread)s", known)
    connection.execute("ANALYZE inbox_message")
    return {"conversation": conversation, "cid": cid, "thread": thread}


def lengthen_textbook(connection: psycopg.Connection[Any], values: dict[str, Any]) -> None:
    """Let the same conversation of the comparator have as many."""
    connection.execute(
        "INSERT INTO textbook_message"
        " (id, conversation_id, sid, is_inbound, body, status, created_at, processed_at)"
        " SELECT (SELECT max(id) FROM textbook_message) + s, conversation_id,"
        " 'SM' || md5('long' || s), is_inbound, body, status, created_at, processed_at"
        " FROM (SELECT * FROM textbook_message WHERE conversation_id = %(conversation)s"
        " ORDER BY id LIMIT 1) m,"
        " generate_series(1, %(more)s) s",
        {
            "conversation": values["conversation"],
            "more": MESSAGES
            - connection.execute(
                "SELECT count(*) FROM textbook_message WHERE conversation_id = %(conversation)s",
                values,
            ).fetchone()[0],  # type: ignore[index]
        },
    )
    connection.execute("ANALYZE textbook_message")
