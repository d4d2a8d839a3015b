"""How do many webhooks get in at once? Who comes while a commit is under way shares the next one.

A thin ASGI application of its own, beside Django's handler: no middleware, no session, no thread
for each caller. It proves and keeps a call with the functions of `inbox.webhooks` and
`inbox.receiving`, answers when the form is committed, and tells the story at once while it has
room; under load stories are left to the workers and only the keeping goes on.
"""

import asyncio
import contextvars
import io
import logging
import time
import uuid
from collections import deque
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from django.conf import settings
from django.core.exceptions import BadRequest, SuspiciousOperation
from django.core.handlers.asgi import ASGIRequest
from django.db import DatabaseError, close_old_connections, connection, connections
from django.http.multipartparser import MultiPartParserError
from django.utils import timezone
from structlog.contextvars import bound_contextvars

from inbox.models import Receipt, Sender
from inbox.receiving import Arrival, ReceiptKey, accept, accept_many, process
from inbox.webhooks import (
    EMPTY_TWIML,
    METHODS,
    ForgedError,
    admit,
    ask_for_sweep,
    count_refusal,
    form_of,
    is_own,
    sender_of,
)

logger = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Result = TypeVar("Result")

MOST_BYTES = 1 << 20
MOST_IN_A_COMMIT = 256
_UNREADABLE = (
    *(SuspiciousOperation, BadRequest, MultiPartParserError),
    *(UnicodeDecodeError, ConnectionResetError),
)
READ_SECONDS = 10.0  # Twilio itself gives up after fifteen
SENDERS_KEPT_SECONDS = 3.0
MOST_SENDERS = 10_000


class Edge:
    """The application; one for a process. Its threads each hold one connection while they work."""

    def __init__(self) -> None:
        self._senders = Senders()
        self._rooms = Rooms(settings.INLINE_PROCESSING_LIMIT)
        self._keeper = Keeper(self._rooms)
        self._helpers = ThreadPoolExecutor(4, thread_name_prefix="edge")
        self._stories = ThreadPoolExecutor(
            settings.INLINE_PROCESSING_LIMIT, thread_name_prefix="story"
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one webhook. Its lines in the log, and those of tasks it asks for, say which."""
        with bound_contextvars(request_id=str(uuid.uuid4())):
            status, content = await self._answer(scope, receive)
        kind = b"text/xml" if content else b"text/plain"
        headers = [(b"content-type", kind), (b"content-length", str(len(content)).encode())]
        headers += [(b"allow", ", ".join(METHODS).encode())] if status == 405 else []
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    async def _answer(self, scope: Scope, receive: Receive) -> tuple[int, bytes]:
        if scope["method"] not in METHODS:
            return 405, b""
        try:
            async with asyncio.timeout(READ_SECONDS):
                body = await _body(receive)
            arrival = await self._admit(ASGIRequest(scope, io.BytesIO(body)))
            await self._keep(arrival)
        except ForgedError:
            await self._help(count_refusal)
            return 403, b""
        except _TooLargeError:
            return 413, b""
        except TimeoutError:
            return 408, b""
        except _UNREADABLE:
            return 400, b""
        except DatabaseError:
            # Nothing is promised: Twilio calls the fallback address, and the list it keeps of its
            # messages is gone through by `inbox.reconciling`.
            logger.exception("webhook not kept")
            return 503, b""
        return (204, b"") if arrival.kind == Receipt.Kind.STATUS else (200, EMPTY_TWIML.encode())

    async def _admit(self, request: ASGIRequest) -> Arrival:
        token = _token_in(request.path)
        sender = self._senders.get(token)
        if sender is None:
            sender = await self._help(sender_of, token)
            self._senders.put(token, sender)
        if sender is None or is_own(sender, form_of(request)):
            return admit(request, sender)
        return await self._help(admit, request, sender)

    async def _keep(self, arrival: Arrival) -> None:
        kept = await self._keeper.keep(arrival)
        if kept.has_room:
            try:
                await _in(self._stories, process, kept.receipt_id, now=timezone.now())
            finally:
                self._rooms.give_back()
        elif kept.is_due:
            await self._help(ask_for_sweep)

    async def _help(self, act: Callable[..., Result], *args: Any) -> Result:
        return await _in(self._helpers, act, *args)


class Senders:
    """Senders by the token in their address, as they were a moment ago."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, Sender]] = {}

    def get(self, token: str) -> Sender | None:
        """Return a sender that was looked up within the last seconds."""
        until, sender = self._known.get(token, (0.0, None))
        return sender if time.monotonic() < until else None

    def put(self, token: str, sender: Sender | None) -> None:
        """Remember a sender for a few seconds."""
        if len(self._known) >= MOST_SENDERS:
            self._known.clear()
        if sender is not None:
            self._known[token] = (time.monotonic() + SENDERS_KEPT_SECONDS, sender)


@dataclass
class Rooms:
    """How many stories this process has room for."""

    free: int

    def take(self) -> bool:
        """Take a room, if there is one."""
        is_free = self.free > 0
        self.free -= is_free
        return is_free

    def give_back(self) -> None:
        """Leave a room to the next."""
        self.free += 1


@dataclass(frozen=True)
class Kept:
    """A receipt that is committed; whether its story is to be told, and has a room here."""

    receipt_id: int
    is_due: bool
    has_room: bool


@dataclass
class Keeper:
    """Keeps arrivals: whoever comes while a commit is under way shares the next one."""

    rooms: Rooms
    _waiting: deque[tuple[Arrival, asyncio.Future[Kept]]] = field(default_factory=deque)
    _thread: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(1, thread_name_prefix="keeper")
    )
    _work: asyncio.Task[None] | None = None

    async def keep(self, arrival: Arrival) -> Kept:
        """Return when the arrival is committed. Raises DatabaseError if it could not be kept.

        Whoever gets a room gives it back.
        """
        promise: asyncio.Future[Kept] = asyncio.get_running_loop().create_future()
        self._waiting.append((arrival, promise))
        if self._work is None or self._work.done():
            self._work = asyncio.create_task(self._keep_all())
        return await promise

    def close(self) -> None:
        """Give back the connection, when nothing is to be kept any more."""
        self._thread.submit(connections.close_all)
        self._thread.shutdown()

    async def _keep_all(self) -> None:
        while self._waiting:
            count = min(len(self._waiting), MOST_IN_A_COMMIT)
            await self._keep_batch([self._waiting.popleft() for _ in range(count)])

    async def _keep_batch(self, batch: list[tuple[Arrival, asyncio.Future[Kept]]]) -> None:
        firsts = {arrival.key: arrival for arrival, _ in reversed(batch)}
        with_room = {key for key in firsts if self.rooms.take()}
        arrivals = [replace(a, is_for_later=a.key not in with_room) for a, _ in batch]
        loop = asyncio.get_running_loop()
        try:
            # Its thread keeps its connection from commit to commit, and replaces one that breaks.
            found = await loop.run_in_executor(self._thread, _commit, arrivals)
        except Exception as error:  # a bug of ours: whoever waits must hear of it, not wait on
            found = dict.fromkeys(firsts, error)
        for arrival, promise in batch:
            is_first = arrival is firsts[arrival.key]
            has_room = is_first and arrival.key in with_room
            _fulfil(promise, self._outcome(found[arrival.key], is_first, has_room))

    def _outcome(
        self, found: "tuple[int, bool] | Exception", is_first: bool, has_room: bool
    ) -> Kept | Exception:
        if isinstance(found, Exception):
            outcome: Kept | Exception = found
            is_due = False
        else:
            is_due = found[1] and is_first
            outcome = Kept(found[0], is_due, has_room and is_due)
        if has_room and not is_due:
            self.rooms.give_back()
        return outcome


