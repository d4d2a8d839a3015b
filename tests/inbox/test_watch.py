"""Does the watch over open sockets go on, whatever the database says?"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import InterfaceError, OperationalError

from accounts.models import User
from inbox import watch
from inbox.watch import CLOSE_SESSION_ENDED, Watch
from tests.doors import apart


class Tab:
    """A socket of somebody whose session has ended."""

    user: User | None = None
    mark = ""
    heard_at = float("inf")
    session_key = "gone"

    def __init__(self) -> None:
        self.closed_with = 0
        self.is_closed = asyncio.Event()

    async def recheck(self) -> None:
        """Nothing changed."""

    async def close(self, code: int) -> None:
        """Remember why."""
        self.closed_with = code
        self.is_closed.set()


@pytest.mark.parametrize("trouble", [OperationalError, InterfaceError])
def test_a_database_that_is_away_for_a_moment_ends_no_watch(
    trouble: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "RECHECK_SECONDS", 0.01)
    asked = 0

    def ask(_function: Callable[..., Any]) -> Callable[..., Awaitable[Any]]:
        async def answer(*_args: Any, **_kwargs: Any) -> Any:
            nonlocal asked
            asked += 1
            if asked == 1:
                raise trouble("the connection is closed")
            return {}, set()

        return answer

    async def look_after() -> int:
        tab = Tab()
        Watch(ask, lambda: datetime.now(tz=UTC)).add(tab)
        await asyncio.wait_for(tab.is_closed.wait(), timeout=5)
        return tab.closed_with

    assert apart(look_after()) == CLOSE_SESSION_ENDED
