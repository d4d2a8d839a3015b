"""How do list pages look to HTTP and to bare SQL? One request, one statement, timed."""

from __future__ import annotations

import re
import socket
import time
from typing import Any, LiteralString

import psycopg

from bench.house import HOST
from bench.wire import Answers

ROWS = 30
THREAD = "thread"
_PAGE: LiteralString = """
    SELECT c.id, c.public_id, c.status, c.owner_id, c.last_activity_at, c.last_inbound_seq,
           c.waiting_since, c.preview, c.preview_kind, ct.name, ct.profile_name, a.phone, u.name
    FROM inbox_conversation c
    JOIN inbox_contact ct ON ct.id = c.contact_id
    JOIN inbox_thread t ON t.id = c.thread_id
    JOIN inbox_contactaddress a ON a.id = t.address_id
    LEFT JOIN accounts_user u ON u.id = c.owner_id
    WHERE c.account_id = %(account)s AND c.inbox_id = %(inbox)s AND c.status = 'open'
"""
_SEEN: LiteralString = " AND (c.is_team_wide OR c.owner_id = %(me)s) AND NOT c.is_hidden"
_ORDER: LiteralString = " ORDER BY c.last_activity_at DESC, c.id DESC LIMIT 31"
STATEMENTS: dict[str, LiteralString] = {
    "first": _PAGE + _SEEN + _ORDER,
    "deep": _PAGE + _SEEN + " AND (c.last_activity_at, c.id) < (%(at)s, %(id)s)" + _ORDER,
    "mine": _PAGE + " AND c.owner_id = %(me)s" + _ORDER,
    "unassigned": _PAGE + " AND c.owner_id IS NULL AND c.is_team_wide" + _ORDER,
    THREAD: """
        SELECT m.*, u.name FROM inbox_message m LEFT JOIN accounts_user u ON u.id = m.author_id
        WHERE m.thread_id = %(thread)s ORDER BY m.seq DESC LIMIT 40
    """,
}
LISTS = ("first", "deep", "mine", "unassigned")
BOUNDARY: LiteralString = (
    "SELECT c.last_activity_at, c.id, c.public_id FROM inbox_conversation c "
    "WHERE c.account_id = %(account)s AND c.inbox_id = %(inbox)s AND c.status = 'open'"
    + _SEEN
    + " ORDER BY c.last_activity_at DESC, c.id DESC OFFSET %(offset)s LIMIT 1"
)
VISIBLE: LiteralString = (
    "SELECT count(*) FROM inbox_conversation c "
    "WHERE c.account_id = %(account)s AND c.inbox_id = %(inbox)s AND c.status = 'open'" + _SEEN
)


_GIVEN = re.compile(rb"^set-cookie: *([^=;\r]+)=([^;\r]*)", re.IGNORECASE | re.MULTILINE)


class Browser:
    """A logged-in person's keep-alive socket; it sends the cookies that it was given."""

    def __init__(self, port: int, cookie: str) -> None:
        self._port, self._cookies = port, {"sessionid": cookie}
        self.open()

    def open(self) -> None:
        """Open the socket anew: a server closes one that says nothing for a while."""
        self._wire = socket.create_connection((HOST, self._port), timeout=60)
        self._wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def get(self, path: str) -> tuple[float, int, str]:
        """Load a page; return milliseconds, status and text."""
        cookies = "; ".join(map("=".join, self._cookies.items()))
        request = (
            f"GET {path} HTTP/1.1\r\nHost: localhost\r\nCookie: {cookies}\r\n"
            "Accept: text/html\r\nAccept-Language: en\r\n\r\n"
        ).encode()
        answers = Answers()
        begun = time.perf_counter()
        self._wire.sendall(request)
        data = first = self._receive()
        while (found := answers.feed(data)) is None:
            data = self._receive()
        took = (time.perf_counter() - begun) * 1000
        self._keep(first)
        return took, found[0], found[1].decode()

    def _keep(self, first: bytes) -> None:
        head = first.partition(b"\r\n\r\n")[0]
        self._cookies |= {name.decode(): value.decode() for name, value in _GIVEN.findall(head)}

    def close(self) -> None:
        """Go away."""
        self._wire.close()

    def _receive(self) -> bytes:
        data = self._wire.recv(1 << 16)
        if not data:
            raise ConnectionResetError("The server closed the socket.")
        return data


def bare(
    connection: psycopg.Connection[Any], page: str, values: dict[str, Any]
) -> tuple[float, int]:
    """Ask for a page's rows in SQL; return milliseconds and how many came."""
    begun = time.perf_counter()
    rows = connection.execute(STATEMENTS[page], values, prepare=True).fetchall()
    return (time.perf_counter() - begun) * 1000, len(rows)
