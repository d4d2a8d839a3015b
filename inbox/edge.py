"""How do many webhooks get in at once? Who comes while a commit is under way shares the next one.

A thin ASGI application of its own, beside Django's handler: no middleware, no session, no thread
for each caller. It proves and keeps a call with the functions of `inbox.webhooks` and
`inbox.receiving`, answers when the form is committed, and tells the story at once while it has
room; under load stories are left to the workers and only the keeping goes on.
"""

import asyncio
import io
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from django.conf import settings
from django.core.exceptions import BadRequest, SuspiciousOperation
from django.core.handlers.asgi import ASGIRequest
from django.db import DatabaseError, close_old_connections, connection
from django.http.multipartparser import MultiPartParserError
from django.utils import timezone

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
Kept = tuple[int, bool]

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
        self._keeper = Keeper()
        self._helpers = ThreadPoolExecutor(4, thread_name_prefix="edge")
        self._stories = ThreadPoolExecutor(
            settings.INLINE_PROCESSING_LIMIT, thread_name_prefix="story"
        )
        self._rooms = settings.INLINE_PROCESSING_LIMIT

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one webhook."""
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
        has_room = self._rooms > 0
        self._rooms -= has_room
        try:
            kept = replace(arrival, is_for_later=not has_room)
            receipt_id, is_due = await self._keeper.keep(kept)
            if is_due and has_room:
                await _in(self._stories, process, receipt_id, now=timezone.now())
        finally:
            self._rooms += has_room
        if is_due and not has_room:
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
class Keeper:
    """Keeps arrivals: whoever comes while a commit is under way shares the next one."""

    _waiting: deque[tuple[Arrival, asyncio.Future[Kept]]] = field(default_factory=deque)
    _thread: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(1, thread_name_prefix="keeper")
    )
    _work: asyncio.Task[None] | None = None

    async def keep(self, arrival: Arrival) -> Kept:
        """Return when the arrival is committed. Raises DatabaseError if it could not be kept."""
        promise: asyncio.Future[Kept] = asyncio.get_running_loop().create_future()
        self._waiting.append((arrival, promise))
        if self._work is None or self._work.done():
            self._work = asyncio.create_task(self._keep_all())
        return await promise

    async def _keep_all(self) -> None:
        while self._waiting:
            batch = self._take()
            try:
                kept = await _in(self._thread, _commit, [arrival for arrival, _ in batch])
            except Exception as error:  # a bug of ours: whoever waits must hear of it, not wait on
                for _, promise in batch:
                    _fulfil(promise, error)
            else:
                for arrival, promise in batch:
                    _fulfil(promise, kept[arrival.key])

    def _take(self) -> list[tuple[Arrival, asyncio.Future[Kept]]]:
        """Take the next arrivals; a repeat of one that is taken waits for the next commit."""
        taken: dict[ReceiptKey, tuple[Arrival, asyncio.Future[Kept]]] = {}
        repeats = []
        while self._waiting and len(taken) < MOST_IN_A_COMMIT:
            arrival, promise = self._waiting.popleft()
            if arrival.key in taken:
                repeats.append((arrival, promise))
            else:
                taken[arrival.key] = (arrival, promise)
        self._waiting.extendleft(reversed(repeats))
        return list(taken.values())


def _commit(arrivals: Sequence[Arrival]) -> dict[ReceiptKey, Kept | DatabaseError]:
    """Keep a batch; if that fails, each alone, so that one cannot take its neighbours down."""
    now = timezone.now()
    try:
        return dict(accept_many(arrivals, now=now))
    except DatabaseError:
        logger.warning("a batch of %s webhooks failed; each is kept alone", len(arrivals))
        connection.close()
    return {arrival.key: _commit_one(arrival) for arrival in arrivals}


def _commit_one(arrival: Arrival) -> Kept | DatabaseError:
    try:
        return accept(arrival, now=timezone.now())
    except DatabaseError as error:
        connection.close()
        return error


def _fulfil(promise: asyncio.Future[Kept], kept: Kept | Exception) -> None:
    if promise.done():
        return
    if isinstance(kept, Exception):
        promise.set_exception(kept)
    else:
        promise.set_result(kept)


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
    return await asyncio.get_running_loop().run_in_executor(pool, lambda: _tidy(act, *args, **more))


def _tidy(act: Callable[..., Result], *args: Any, **more: Any) -> Result:
    try:
        return act(*args, **more)
    finally:
        close_old_connections()
