"""When does the last of N agents see a customer's message? A helper process watches.

The same process sends the webhooks and holds all sockets, so one clock judges. Frames are cut from
the stream by hand: a library's cost per frame, times N, would be what is measured.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import os
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import psycopg
import redis

from bench.bare import CHANNEL
from bench.errand import serve
from bench.floors import store_one
from bench.forms import Twilio
from bench.house import HOST
from bench.wire import ask

MARK = re.compile(rb"glass(\d{6})\.")
CREATED = re.compile(rb'"type": ?"message.created"')
HELLO = b"hello"
PATIENCE_S = 8.0
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10


@dataclass
class Seen:
    """What arrived where, and when."""

    began: dict[int, float] = field(default_factory=dict)
    last: dict[int, float] = field(default_factory=dict)
    first: dict[int, float] = field(default_factory=dict)
    frames: dict[int, int] = field(default_factory=dict)
    others: int = 0
    closed: int = 0
    leaked: int = 0
    size: int = 0

    def frame(self, payload: bytes, *, is_outsider: bool) -> None:
        """Note one text frame."""
        now = time.monotonic()
        mark = MARK.search(payload)
        if mark is None or not CREATED.search(payload):
            self.others += 1
            return
        if is_outsider:
            self.leaked += 1
            return
        number = int(mark.group(1))
        self.frames[number] = self.frames.get(number, 0) + 1
        self.first.setdefault(number, now)
        self.last[number] = now
        self.size = len(payload)


class Tab(asyncio.Protocol):
    """One agent's socket."""

    def __init__(self, seen: Seen, request: bytes, *, is_outsider: bool) -> None:
        self._seen, self._request, self._is_outsider = seen, request, is_outsider
        self._buffer = b""
        self._is_open = False
        self.is_ready = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._is_open:
            head, found, self._buffer = self._buffer.partition(b"\r\n\r\n")
            if not found:
                self._buffer = head
                return
            self._is_open = b" 101 " in head[:16]
            if not self._is_open:
                self._settle(head[:60].decode(errors="replace"))
                return
        while self._frame():
            pass

    def connection_lost(self, exc: Exception | None) -> None:
        self._seen.closed += 1
        self._settle("closed")

    def close(self) -> None:
        """Go away."""
        self._transport.abort()

    def _frame(self) -> bool:
        buffer = self._buffer
        if len(buffer) < 2:
            return False
        length, at = buffer[1] & 127, 2
        if length == 126:
            length, at = int.from_bytes(buffer[2:4], "big"), 4
        elif length == 127:
            length, at = int.from_bytes(buffer[2:10], "big"), 10
        if len(buffer) < at + length:
            return False
        payload, self._buffer = buffer[at : at + length], buffer[at + length :]
        self._take(buffer[0] & 15, payload)
        return True

    def _take(self, kind: int, payload: bytes) -> None:
        if kind == PING:
            self._transport.write(bytes([0x80 | PONG, 0x80 | len(payload), 0, 0, 0, 0]) + payload)
        elif kind == CLOSE:
            self._settle(f"closed with {int.from_bytes(payload[:2], 'big')}")
            self._transport.close()
        elif HELLO in payload[:200] and not self.is_ready.done():
            self._settle("")
        elif kind == TEXT:
            self._seen.frame(payload, is_outsider=self._is_outsider)

    def _settle(self, problem: str) -> None:
        if not self.is_ready.done():
            self.is_ready.set_result(problem)


def handshake(path: str, cookie: str, subprotocol: str) -> bytes:
    """Return the request that opens a socket."""
    key = base64.b64encode(os.urandom(16)).decode()
    asked = f"Sec-WebSocket-Protocol: {subprotocol}\r\n" if subprotocol else ""
    return (
        f"GET {path} HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\n"
        f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
        f"Sec-WebSocket-Version: 13\r\n{asked}Cookie: sessionid={cookie}\r\n\r\n"
    ).encode()