def _commit(arrivals: Sequence[Arrival]) -> "dict[ReceiptKey, tuple[int, bool] | Exception]":
    """Keep a batch; if that fails, each alone, so that one cannot take its neighbours down."""
    try:
        return dict(accept_many(arrivals, now=timezone.now()))
    except DatabaseError:
        logger.warning("a batch of %s webhooks failed; each is kept alone", len(arrivals))
        connection.close()
    return {arrival.key: _commit_one(arrival) for arrival in arrivals}


def _commit_one(arrival: Arrival) -> "tuple[int, bool] | Exception":
    try:
        return accept(arrival, now=timezone.now())
    except DatabaseError as error:
        connection.close()
        return error


def _fulfil(promise: asyncio.Future[Kept], outcome: Kept | Exception) -> None:
    if promise.done():
        return
    if isinstance(outcome, Exception):
        promise.set_exception(outcome)
    else:
        promise.set_result(outcome)


class _TooLargeError(Exception):
    """Nothing that Twilio sends is so large."""


async def _body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionResetError
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > MOST_BYTES:
            raise _TooLargeError
        if not message.get("more_body"):
            return b"".join(parts)


def _token_in(path: str) -> str:
    """Read the token from an address such as /hooks/twilio/<token>/fallback."""
    parts = path.split("/")
    return parts[3] if len(parts) > 3 else ""


async def _in(
    pool: ThreadPoolExecutor, act: Callable[..., Result], *args: Any, **more: Any
) -> Result:
    # A thread of a pool knows nothing of the request unless it is told.
    known = contextvars.copy_context()
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(pool, lambda: known.run(lambda: _tidy(act, *args, **more)))


def _tidy(act: Callable[..., Result], *args: Any, **more: Any) -> Result:
    try:
        return act(*args, **more)
    finally:
        close_old_connections()
