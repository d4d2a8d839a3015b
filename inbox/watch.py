"""When must an open socket be closed, or look again at what it hears?

A socket may outlive what it was opened by: a session, a licence, a role, a browser. Nobody else
closes it, so it is looked after here.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any, Protocol

from django.db import Error

from accounts.access import entitlement_marks
from accounts.models import User
from accounts.sessions import alive_among
from inbox.models import TeamInbox
from inbox.standing import SETTINGS

logger = logging.getLogger(__name__)

SILENCE_SECONDS = 75
# With the time that looking takes, nobody hears for more than five seconds what is not theirs.
RECHECK_SECONDS = 4

# Why a socket is closed, as browsers know it (docs/api.md).
CLOSE_SESSION_ENDED = 4401
CLOSE_NO_ACCESS = 4403
CLOSE_PROTOCOL = 4406
CLOSE_TOO_MANY = 4429
CLOSE_TRY_AGAIN = 1013


class Watched(Protocol):
    """What the watch needs of a socket."""

    user: User | None
    mark: str
    heard_at: float

    @property
    def session_key(self) -> str:
        """Return the key of the session it was opened with."""

    async def recheck(self) -> None:
        """Look again at what this person may hear."""

    async def close(self, code: int) -> None:
        """Close, and say why."""


class Watch:
    """Watches over all sockets of this process: three queries every few seconds, however many.

    A silent socket is closed; a session that ended or fell idle, a lost licence, team or role, or
    an inbox that is switched on or off, closes it or changes what it hears.

    `ask` runs a function that asks the database, away from the loop; `clock` says what time it is.
    """

    def __init__(
        self,
        ask: Callable[..., Callable[..., Awaitable[Any]]],
        clock: Callable[[], datetime],
    ) -> None:
        self._ask, self._clock = ask, clock
        self.sockets: set[Watched] = set()
        self.task: asyncio.Task[None] | None = None

    def add(self, socket: Watched) -> None:
        """Begin to watch a socket."""
        self.sockets.add(socket)
        if self.task is None or self.task.done():
            self.task = asyncio.get_running_loop().create_task(self._run())

    def discard(self, socket: Watched) -> None:
        """Stop watching a socket."""
        self.sockets.discard(socket)

    def count_of(self, user: User) -> int:
        """Return how many sockets a person has here."""
        return sum(socket.user == user for socket in self.sockets)

    async def _run(self) -> None:
        while self.sockets:
            await asyncio.sleep(RECHECK_SECONDS)
            try:
                await self._look()
            except Error:
                logger.exception("live: access could not be checked; next time")

    async def _look(self) -> None:
        sockets = list(self.sockets)
        users = list({socket.user.pk: socket.user for socket in sockets if socket.user}.values())
        keys = sorted({socket.session_key for socket in sockets})
        marks, alive = await self._ask(_standing)(users, keys, now=self._clock())
        for socket in sockets:
            try:
                await self._judge(socket, marks, alive)
            except (OSError, RuntimeError):
                # One whose browser has gone must not keep the others from being judged.
                self.discard(socket)

    async def _judge(self, socket: Watched, marks: dict[int, str], alive: set[str]) -> None:
        if time.monotonic() - socket.heard_at > SILENCE_SECONDS:
            await socket.close(CLOSE_TRY_AGAIN)
        elif socket.session_key not in alive:
            await socket.close(CLOSE_SESSION_ENDED)
        elif socket.user and marks.get(socket.user.pk, "") != socket.mark:
            socket.mark = marks.get(socket.user.pk, "")
            await socket.recheck()


def _standing(
    users: list[User], session_keys: list[str], *, now: datetime
) -> tuple[dict[int, str], set[str]]:
    return marks_of(users, now=now), alive_among(session_keys, now=now)


def marks_of(users: Sequence[User], *, now: datetime) -> dict[int, str]:
    """Return one text per person that changes whenever what they may hear, see or do does."""
    entitled = entitlement_marks([user.pk for user in users], now=now)
    inboxes = TeamInbox.objects.filter(account__in={user.account_id for user in users}, is_on=True)
    on: dict[int | None, str] = {}
    asked = ("account", "pk", "account__masks_numbers", *SETTINGS)
    for account, *facts in inboxes.order_by("pk").values_list(*asked):
        on[account] = f"{on.get(account, '')}{facts}"
    return {user.pk: f"{entitled.get(user.pk, '')}|{on.get(user.account_id, '')}" for user in users}
