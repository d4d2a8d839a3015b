"""How does a test sit in an inbox without a socket? A listener, and a loop of its own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from accounts.access import Viewer
from inbox.models import TeamInbox


@dataclass(eq=False)
class Listener:
    """Somebody who hears what a socket would."""

    viewer: Viewer
    inboxes: dict[str, int]
    is_active: bool = True
    language: str = "en"
    frames: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def of(cls, viewer: Viewer, *inboxes: TeamInbox) -> Listener:
        """Let somebody listen who may hear these inboxes."""
        return cls(viewer, {str(inbox.public_id): inbox.pk for inbox in inboxes})

    async def tell(self, text: str) -> None:
        """Hear a frame."""
        self.frames.append(json.loads(text))

    def kinds(self) -> list[str]:
        """Return the types of what was heard, in order."""
        return [str(frame["type"]) for frame in self.frames]


class Database:
    """Stands for the database: counts questions, and answers what it is told to."""

    def __init__(self, answer: Any) -> None:
        self.answer, self.questions = answer, 0

    def __call__(self, ask: Callable[..., Any]) -> Callable[..., Awaitable[Any]]:
        async def answered(*_: Any, **__: Any) -> Any:
            self.questions += 1
            return self.answer

        return answered


def in_a_loop(play: Callable[[], Awaitable[None]]) -> None:
    """Play something asynchronous, apart: Playwright's loop may run in this thread."""

    async def whole() -> None:
        await asyncio.wait_for(play(), 30)

    with ThreadPoolExecutor(max_workers=1) as apart:
        apart.submit(asyncio.run, whole()).result()
