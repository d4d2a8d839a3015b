"""How fast does a server answer webhooks on many open sockets? A helper process finds out.

Each socket sends its next request when it has its answer, as a pool of Twilio's workers would.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bench.errand import serve
from bench.forms import Request, Twilio
from bench.house import HOST
from bench.wire import Answers

OPEN_EVERY_S = 0.002


@dataclass
class Traffic:
    """All that is sent, and what came back."""

    requests: list[Request]
    until: float = 0.0
    sent: int = 0
    in_flight: int = 0
    answers: list[tuple[int, int, float, float]] = field(default_factory=list)
    is_gone: bool = False

    def take(self) -> int | None:
        """Return the number of the next request, or None if it is enough."""
        if self.sent >= len(self.requests) or time.monotonic() > self.until or self.is_gone:
            return None
        self.sent += 1
        return self.sent - 1


class Caller(asyncio.Protocol):
    """One keep-alive socket."""

    def __init__(self, traffic: Traffic, done: Callable[[], None]) -> None:
        self._traffic, self._done = traffic, done
        self._answers = Answers()
        self._number: int | None = None
        self._began = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._next()

    def data_received(self, data: bytes) -> None:
        answer = self._answers.feed(data)
        if answer is None or self._number is None:
            return
        now = time.monotonic()
        self._traffic.answers.append((self._number, answer[0], now, now - self._began))
        self._number = None
        if answer[2]:
            self._transport.close()
        else:
            self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._number is not None:  # the server went away with our request
            self._traffic.is_gone = True
        self._done()

    def _next(self) -> None:
        self._number = self._traffic.take()
        if self._number is None:
            self._transport.close()
            return
        self._began = time.monotonic()
        self._transport.write(self._traffic.requests[self._number].wire)


async def _socket(traffic: Traffic, port: int) -> None:
    loop = asyncio.get_running_loop()
    while traffic.sent < len(traffic.requests) and time.monotonic() < traffic.until:
        closed = asyncio.Event()
        try:
            await loop.create_connection(lambda: Caller(traffic, closed.set), HOST, port)  # noqa: B023
        except OSError:
            traffic.is_gone = True
        if traffic.is_gone:
            return
        await closed.wait()


async def _run(traffic: Traffic, job: dict[str, Any]) -> dict[str, Any]:
    begun = time.monotonic()
    traffic.until = begun + job["seconds"]
    sockets = []
    for _ in range(job["sockets"]):
        sockets.append(asyncio.create_task(_socket(traffic, job["port"])))
        # All at once, and one process of the server would accept them all.
        await asyncio.sleep(OPEN_EVERY_S)
    await asyncio.gather(*sockets)
    counted_from = begun + job["warm_up"]
    counted_to = min(begun + job["window"], max((a[2] for a in traffic.answers), default=begun))
    counted = [a for a in traffic.answers if counted_from <= a[2] <= counted_to]
    return {
        "statuses": dict(Counter(str(status) for _, status, _, _ in traffic.answers)),
        "kept": sorted(
            {traffic.requests[n].key for n, status, _, _ in traffic.answers if status < 300}
        ),
        "answers": len(traffic.answers),
        "rate": len(counted) / max(1e-9, counted_to - counted_from),
        "latencies_ms": sorted(round(a[3] * 1000, 3) for a in counted),
        "begun": begun,
        "ended": max((a[2] for a in traffic.answers), default=begun),
        "was_cut": traffic.is_gone,
        "ran_out": traffic.sent >= len(traffic.requests),
    }


def prepare(job: dict[str, Any]) -> Callable[[], dict[str, Any]]:
    """Write the requests; they are sent on the word."""
    twilio = Twilio(job["population"], job["seed"], job["run"])
    traffic = Traffic(twilio.mixed(job["count"]))
    return lambda: asyncio.run(_run(traffic, job))


if __name__ == "__main__":
    serve(prepare)