class Webhooks:
    """Sends messages over HTTP, on as many keep-alive sockets as are busy at once."""

    def __init__(self, job: dict[str, Any]) -> None:
        twilio = Twilio(job["population"], job["seed"], job["run"])
        customers = job["population"]["open"]
        self._port = job["web_port"]
        self._wires = [
            twilio.text(sender, customer, f"glass{n:06d}. Are you there?").wire
            for n, (sender, customer) in zip(
                range(job["events"]), itertools.cycle(customers), strict=False
            )
        ]
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self.answered = 0

    async def send(self, number: int, seen: Seen) -> None:
        """Send one; its time begins with its first byte."""
        reader, writer = (
            self._idle.pop() if self._idle else await asyncio.open_connection(HOST, self._port)
        )
        seen.began[number] = time.monotonic()
        status, _ = await ask(reader, writer, self._wires[number])
        self.answered += status == 200
        self._idle.append((reader, writer))


class Floor:
    """Commits a message and publishes the bytes of a frame; no framework anywhere."""

    def __init__(self, job: dict[str, Any]) -> None:
        self._connection = psycopg.connect(job["url"])
        self._redis = redis.Redis.from_url(job["redis_url"])
        self._size, self._run = job["bytes"], job["run"]
        self._one_at_a_time = threading.Lock()
        self.answered = 0

    async def send(self, number: int, seen: Seen) -> None:
        """Store and publish in a thread, as nothing else may hold up the sockets."""
        seen.began[number] = time.monotonic()
        await asyncio.to_thread(self._act, number)
        self.answered += 1

    def _act(self, number: int) -> None:
        with self._one_at_a_time:
            store_one(self._connection, number, self._run)
            head = f'{{"type":"message.created","text":"glass{number:06d}.'
            self._redis.publish(CHANNEL, head + "x" * (self._size - len(head) - 2) + '"}')


@dataclass
class Room:
    """Everything that is open before the word is given."""

    job: dict[str, Any]
    seen: Seen
    tabs: list[Tab]
    source: Webhooks | Floor


async def _prepared(job: dict[str, Any]) -> Room:
    seen = Seen()
    tabs = await _open_all(job, seen)
    source = Floor(job) if job.get("url") else Webhooks(job)
    await source.send(0, seen)  # the first one is slower everywhere, and not counted
    await _all_arrived(job, seen, {0})
    return Room(job, seen, tabs, source)


async def _watched(room: Room) -> dict[str, Any]:
    job, seen = room.job, room.seen
    numbers = range(1, job["events"])
    sending = []
    for number in numbers:
        sending.append(asyncio.create_task(room.source.send(number, seen)))
        await asyncio.sleep(job["interval"])
    await asyncio.gather(*sending)
    await _all_arrived(job, seen, set(numbers))
    for tab in room.tabs:
        tab.close()
    return {
        "last_ms": [(seen.last[n] - seen.began[n]) * 1000 for n in numbers if n in seen.last],
        "expected": len(numbers) * len(job["cookies"]),
        "frames": sum(seen.frames.get(n, 0) for n in numbers),
        "answered": room.source.answered - 1,
        "leaked": seen.leaked,
        "bytes": seen.size,
        "other_frames": seen.others,
    }


async def _open_all(job: dict[str, Any], seen: Seen) -> list[Tab]:
    loop = asyncio.get_running_loop()
    tabs: list[Tab] = []
    for n, cookie in enumerate([*job["cookies"], *job["outsiders"]]):
        request = handshake(job["path"], cookie, job["subprotocol"])
        is_outsider = n >= len(job["cookies"])
        tab = Tab(seen, request, is_outsider=is_outsider)
        await loop.create_connection(lambda tab=tab: tab, HOST, job["live_port"])  # type: ignore[misc]
        problem = await asyncio.wait_for(tab.is_ready, 30)
        if problem and not is_outsider:
            raise ConnectionError(f"Agent {n} was not let in: {problem}")
        tabs.append(tab)
    return tabs


async def _all_arrived(job: dict[str, Any], seen: Seen, numbers: set[int]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    agents = len(job["cookies"])
    # Also ends when nothing comes any more.
    while any(seen.frames.get(n, 0) < agents for n in numbers) and time.monotonic() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)  # a frame too many would come now


def prepare(job: dict[str, Any]) -> Callable[[], dict[str, Any]]:
    """Open every socket; the messages are sent on the word."""
    loop = asyncio.new_event_loop()
    room = loop.run_until_complete(_prepared(job))
    return lambda: loop.run_until_complete(_watched(room))


if __name__ == "__main__":
    serve(prepare)
