"""How does a person take the content out of one message, for good?

What the message said goes, with its files, and with what repeats it; that there was one stays: when
and by whom, how far it got, and why it was sent or not. Contract: docs/retention.md.
"""

import re
from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.access import Viewer
from accounts.audit import record
from accounts.english import noop
from accounts.models import User
from inbox.abilities import may_remove
from inbox.broadcast import announce
from inbox.conversations import locked_conversation
from inbox.forgetting.batches import empty_messages, empty_reviews, forget_files
from inbox.forgetting.copies import empty_copies, together_with
from inbox.forgetting.holds import LONGEST, holds_on_message, lock_account
from inbox.models import (
    Attachment,
    ConsentQuestion,
    ConsentReview,
    Conversation,
    ConversationEvent,
    Message,
)
from inbox.models.message import ATTACHED_REACTIONS, REACTION, Forgotten
from inbox.person_places import TELLING_TEXT
from inbox.previews import take_back_preview
from inbox.refusals import MissingInputError, NotAllowedError, RefusedError
from inbox.sending.locking import lock_messages, locked_thread
from inbox.sending.removed import owe_removal
from inbox.story import Story

# A quote is drawn anew on pages that show it; more of them at once nobody sees.
MOST_QUOTES = 50
_Status = Message.Status
_GONE = (Forgotten.REDACTION, Forgotten.ERASURE)
# As much of a number as nobody writes by chance, with what people put between its digits.
_NUMBER = re.compile(r"\d(?:[ .,/()-]{0,2}\d){6,}")


class HeldError(RefusedError):
    """A legal hold keeps it."""

    code = "held"
    reason = noop(
        "A legal hold is on this person, this conversation or the account. Nothing of it may be "
        "removed until an account admin lifts it."
    )


class UnsentError(RefusedError):
    """It may still go out, or may turn out to have gone."""

    code = "unsent"
    reason = noop("This message has not been sent yet. Cancel it first, then remove it.")


class UndecidedError(RefusedError):
    """What it means for somebody's consent is open: its words are what that hangs on."""

    code = "undecided"
    reason = noop("This message may ask to stop, and nobody has decided that. Decide it first.")


def remove_message(
    *, message: Message, by: Viewer, user: User, reason: str, now: datetime
) -> Message:
    """Take the content out of a message and of what says the same; once done it stays done.

    What says the same are other tries to send it and reactions that quote it. Twilio is asked to
    delete them too. Raises NotAllowedError for who does not supervise the inbox and administers
    no account, MissingInputError without a reason or for one that repeats what is to go, HeldError,
    UnsentError, UndecidedError.
    """
    with transaction.atomic(durable=True):
        # Whoever sets a hold holds this row: one of the two is first.
        lock_account(message.account_id)
        locked_thread(message.thread_id)
        rows = _locked(message)
        row = next(one for one in rows if one.pk == message.pk)
        assert row.conversation is not None
        if not may_remove(by, row.conversation):
            raise NotAllowedError
        if row.forgotten_for in _GONE:
            return row
        given = _reason(reason, row.body)
        if refusal := why_not(row, rows, now=now):
            raise refusal
        story = Story(now=now, actor=user)
        files = _empty(rows, now=now)
        _tell(row, rows, given, story)
        record(
            action="message_removed",
            subject=str(row),
            actor=user,
            account_id=row.account_id,
            now=now,
            row=str(row.pk),
            conversation=row.conversation.public_id,
            direction=row.direction,
            kind=row.kind,
            files=files,
            also=[one.public_id for one in rows if one.pk != row.pk],
            reason=given,
        )
        announce(story.announcements(), now=now)
    return row


def why_not(
    message: Message, rows: Sequence[Message] = (), *, now: datetime
) -> RefusedError | None:
    """Return why a message may not be removed now, or None; `rows` say the same, it among them."""
    found = rows or together_with(message)
    numbers = [one.pk for one in found]
    if holds_on_message(message).exists():
        return HeldError()
    if unsent := next(filter(None, map(_why_unsent, found)), None):
        return unsent
    if ConsentReview.objects.filter(message__in=numbers, kind="held", decided_at=None).exists():
        return UndecidedError()
    asked = ConsentQuestion.objects.filter(message__in=numbers, answered_at=None, ends_at__gt=now)
    if asked.exists():
        words = _("It asks for consent, and the answer rests on its words. Wait for the answer.")
        return UndecidedError(words)
    return None


