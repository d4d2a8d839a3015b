"""How do several processes start, talk to one terminal, and stop as one?

Each child leads a process group of its own, so a Ctrl-C reaches only us, and what a child started
ends with it. Children stop in reverse order.
"""

from __future__ import annotations

import collections
import contextlib
import ctypes
import itertools
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Self, TextIO

COLOURS = (36, 33, 32, 35, 34, 31)
POLL_S = 0.1
PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


class SupervisorError(Exception):
    """A process did not become ready, or would not stay up; the text says what to read."""

    @property
    def reason(self) -> str:
        """Say what went wrong in words for a person."""
        return str(self)


@dataclass(frozen=True)
class Program:
    """One child process: what to run, and how to tell that it is ready (at once, by default)."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    is_ready: Callable[[], bool] | None = None
    ready_within_s: float = 60.0


@dataclass(frozen=True)
class Patience:
    """How long we wait, and when a process that keeps dying is given up."""

    grace_s: float = 10.0
    first_pause_s: float = 0.5
    longest_pause_s: float = 10.0
    steady_after_s: float = 10.0
    quick_deaths: int = 4


def answers_http(url: str) -> Callable[[], bool]:
    """Return a check that any answer below 500 satisfies."""

    def check() -> bool:
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 ours, on loopback
                return int(answer.status) < 500
        except urllib.error.HTTPError as error:
            return error.code < 500
        except OSError:
            return False

    return check


def listens_on(port: int, host: str = "127.0.0.1") -> Callable[[], bool]:
    """Return a check that an open port satisfies."""

    def check() -> bool:
        with contextlib.suppress(OSError), socket.create_connection((host, port), timeout=1):
            return True
        return False

    return check


class Supervisor:
    """Keeps programs running until told to stop, restarting what dies.

    Use it as a context manager: however the block is left, no process stays behind.
    """

    def __init__(
        self,
        programs: Sequence[Program],
        *,
        out: TextIO | None = None,
        log_dir: Path | None = None,
        patience: Patience | None = None,
    ) -> None:
        """Give a log folder, and what each program says is also kept in `<name>.log` there."""
        if log_dir:
            log_dir.mkdir(parents=True, exist_ok=True)
        terminal = Terminal(out or sys.stdout, [program.name for program in programs])
        self._patience = patience or Patience()
        self._children = [_Child(program, terminal, log_dir) for program in programs]
        # Plain values: a handler of signals that took a lock could wait for its own thread.
        self._is_stopping = False
        self._is_in_hurry = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def is_stopping(self) -> bool:
        """Tell whether somebody asked to stop."""
        return self._is_stopping

    @property
    def pids(self) -> dict[str, int]:
        """Return the process numbers of what runs now, by name."""
        return {child.name: child.pid for child in self._children if child.pid is not None}

    def start(self) -> None:
        """Start all programs in order, each when the one before it is ready.

        Raises SupervisorError if one ends or is not ready in time. Returns early if told to stop.
        """
        for child in self._children:
            if not self.is_stopping:
                child.start()
                child.wait_until_ready(lambda: self._is_stopping)

    def watch(self) -> None:
        """Restart what dies until told to stop.

        Raises SupervisorError when a program does not stay up.
        """
        while True:
            time.sleep(POLL_S)
            if self._is_stopping:
                return
            for child in self._children:
                child.restart_if_dead(self._patience)

    def ask_to_stop(self) -> None:
        """Make `start` and `watch` return soon; asked twice, do not wait for anybody."""
        self._is_in_hurry = self._is_stopping
        self._is_stopping = True

    def stop(self) -> None:
        """Stop all programs in reverse order, with force after the grace time."""
        self._is_stopping = True
        for child in reversed(self._children):
            child.stop(self._patience.grace_s, lambda: self._is_in_hurry)


def run_until_interrupted(
    supervisor: Supervisor, *, once_ready: Callable[[], None] | None = None
) -> None:
    """Start everything, call `once_ready`, and keep it running until Ctrl-C, SIGTERM or SIGHUP.

    Raises SupervisorError when a program does not come up or does not stay up; even then no
    process stays behind.
    """
    with _signals_ask_to_stop(supervisor), supervisor:
        supervisor.start()
        if once_ready and not supervisor.is_stopping:
            once_ready()
        supervisor.watch()


@contextlib.contextmanager
def _signals_ask_to_stop(supervisor: Supervisor) -> Iterator[None]:
    def ask(number: int, frame: FrameType | None) -> None:
        supervisor.ask_to_stop()

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, ask) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Terminal:
    """Writes whole lines of several processes, each with its name in front."""

    def __init__(self, out: TextIO, names: Sequence[str]) -> None:
        self._out = out
        self._width = max(map(len, names), default=0)
        self._colours = dict(zip(names, itertools.cycle(COLOURS), strict=False))
        self._is_colourful = out.isatty() and "NO_COLOR" not in os.environ
        self._one_at_a_time = threading.Lock()

    def say(self, name: str, words: str) -> None:
        """Write one line."""
        label = f"{name:<{self._width}} |"
        if self._is_colourful:
            label = f"\033[{self._colours[name]}m{label}\033[0m"
        # A reader that went away (`make demo | head`) must not cost us the children.
        with self._one_at_a_time, contextlib.suppress(OSError, ValueError):
            print(label, words, file=self._out, flush=True)


class _Child:
    """One program and the process that runs it now, if any."""

    def __init__(self, program: Program, terminal: Terminal, log_dir: Path | None) -> None:
        self._program = program
        self._terminal = terminal
        self._log = log_dir / f"{program.name}.log" if log_dir else None
        self._process: subprocess.Popen[str] | None = None
        self._last_words: collections.deque[str] = collections.deque(maxlen=20)
        self._started_at = 0.0
        self._restart_at: float | None = None
        self._quick_deaths = 0

    @property
    def name(self) -> str:
        return self._program.name

    @property
    def pid(self) -> int | None:
        is_running = self._process is not None and self._process.poll() is None
        return self._process.pid if self._process and is_running else None

    def start(self) -> None:
        self._restart_at = None
        self._started_at = time.monotonic()
        try:
            self._process = subprocess.Popen(
                self._program.command,
                env={**os.environ, **self._program.environment},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                # A terminal's Ctrl-C reaches us alone: we decide who stops when.
                start_new_session=True,
                preexec_fn=_ends_with_its_parent,
            )
        except OSError as error:
            raise SupervisorError(f"{self.name} cannot be started: {error}") from error
        threading.Thread(target=self._relay, args=[self._process.stdout], daemon=True).start()

    def wait_until_ready(self, is_stopping: Callable[[], bool]) -> None:
        is_ready = self._program.is_ready
        deadline = self._started_at + self._program.ready_within_s
        while is_ready and not is_ready():
            if self.pid is None:
                raise SupervisorError(self._complaint("ended before it was ready"))
            if time.monotonic() > deadline:
                limit = f"{self._program.ready_within_s:.0f} s"
                raise SupervisorError(self._complaint(f"was not ready within {limit}"))
            time.sleep(POLL_S)
            if is_stopping():
                return

    def restart_if_dead(self, patience: Patience) -> None:
        if self.pid is not None:
            return
        now = time.monotonic()
        if self._restart_at is None:
            self._restart_at = now + self._pause_after_death(now, patience)
        elif now >= self._restart_at:
            self.start()

    def _pause_after_death(self, now: float, patience: Patience) -> float:
        _kill_group(self._process)
        code = self._process.returncode if self._process else None
        lived_s = now - self._started_at
        self._quick_deaths = self._quick_deaths + 1 if lived_s < patience.steady_after_s else 1
        if self._quick_deaths >= patience.quick_deaths:
            raise SupervisorError(self._complaint(f"ended {self._quick_deaths} times in a row"))
        pause_s = min(
            patience.first_pause_s * 2 ** (self._quick_deaths - 1), patience.longest_pause_s
        )
        self._say(f"ended {_in_words(code)}; starting it again in {pause_s:g} s")
        return float(pause_s)

    def stop(self, grace_s: float, is_in_hurry: Callable[[], bool]) -> None:
        if self._process is None:
            return
        deadline = time.monotonic() + grace_s
        # The leader alone: a pool's master wants to end its workers itself.
        self._process.terminate()
        while self._process.poll() is None and time.monotonic() < deadline and not is_in_hurry():
            time.sleep(POLL_S / 2)
        if self._process.poll() is None:
            self._say(
                f"does not stop within {grace_s:g} s: killed" if not is_in_hurry() else "killed"
            )
        _kill_group(self._process)
        self._process.wait()

    def _relay(self, lines: Iterable[str]) -> None:
        with contextlib.ExitStack() as stack:
            log = stack.enter_context(self._log.open("a")) if self._log else None
            for line in lines:
                self._last_words.append(line.rstrip("\n"))
                self._say(line.rstrip("\n"))
                if log:
                    log.write(line)
                    log.flush()

    def _say(self, words: str) -> None:
        self._terminal.say(self.name, words)

    def _complaint(self, what: str) -> str:
        time.sleep(POLL_S)  # its last words may still be on their way
        where = f" All of it is in {self._log}." if self._log else ""
        return f"{self.name} {what}. What it said last:\n" + "\n".join(self._last_words) + where


def _kill_group(process: subprocess.Popen[str] | None) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if process:
            os.killpg(process.pid, signal.SIGKILL)


def _in_words(code: int | None) -> str:
    if code is not None and code < 0:
        return f"by {signal.Signals(-code).name}"
    return f"with code {code}"


def _ends_with_its_parent() -> None:
    # Where the kernel can do it, not even our own sudden death leaves a process behind.
    if _LIBC is not None:
        _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
