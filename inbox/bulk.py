"""How is one thing done to many conversations? To each by its own story, in its own transaction.

What is refused for one of them is said of that one and undoes nothing of the others. Nothing here
grants anything: the stories ask what they ask when a single button is pressed.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.core.cache import cache
from django.utils.translation import gettext as _

from accounts.access import Viewer
from accounts.english import noop
from accounts.models import User
from inbox import closing, conversations, marking, undoing
from inbox.access import find_conversations
from inbox.models import Conversation, ConversationEvent, TeamInbox
from inbox.refusals import (
    ClaimedByOtherError,
    MissingInputError,
    RefusedError,
)

AT_MOST = 100
REMEMBERED_SECONDS = 60 * 60
# No request takes longer: a worker that died holds nobody up for ever.
BUSY_SECONDS = 60


class Act(StrEnum):
    """What can be done to many conversations, and what undoes it."""

    CLAIM = "claim"
    RELEASE = "release"
    TRANSFER = "transfer"
    CLOSE = "close"
    REOPEN = "reopen"
    UNDO_CLOSE = "undo_close"
    SNOOZE = "snooze"
    WAKE = "wake"
    READ = "read"
    UNREAD = "unread"
    TAG = "tag"
    UNTAG = "untag"
    PRIORITY = "priority"
    UNDO = "undo"

    @property
    def undo(self) -> "Act | None":
        """Return the act that takes this one back, if there is one."""
        return _UNDO.get(self)


_UNDO = {
    Act.CLAIM: Act.UNDO,
    Act.RELEASE: Act.UNDO,
    Act.TRANSFER: Act.UNDO,
    Act.CLOSE: Act.UNDO,
    Act.REOPEN: Act.UNDO,
    Act.SNOOZE: Act.WAKE,
    Act.PRIORITY: Act.UNDO,
    Act.TAG: Act.UNTAG,
    Act.UNTAG: Act.TAG,
    Act.READ: Act.UNREAD,
    Act.UNREAD: Act.READ,
}


class TooManyError(RefusedError):
    """More was asked for than one request may hold."""

    code = "too_many"
    status = 422


class StillBusyError(RefusedError):
    """The same request is being carried out at this moment."""

    code = "busy"
    reason = noop("This is being done already. Wait a moment and look again.")


class NoSuchError(RefusedError):
    """Nobody learns from this whether there is such a conversation."""

    code = "not_found"
    status = 404
    reason = noop("This conversation is not shared with you any more.")


@dataclass(frozen=True)
class Picked:
    """One conversation that was chosen, and up to which number its row showed the customer."""

    public_id: str
    seen: int = 0


@dataclass(frozen=True)
class Order:
    """Who wants what done, when, and what they said of it."""

    act: Act
    by: Viewer
    user: User
    now: datetime
    reason: str = ""
    waiting_ok: bool = False
    to: User | TeamInbox | None = None
    note: str = ""
    confirmed: bool = False
    until: datetime | None = None
    tag: str = ""
    priority: str = ""

    def story_of(self, one: Conversation) -> dict[str, Any]:
        """Return what every story is told: the conversation, who does it, and when."""
        return {"conversation": one, "by": self.by, "user": self.user, "now": self.now}

    def writer_of(self, one: Conversation) -> marking.Writer:
        """Return who writes a tag or a priority on a conversation."""
        return marking.Writer(one, self.by, self.user, self.now)


@dataclass(frozen=True)
class Outcome:
    """What came of one conversation; `is_changed` is false where it was so already."""

    public_id: str
    is_changed: bool = False
    code: str = ""
    detail: str = ""

    @property
    def is_done(self) -> bool:
        """Say whether the conversation is now as it was wanted."""
        return not self.code

    def as_dict(self) -> dict[str, object]:
        """Return the form of the answer, which is also what is remembered."""
        said = {} if self.is_done else {"code": self.code, "detail": self.detail}
        return {"id": self.public_id, "ok": self.is_done, "changed": self.is_changed, **said}

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> "Outcome":
        """Read what was remembered."""
        code, detail = facts.get("code", ""), facts.get("detail", "")
        return cls(facts["id"], bool(facts["changed"]), str(code), str(detail))


def carry_out(
    order: Order, inbox: TeamInbox, picked: Sequence[Picked], *, client_id: str
) -> list[Outcome]:
    """Do one thing to each of these conversations of an inbox; say what came of each, in order.

    The same `client_id` by the same person does nothing twice: what was answered is answered again.
    Raises TooManyError above a hundred, MissingInputError for none, StillBusyError while the first
    of two equal requests is at work.
    """
    if len(picked) > AT_MOST:
        words = _("Choose at most %(number)s conversations at a time.")
        raise TooManyError(words % {"number": AT_MOST})
    if not picked:
        raise MissingInputError(_("Choose one conversation at least."))
    memory = _Memory(order, client_id)
    with memory:
        _each(order, inbox, picked, memory.known)
    return [memory.known[one.public_id] for one in picked]


def _each(
    order: Order, inbox: TeamInbox, picked: Iterable[Picked], known: dict[str, Outcome]
) -> None:
    """Fill in what is not known yet: two questions for all, then story by story."""
    missing = [one for one in picked if one.public_id not in known]
    if not missing:
        return
    if order.act is Act.UNDO:
        _undo_each(order, missing, known)
        return
    found = find_conversations(order.by, inbox, [one.public_id for one in missing])
    for one in missing:
        known[one.public_id] = _outcome(
            order, one, found.theirs.get(one.public_id), found.lost.get(one.public_id)
        )


def _undo_each(order: Order, picked: Sequence[Picked], known: dict[str, Outcome]) -> None:
    """Take back what this person did to each last, though they may not see it any more."""
    acts = undoing.acts_on(order.by, [one.public_id for one in picked], now=order.now)
    for one in picked:
        known[one.public_id] = _undone(order, one.public_id, acts.get(one.public_id))


def _undone(order: Order, public_id: str, act: ConversationEvent | None) -> Outcome:
    try:
        if act is None:
            raise NoSuchError(_("This conversation is not shared with you any more."))
        undoing.undo_act(act=act, by=order.by, user=order.user, now=order.now)
    except RefusedError as refusal:
        return Outcome(public_id, code=refusal.code, detail=refusal.reason)
    return Outcome(public_id, is_changed=True)


def _outcome(
    order: Order, one: Picked, row: Conversation | None, lost: Conversation | None
) -> Outcome:
    try:
        if row is None:
            raise _refusal(lost)
        after = _STORIES[order.act](order, row, one)
    except RefusedError as refusal:
        return Outcome(one.public_id, code=refusal.code, detail=refusal.reason)
    return Outcome(one.public_id, is_changed=after is None or after.version != row.version)


def _refusal(lost: Conversation | None) -> RefusedError:
    """Say no more than who opens its page is told: who of their own team has it."""
    if lost is None or lost.owner is None:
        return NoSuchError(_("This conversation is not shared with you any more."))
    return ClaimedByOtherError(lost.owner.name, lost.owned_since)


class _Memory:
    """What came of a request, kept for an hour, and a mark while it is being carried out.

    It may be emptied at any time: then a repeat meets the stories' own checks, which find what is
    closed, claimed or given away already.
    """

    def __init__(self, order: Order, client_id: str) -> None:
        self._key = f"bulk:{order.user.pk}:{order.act}:{client_id}"
        self.known: dict[str, Outcome] = {}

    def __enter__(self) -> None:
        if not cache.add(f"{self._key}:busy", 1, BUSY_SECONDS):
            raise StillBusyError(_("This is being done already. Wait a moment and look again."))
        kept = cache.get(self._key) or []
        self.known.update((one["id"], Outcome.of(one)) for one in kept)

    def __exit__(self, *_error: object) -> None:
        cache.set(self._key, [one.as_dict() for one in self.known.values()], REMEMBERED_SECONDS)
        cache.delete(f"{self._key}:busy")


# --- One conversation: the story of the single button ---


def _claim(order: Order, row: Conversation, one: Picked) -> Conversation:
    return conversations.claim_conversation(**order.story_of(row))


def _release(order: Order, row: Conversation, one: Picked) -> Conversation:
    return conversations.release_conversation(**order.story_of(row))


def _transfer(order: Order, row: Conversation, one: Picked) -> Conversation:
    told = {**order.story_of(row), "note": order.note}
    if isinstance(order.to, TeamInbox):
        return conversations.transfer_to_inbox(**told, to=order.to)
    if order.to is None:
        raise MissingInputError(_("Choose a person or a team."))
    return conversations.transfer_to_user(**told, to=order.to, confirmed=order.confirmed)


def _close(order: Order, row: Conversation, one: Picked) -> Conversation:
    return closing.close_conversation(
        **order.story_of(row),
        last_seen_seq=_seen_of_thread(row, one),
        reason=order.reason,
        waiting_ok=order.waiting_ok,
    )


def _reopen(order: Order, row: Conversation, one: Picked) -> Conversation:
    return closing.reopen_conversation(**order.story_of(row)) if row.is_closed else row


def _seen_of_thread(row: Conversation, one: Picked) -> int:
    """Return up to which number of the thread its customer was seen, by what a row showed.

    A row tells of its own conversation only: what came in earlier ones was seen with it.
    """
    has_seen_all = one.seen >= row.last_inbound_seq
    return max(one.seen, row.thread.last_inbound_seq) if has_seen_all else one.seen


def _undo_close(order: Order, row: Conversation, one: Picked) -> Conversation:
    return closing.undo_close(**order.story_of(row))


def _snooze(order: Order, row: Conversation, one: Picked) -> Conversation:
    return conversations.snooze_conversation(**order.story_of(row), until=order.until)


def _wake(order: Order, row: Conversation, one: Picked) -> Conversation:
    return conversations.wake_conversation(**order.story_of(row))


def _read(order: Order, row: Conversation, one: Picked) -> Conversation | None:
    moved = conversations.move_cursor(conversation=row, by=order.by, is_read=True, seq=one.seen)
    return None if moved.is_changed else row


def _unread(order: Order, row: Conversation, one: Picked) -> Conversation | None:
    moved = conversations.move_cursor(conversation=row, by=order.by, is_read=False)
    return None if moved.is_changed else row


def _tag(order: Order, row: Conversation, one: Picked) -> Conversation:
    return marking.tag_conversation(order.writer_of(row), order.tag)


def _untag(order: Order, row: Conversation, one: Picked) -> Conversation:
    return marking.untag_conversation(order.writer_of(row), order.tag)


def _set_priority(order: Order, row: Conversation, one: Picked) -> Conversation:
    return marking.set_priority(order.writer_of(row), order.priority)


_STORIES: dict[Act, Callable[[Order, Conversation, Picked], Conversation | None]] = {
    Act.CLAIM: _claim,
    Act.RELEASE: _release,
    Act.TRANSFER: _transfer,
    Act.CLOSE: _close,
    Act.REOPEN: _reopen,
    Act.UNDO_CLOSE: _undo_close,
    Act.SNOOZE: _snooze,
    Act.WAKE: _wake,
    Act.READ: _read,
    Act.UNREAD: _unread,
    Act.TAG: _tag,
    Act.UNTAG: _untag,
    Act.PRIORITY: _set_priority,
}
