"""How do we run a server's tools as its user, and is that process still ours?"""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from config.servers.place import Place, ServerError

PATIENCE_S = 60.0
# All that a server's tool sees of our environment: a stray PGPORT or PGDATA would mislead it.
PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")


def run(place: Place, command: Sequence[str | Path]) -> subprocess.CompletedProcess[str]:
    """Run a server's own tool as the servers' user and return what it said.

    Raises ServerError if it cannot be run at all.
    """
    try:
        return _run(place, command)
    except OSError as error:
        raise ServerError(f"{command[0]} cannot be run: {error}") from error


def _run(place: Place, command: Sequence[str | Path]) -> subprocess.CompletedProcess[str]:
    user = place.user
    return subprocess.run(
        [str(part) for part in command],
        cwd=place.home,
        env={name: os.environ[name] for name in PASSED_ON if name in os.environ} | {"LC_ALL": "C"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
        umask=0o077,
        user=user.pw_uid if user else None,
        group=user.pw_gid if user else None,
        extra_groups=[] if user else None,
    )


def read_number(path: Path) -> int | None:
    """Return the number that a file such as a pid file begins with."""
    try:
        return int(path.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return None


def is_alive(pid: int | None) -> bool:
    """Tell whether any process has this number."""
    if pid is None:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def is_ours(pid: int | None, mark: Path) -> bool:
    """Tell whether this process names our folder: after a crash its number may be another's."""
    return pid is not None and os.fsencode(mark) in _command_line(pid)


def _command_line(pid: int) -> bytes:
    if Path("/proc/self/cmdline").exists():
        with contextlib.suppress(OSError):
            return Path(f"/proc/{pid}/cmdline").read_bytes()
        return b""
    asked = ["ps", "-ww", "-o", "command=", "-p", str(pid)]
    return subprocess.run(asked, capture_output=True, check=False).stdout


def wait_until(is_done: Callable[[], bool], *, patience_s: float = PATIENCE_S) -> bool:
    """Ask again and again; tell whether it was done before patience ran out."""
    deadline = time.monotonic() + patience_s
    while not is_done():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def size_of(log: Path) -> int:
    """Return how long a log is now, so that later only what is new gets quoted."""
    return log.stat().st_size if log.exists() else 0


def end_of(log: Path, since: int) -> str:
    """Return the last words of a log."""
    try:
        with log.open("rb") as file:
            file.seek(since)
            return file.read().decode(errors="replace")[-2000:].strip()
    except OSError:
        return ""


def failure(what: str, log: Path, words: str) -> ServerError:
    """Make an error that says what to read."""
    return ServerError(f"{what} Its log is {log}; the end of it:\n{words.strip()}")