def _why_unsent(message: Message) -> UnsentError | None:
    if message.status == _Status.QUEUED:
        return UnsentError()
    if message.status == _Status.SENDING:
        return UnsentError(_("It is being sent at this moment. Try again when it has left."))
    if message.status == _Status.UNKNOWN and message.look_up_at:
        words = _("Twilio is being asked whether it was sent. Remove it when that is known.")
        return UnsentError(words)
    return None


def _locked(message: Message) -> list[Message]:
    """Return what says the same as a message, and it, locked with their conversations."""
    found = together_with(Message.objects.get(pk=message.pk))
    numbers = [one.pk for one in found]
    # What shows a reaction changes with it.
    shown_at = [one.reply_to_id for one in found if one.is_attached]
    lock_messages([*numbers, *filter(None, shown_at)])
    rows = list(
        Message.objects.filter(pk__in=numbers)
        .select_related("thread__sender", "reply_to")
        .order_by("pk")
    )
    places = {
        number: locked_conversation(Conversation(pk=number))
        for number in sorted({one.conversation_id for one in rows if one.conversation_id})
    }
    for one in rows:
        one.conversation = places.get(one.conversation_id or 0)
    return rows


def _reason(typed: str, body: str) -> str:
    reason = " ".join(typed.replace("\0", "").split())
    if not reason:
        raise MissingInputError(_("Say why."))
    if len(reason) > LONGEST:
        words = _("Say it in %(most)s characters at most.") % {"most": LONGEST}
        raise MissingInputError(words)
    if _is_repeated(body, reason):
        raise MissingInputError(_("Do not repeat here what is to go: the reason is kept."))
    return reason


def _is_repeated(body: str, reason: str) -> bool:
    """Say whether a reason holds the text that is to go, or a number in it, however written."""
    text = " ".join(body.split()).casefold()
    digits = re.sub(r"\D", "", reason)
    numbers = (re.sub(r"\D", "", one) for one in _NUMBER.findall(body))
    is_whole = len(text) >= TELLING_TEXT and text in reason.casefold()
    return is_whole or any(one in digits for one in numbers)


def _empty(rows: Sequence[Message], *, now: datetime) -> int:
    """Empty messages and what repeats them; return how many files went."""
    numbers = [one.pk for one in rows]
    found = Message.objects.filter(pk__in=numbers)
    files = list(Attachment.objects.filter(message__in=numbers, forgotten_at=None))
    for one in rows:
        if one.conversation:
            take_back_preview(one.conversation, one)
    empty_copies(found, now=now)
    # From the disk first: what is broken off is done again.
    forget_files(files, why=Forgotten.REDACTION, now=now)
    empty_messages(numbers, why=Forgotten.REDACTION, now=now)
    found.update(forgotten_at=now, forgotten_for=Forgotten.REDACTION.value)
    empty_reviews(numbers)
    owe_removal(rows, now=now)
    for one in rows:
        one.refresh_from_db(fields=["body", "details", "forgotten_at", "forgotten_for"])
    return len(files)


def _tell(row: Message, rows: Sequence[Message], reason: str, story: Story) -> None:
    """Let open pages draw tombstones, and what quotes them anew; note it in the timeline."""
    assert row.conversation is not None
    told = {one.conversation.pk: one.conversation for one in rows if one.conversation}
    for one in rows:
        if one.conversation:
            story.message_removed(one.conversation, one)
            _tell_where_it_was_shown(one, rows, story)
    quotes = Message.objects.filter(reply_to__in=rows, conversation__in=told)
    others = quotes.exclude(ATTACHED_REACTIONS).exclude(pk__in=[one.pk for one in rows])
    for one in others.order_by("-seq")[:MOST_QUOTES]:
        story.message_updated(told[one.conversation_id or 0], one, "quote")
    story.record(
        row.conversation, ConversationEvent.Verb.REMOVED, message=row.public_id, reason=reason
    )


def _tell_where_it_was_shown(one: Message, rows: Sequence[Message], story: Story) -> None:
    """Let the message that showed a reaction be drawn anew, unless it goes too."""
    is_elsewhere = one.is_attached and one.reply_to not in rows
    if is_elsewhere and one.reply_to and one.conversation:
        story.message_updated(one.conversation, one.reply_to, REACTION)
