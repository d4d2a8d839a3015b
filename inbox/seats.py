"""Who sits in this process, and which inbox do they look at?

What nobody publishes (numbers, notices, who is at work) is told from here, straight to the sockets
that asked for an inbox with `subscribe`.
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from accounts.access import Viewer


class Sitter(Protocol):
    """What a seat needs of a socket."""

    @property
    def viewer(self) -> Viewer:
        """Return whose socket it is, as of the last look at what they may hear."""

    @property
    def inboxes(self) -> Mapping[str, int]:
        """Return the inboxes they may hear: id by public id."""

    @property
    def is_active(self) -> bool:
        """Say whether somebody looks at the tab."""

    @property
    def language(self) -> str:
        """Return the language they are spoken to in."""

    async def tell(self, text: str) -> None:
        """Send a ready frame."""


@dataclass(eq=False)
class Seat:
    """One socket in one inbox, and what it was told last."""

    sitter: Sitter
    inbox: str
    _told: dict[str, str] = field(default_factory=dict)
    _waiting: dict[str, str] = field(default_factory=dict)
    _writer: asyncio.Task[None] | None = None

    @property
    def is_of_member(self) -> bool:
        """Say whether the person belongs to the inbox's team, and is no guest."""
        inbox_id = self.sitter.inboxes.get(self.inbox)
        return inbox_id is not None and self.sitter.viewer.is_member_of(inbox_id)

    @property
    def is_of_supervisor(self) -> bool:
        """Say whether the person supervises the inbox."""
        inbox_id = self.sitter.inboxes.get(self.inbox)
        return inbox_id is not None and self.sitter.viewer.supervises_team(inbox_id)

    def tell(self, kind: str, text: str) -> None:
        """Hand over a frame without waiting for a slow reader: of each kind the newest is kept."""
        self._waiting[kind] = text
        if self._writer is None or self._writer.done():
            self._writer = asyncio.get_running_loop().create_task(self._write())

    def tell_if_new(self, kind: str, text: str) -> None:
        """Hand over a frame unless it is what this seat was told last."""
        if self._told.get(kind) != text:
            self._told[kind] = text
            self.tell(kind, text)

    def forget(self) -> None:
        """Forget what was told: everything is news again."""
        self._told.clear()

    async def _write(self) -> None:
        while self._waiting:
            text = self._waiting.pop(next(iter(self._waiting)))
            try:
                await self.sitter.tell(text)
            except (OSError, RuntimeError):
                # They left while we wrote.
                return


class Seats:
    """All seats of this process."""

    def __init__(self) -> None:
        self._by_sitter: dict[Sitter, dict[str, Seat]] = {}
        self._by_inbox: dict[str, set[Seat]] = {}

    def take(self, sitter: Sitter, inbox: str) -> None:
        """Let a socket sit in an inbox; it was told nothing yet."""
        self._drop(sitter, inbox)
        seat = Seat(sitter, inbox)
        self._by_sitter.setdefault(sitter, {})[inbox] = seat
        self._by_inbox.setdefault(inbox, set()).add(seat)

    def leave(self, sitter: Sitter) -> None:
        """Let a socket go."""
        for inbox in list(self._by_sitter.get(sitter, ())):
            self._drop(sitter, inbox)

    def review(self, sitter: Sitter) -> list[str]:
        """Take back what somebody may not hear any more; return where they still sit.

        What they were told is forgotten, since their part in the inbox may be another now.
        """
        for inbox, seat in list(self._by_sitter.get(sitter, {}).items()):
            seat.forget()
            if inbox not in sitter.inboxes:
                self._drop(sitter, inbox)
        return list(self._by_sitter.get(sitter, ()))

    @property
    def sitters(self) -> list[Sitter]:
        """Return every socket that sits somewhere."""
        return list(self._by_sitter)

    @property
    def is_anybody_here(self) -> bool:
        """Say whether somebody sits anywhere."""
        return bool(self._by_sitter)

    @property
    def inboxes(self) -> list[str]:
        """Return every inbox where somebody sits."""
        return list(self._by_inbox)

    def is_anybody_in(self, inbox: str) -> bool:
        """Say whether somebody sits in an inbox."""
        return inbox in self._by_inbox

    def in_inbox(self, inbox: str) -> Iterable[Seat]:
        """Return the seats of an inbox."""
        return list(self._by_inbox.get(inbox, ()))

    def of_user(self, user_id: int) -> list[Seat]:
        """Return one seat of each socket of a person."""
        return [
            next(iter(seats.values()))
            for sitter, seats in self._by_sitter.items()
            if sitter.viewer.user_id == user_id
        ]

    def _drop(self, sitter: Sitter, inbox: str) -> None:
        seats = self._by_sitter.get(sitter, {})
        seat = seats.pop(inbox, None)
        if seat is None:
            return
        if not seats:
            del self._by_sitter[sitter]
        self._by_inbox[inbox].discard(seat)
        if not self._by_inbox[inbox]:
            del self._by_inbox[inbox]
