"""What does a changed consent do to messages that wait, and who hears of it?"""

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Max

from accounts.english import noop
from accounts.prepared import write_fields
from compliance.addresses import Address
from compliance.asking_settings import scope_of
from compliance.consent import record_carrier_block
from compliance.evidence import OptOutScope
from compliance.gate import Purpose, Reason
from compliance.models import ConsentState, GateDecision
from compliance.standing import TICK
from inbox.contacts import address_of
from inbox.conversations import locked_conversation
from inbox.linked import reached_by_opt_out
from inbox.models import Conversation, Message, Thread
from inbox.questions import end_questions
from inbox.sending.locking import lock_conversation, locked_thread
from inbox.sending.progress import tell_updated
from inbox.story import Story
from inbox.timers import end_timers, renew_timers
from routing.escalation import Ended

_Status = Message.Status
OPTED_OUT, DOUBTED = Reason.OPTED_OUT.value, Reason.PENDING_REVIEW.value
NO_CONTACT = Reason.DO_NOT_CONTACT.value
_CANCELLED = {
    OPTED_OUT: noop("Cancelled: they opted out before it was sent."),
    DOUBTED: noop("Cancelled: they may have asked to stop before it was sent."),
    NO_CONTACT: noop("Cancelled: they were marked do-not-contact before it was sent."),
}


def adopt_carrier_block(message_id: int, story: Story) -> None:
    """The carrier says they opted out: believe it, and stop what waits for them.

    Call it before the message itself is locked: thread and consent come before messages.
    """
    message = Message.objects.get(pk=message_id)
    thread = locked_thread(message.thread_id)
    address = address_of(thread)
    scope = scope_of(message.account_id)
    others = reached_by_opt_out(thread.contact_id, address, scope)
    record_carrier_block(
        account_id=message.account_id,
        address=address,
        others=others,
        our_address=thread.our_address,
        message_sid=message.provider_sid or "",
        scope=scope.value if scope is OptOutScope.EVERY else "",
        now=story.now,
    )
    cancel_unsent(message.account_id, (address, *others), story)
    end_questions(message.account_id, (address, *others), now=story.now)
    lock_conversation(message)
    tell_consent(thread, message.conversation, (address, *others), ConsentState.OPTED_OUT, story)


def follow_consent(
    thread: Thread,
    conversation: Conversation | None,
    addresses: Sequence[Address],
    state: ConsentState,
    story: Story,
) -> None:
    """Let a changed consent have its effect for all of a person's addresses, and tell of it."""
    if state is ConsentState.OPTED_OUT:
        cancel_unsent(thread.account_id, addresses, story)
        end_questions(thread.account_id, addresses, now=story.now)
    elif state is ConsentState.HELD:
        cancel_unsent(thread.account_id, addresses, story, code=DOUBTED)
    tell_consent(thread, conversation, addresses, state, story)


def tell_consent(
    thread: Thread,
    conversation: Conversation | None,
    addresses: Sequence[Address],
    state: ConsentState,
    story: Story,
) -> None:
    """Tell the conversation at hand, and every live one with the same person on that channel."""
    channel = address_of(thread).consent_family
    if conversation:
        _tell_one(conversation, channel, state, story)
    others = (
        Conversation.objects.live()
        .filter(account=thread.account_id, thread__address__key__in=_every_key(addresses))
        .exclude(pk=conversation.pk if conversation else 0)
        .order_by("pk")
    )
    for other in others:
        _tell_one(locked_conversation(other), channel, state, story)


def _tell_one(row: Conversation, channel: str, state: ConsentState, story: Story) -> None:
    if state is ConsentState.OPTED_OUT:
        end_timers(row, Ended.OPTED_OUT, now=story.now)
    elif state is not ConsentState.HELD:
        renew_timers(row, now=story.now)
    if state is not ConsentState.HELD:
        row.is_opted_out = state is ConsentState.OPTED_OUT
        write_fields(row, "is_opted_out", "due_at")
    story.consent_changed(row, channel=channel, state=state)


def recorded_after(account_id: int, addresses: Sequence[Address], *, now: datetime) -> datetime:
    """Return when an opt-out counts as recorded: after whatever left before it, by any clock.

    The consents of these addresses must be locked: what is claimed after that waits, and is
    refused. Of two processes one may be ahead of the other.
    """
    threads = Thread.objects.filter(account=account_id, address__key__in=_every_key(addresses))
    left = GateDecision.objects.filter(
        thread_ref__in=list(threads.values_list("public_id", flat=True)), dispatched_at__gte=now
    )
    last = left.aggregate(last=Max("dispatched_at"))["last"]
    return last + TICK if last else now


def cancel_unsent(
    account_id: int, addresses: Sequence[Address], story: Story, *, code: str = OPTED_OUT
) -> int:
    """Cancel every message to these addresses that has not left, in the caller's transaction.

    `code` says why. While there is only a doubt whether they asked to stop, what a person answered
    them may go.
    """
    waiting = hold_unsent(account_id, addresses)
    if code == DOUBTED:
        waiting = [message for message in waiting if message.purpose != Purpose.REPLY]
    for message in waiting:
        message.status = _Status.CANCELED
        message.error_code = code
        message.error_words = _CANCELLED[code]
        message.settled_at = story.now
        message.save()
        lock_conversation(message)
        tell_updated(message, story)
    return len(waiting)


def hold_unsent(account_id: int, addresses: Sequence[Address]) -> list[Message]:
    """Lock every message to these addresses that has not left, before any conversation is."""
    return list(
        Message.objects.select_for_update(of=("self",), no_key=True)
        .filter(
            account=account_id,
            thread__address__key__in=_every_key(addresses),
            status=_Status.QUEUED,
        )
        .exclude(purpose=Purpose.OPT_OUT_CONFIRMATION.value)
        .order_by("pk")
    )


def _every_key(addresses: Sequence[Address]) -> list[str]:
    return [key for address in addresses for key in address.sibling_keys]
