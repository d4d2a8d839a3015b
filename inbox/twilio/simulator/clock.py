"""What time is it for the simulator?"""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime


class Clock:
    """Real time plus an offset that only ever grows, so that a day can pass at once."""

    def __init__(self, source: Callable[[], float] = time.time) -> None:
        self._source = source
        self._offset = 0.0
        self._listeners: list[Callable[[], None]] = []
        self._lock = threading.Lock()

    @property
    def offset(self) -> float:
        """Return the seconds by which this clock runs ahead."""
        return self._offset

    def timestamp(self) -> float:
        """Return the simulated time in seconds since 1970."""
        return self._source() + self._offset

    def now(self) -> datetime:
        """Return the simulated time as an aware UTC datetime."""
        return datetime.fromtimestamp(self.timestamp(), UTC)

    def advance(self, seconds: float) -> None:
        """Let time pass and wake whoever waits for it."""
        if seconds < 0:
            raise ValueError("time only moves forward")
        with self._lock:
            self._offset += seconds
        self._tell()

    def restore(self, offset: float) -> None:
        """Set the offset that an earlier run had reached."""
        self._offset = max(0.0, offset)
        self._tell()

    def on_jump(self, listener: Callable[[], None]) -> None:
        """Call the listener after every jump."""
        self._listeners.append(listener)

    def _tell(self) -> None:
        for listener in self._listeners:
            listener()
