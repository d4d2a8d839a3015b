"""Who does this later, and in which order?"""

import heapq
import itertools
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable

from inbox.twilio.simulator.clock import Clock

Job = Callable[[], None]
PATIENCE = 1.0


class Workers:
    """A few threads; jobs with the same key run one after the other, in order."""

    def __init__(self, count: int = 8) -> None:
        self._condition = threading.Condition()
        self._ready: deque[str] = deque()
        self._jobs: dict[str, deque[Job]] = {}
        self._stopping = False
        self._threads = [
            threading.Thread(target=self._work, name=f"worker-{number}", daemon=True)
            for number in range(count)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, key: str, job: Job) -> None:
        """Queue a job behind the others of its key."""
        with self._condition:
            waiting = self._jobs.get(key)
            if waiting is not None:
                waiting.append(job)
                return
            self._jobs[key] = deque([job])
            self._ready.append(key)
            self._condition.notify()

    def idle(self) -> bool:
        """Tell whether nothing is queued or running."""
        with self._condition:
            return not self._jobs

    def stop(self) -> None:
        """Let the threads end after what they are doing, and wait for that a little."""
        with self._condition:
            self._stopping = True
            self._condition.notify_all()
        deadline = time.monotonic() + PATIENCE
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _work(self) -> None:
        while True:
            with self._condition:
                while not self._ready and not self._stopping:
                    self._condition.wait()
                if self._stopping:
                    return
                key = self._ready.popleft()
                job = self._jobs[key].popleft()
            run_safely(job)
            with self._condition:
                if self._jobs[key]:
                    self._ready.append(key)
                    self._condition.notify()
                else:
                    del self._jobs[key]


class Timeline:
    """Jobs at a simulated time; a jump of the clock makes them due at once, in order."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._condition = threading.Condition()
        self._heap: list[tuple[float, int, Job]] = []
        self._numbers = itertools.count()
        self._stopping = False
        self._running = False
        clock.on_jump(self._wake)
        self._thread = threading.Thread(target=self._work, name="timeline", daemon=True)
        self._thread.start()

    def after(self, seconds: float, job: Job) -> None:
        """Run a short job in so many simulated seconds."""
        self.at(self._clock.timestamp() + max(0.0, seconds), job)

    def at(self, timestamp: float, job: Job) -> None:
        """Run a short job at a simulated time."""
        with self._condition:
            heapq.heappush(self._heap, (timestamp, next(self._numbers), job))
            self._condition.notify()

    def clear(self) -> None:
        """Forget everything that is planned."""
        with self._condition:
            self._heap.clear()

    def idle_within(self, seconds: float) -> bool:
        """Tell whether nothing is due within so many simulated seconds."""
        with self._condition:
            horizon = self._clock.timestamp() + seconds
            return not self._running and (not self._heap or self._heap[0][0] > horizon)

    def stop(self) -> None:
        """End the thread."""
        with self._condition:
            self._stopping = True
            self._condition.notify()
        self._thread.join(PATIENCE)

    def _wake(self) -> None:
        with self._condition:
            self._condition.notify()

    def _work(self) -> None:
        while True:
            with self._condition:
                self._running = False
                while not self._stopping and not self._is_due():
                    self._condition.wait(self._until_next())
                if self._stopping:
                    return
                _, _, job = heapq.heappop(self._heap)
                self._running = True
            run_safely(job)

    def _is_due(self) -> bool:
        return bool(self._heap) and self._heap[0][0] <= self._clock.timestamp()

    def _until_next(self) -> float | None:
        return self._heap[0][0] - self._clock.timestamp() if self._heap else None


def run_safely(job: Job) -> None:
    """Run a job; a bug in it is printed and ends neither the thread nor the simulator."""
    try:
        job()
    except Exception:
        traceback.print_exc(file=sys.stderr)
