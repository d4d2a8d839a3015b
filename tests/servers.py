"""Which servers do the tests run on? The kinds of production, up before settings are read."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import pytest

from config.servers import ServerError, running

DATA_DIR = Path(__file__).resolve().parent.parent / ".test-servers"
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
    os.environ.update(servers.environment())


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    """Stop the servers if no other run of the tests uses them."""
    _open.close()
