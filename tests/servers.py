"""Which servers do the tests run on? The kinds of production, up before settings are read."""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path

import pytest

from config.servers import ServerError, Servers, running

DATA_DIR = Path(__file__).resolve().parent.parent / ".test-servers"
MOST_RUNS = 16  # as many as Valkey has numbered databases
_open = contextlib.ExitStack()


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests() -> None:
    """Start what the environment does not give; pytest-django reads the settings right after this.

    Workers of pytest-xdist inherit the addresses from the first process, which alone stops them.
    """
    try:
        servers = _open.enter_context(running(DATA_DIR, durable=False))
    except ServerError as error:
        raise pytest.UsageError(error.reason) from error
    if servers.home:
        _use(servers, run=_take_free_run())


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    """Stop the servers if no other run of the tests uses them."""
    _open.close()


def _use(servers: Servers, *, run: int) -> None:
    if not os.environ.get("DATABASE_URL"):
        os.environ["DATABASE_URL"] = servers.database_url + (f"_{run}" if run else "")
    if not os.environ.get("REDIS_URL"):
        os.environ["REDIS_URL"] = f"{servers.redis_url}?db={run}"
    # Numbered databases keep apart what is stored, and not what is published.
    os.environ.setdefault("CHANNEL_PREFIX", f"test{run}")


def _take_free_run() -> int:
    """Return a number that no other run of the tests has now: each gets databases of its own."""
    for number in range(MOST_RUNS):
        lock = os.open(DATA_DIR / f"run-{number}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            continue
        _open.callback(os.close, lock)
        return number
    raise pytest.UsageError(f"{MOST_RUNS} runs of the tests at once are enough.")
