"""May a message on this thread go now? What we ask the gate, and what it says."""

from datetime import datetime

from accounts.access import feature_is_on, is_licensed
from accounts.models import Feature, User
from compliance.addresses import WHATSAPP
from compliance.gate import Purpose, SendBlockedError, SendRequest, Verdict, check_send
from inbox.contacts import address_of
from inbox.models import Conversation, Sender, Thread


def verdict_on(
    thread: Thread,
    conversation: Conversation | None,
    purpose: Purpose,
    *,
    author: User | None,
    requested_at: datetime,
    now: datetime,
) -> Verdict:
    """Ask the gate about a message on this thread."""
    request = SendRequest(
        account_id=thread.account_id,
        address=address_of(thread),
        our_address=thread.our_address,
        purpose=purpose,
        has_feature=_has_features(thread, now=now),
        is_author_licensed=author is not None and is_licensed(author.pk, now=now),
        is_contact_blocked=thread.contact.is_blocked,
        last_inbound_at=thread.last_inbound_at,
        requested_at=requested_at,
        pause=_pause_of(thread.sender),
        is_sender_removed=thread.sender.is_removed,
    )
    return check_send(request, now=now)


def _pause_of(sender: Sender) -> str:
    return (sender.paused_reason or "An admin stopped it.") if sender.is_paused else ""


def _has_features(thread: Thread, *, now: datetime) -> bool:
    """Say whether the account has Team Inbox, and WhatsApp where the thread is on WhatsApp."""
    needed = [Feature.TEAM_INBOX]
    if thread.address.family == WHATSAPP:
        needed.append(Feature.WHATSAPP)
    return all(feature_is_on(thread.account_id, feature, now=now) for feature in needed)


def refuse_blocked(
    thread: Thread,
    conversation: Conversation | None,
    purpose: Purpose,
    *,
    author: User | None,
    now: datetime,
) -> None:
    """Raise SendBlockedError if the gate does not let a message on this thread pass."""
    verdict = verdict_on(thread, conversation, purpose, author=author, requested_at=now, now=now)
    if not verdict.is_allowed:
        raise SendBlockedError(verdict)


def compose_verdict(*, conversation: Conversation, user: User, now: datetime) -> Verdict:
    """Say what the gate would say if `user` answered now: the composer shows it beforehand."""
    thread = conversation.thread
    return verdict_on(thread, conversation, Purpose.REPLY, author=user, requested_at=now, now=now)
