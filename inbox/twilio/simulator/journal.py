"""What went in and out, and who wants to hear of it live?"""

import itertools
import queue
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field

LIMIT = 5_000
LEDGER_LIMIT = 200_000


@dataclass(slots=True)
class Exchange:
    """One HTTP request, ours or theirs, with its answer."""

    kind: str
    method: str
    url: str
    at: float
    account_sid: str = ""
    message_sid: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    params: dict[str, object] = field(default_factory=dict)
    signature: str = ""
    status: int | None = None
    answer: str = ""
    error: str = ""
    error_code: int | None = None
    milliseconds: float = 0.0
    id: int = 0


@dataclass(slots=True)
class LedgerEntry:
    """One request to create a message, whatever became of it."""

    at: float
    account_sid: str
    to: str
    from_: str
    messaging_service_sid: str
    body: str
    media_urls: list[str]
    content_sid: str
    status_callback: str
    accepted: bool = False
    sid: str = ""
    status: int | None = None
    error_code: int | None = None
    fault: str = ""
    id: int = 0

    def as_json(self) -> dict[str, object]:
        """Return the entry for a control answer."""
        data = asdict(self)
        data["from"] = data.pop("from_")
        return data


class Journal:
    """The request log, the ledger of create requests and the live listeners."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        # Grows with everything that may have changed the store; only ever compared.
        self.changes = 0
        self._exchanges: deque[Exchange] = deque(maxlen=LIMIT)
        self._ledger: deque[LedgerEntry] = deque(maxlen=LEDGER_LIMIT)
        self._listeners: set[queue.SimpleQueue[tuple[str, dict[str, object]]]] = set()

    def record(self, exchange: Exchange) -> None:
        """Keep an exchange and tell the listeners."""
        with self._lock:
            exchange.id = next(self._numbers)
            self.changes += 1
            self._exchanges.append(exchange)
        if self._listeners:
            self.publish("exchange", asdict(exchange))

    def enter(self, entry: LedgerEntry) -> LedgerEntry:
        """Keep a create request; its answer is filled in later on the same object."""
        with self._lock:
            entry.id = next(self._numbers)
            self._ledger.append(entry)
        return entry

    def exchanges(self) -> list[Exchange]:
        """Return the request log, oldest first."""
        with self._lock:
            return list(self._exchanges)

    def ledger(self) -> list[LedgerEntry]:
        """Return every create request, oldest first."""
        with self._lock:
            return list(self._ledger)

    def clear(self) -> None:
        """Forget the log and the ledger."""
        with self._lock:
            self._exchanges.clear()
            self._ledger.clear()

    def publish(self, event: str, data: dict[str, object]) -> None:
        """Tell every listener; one that has fallen behind refetches."""
        self.changes += 1
        for listener in list(self._listeners):
            if listener.qsize() < 2_000:
                listener.put((event, data))

    @contextmanager
    def listening(self) -> Iterator[queue.SimpleQueue[tuple[str, dict[str, object]]]]:
        """Yield a queue of events as long as the listener is connected."""
        listener: queue.SimpleQueue[tuple[str, dict[str, object]]] = queue.SimpleQueue()
        self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)
