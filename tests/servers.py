"""Which servers do the tests run on? The kinds of production, up before settings are read."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from pathlib import Path

import pytest

from config.servers import ServerError, running

DATA_DIR = Path(__file__).resolve().parent.parent / ".test-servers"
MOST_RUNS = 16  # as many as Valkey has numbered databases
OURS = "TESTS_OWN_SERVERS"  # the addresses of what runs here, for the workers
_open = contextlib.ExitStack()


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests() -> None:
    """Start what the environment does not give; pytest-django reads the settings right after this.

    Workers of pytest-xdist use the servers of the first process, which alone stops them, and each
    of them databases of its own.
    """
    # Which rules of countries are in force is looked at when a test says so, and not by the clock.
    os.environ["JURISDICTION_PACK_SECONDS"] = "86400"
    if os.environ.get(OURS) is None:
        os.environ[OURS] = json.dumps(_started())
    if ours := json.loads(os.environ[OURS]):
        _use(ours, run=_take_free_run())
    elif worker := os.environ.get("PYTEST_XDIST_WORKER"):
        os.environ["CHANNEL_PREFIX"] = f"test-{worker}"


def _started() -> dict[str, str]:
    """Start what is not given; return the addresses of what runs here."""
    missing = [name for name in ("DATABASE_URL", "REDIS_URL") if not os.environ.get(name)]
    try:
        servers = _open.enter_context(running(DATA_DIR, durable=False))
    except ServerError as error:
        raise pytest.UsageError(error.reason) from error
    urls = {"DATABASE_URL": servers.database_url, "REDIS_URL": servers.redis_url}
    return {name: urls[name] for name in missing}


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    """Stop the servers if no other run of the tests uses them."""
    _open.close()


def _use(ours: dict[str, str], *, run: int) -> None:
    if url := ours.get("DATABASE_URL"):
        os.environ["DATABASE_URL"] = url + (f"_{run}" if run else "")
    if url := ours.get("REDIS_URL"):
        os.environ["REDIS_URL"] = f"{url}?db={run}"
    # Numbered databases keep apart what is stored, and not what is published.
    os.environ["CHANNEL_PREFIX"] = f"test{run}"


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
