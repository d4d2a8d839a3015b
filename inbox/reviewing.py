"""Did they ask us to stop? What a person decides about a message that may have, and what the clock
does when nobody decides (compliance reference 7.3, 12).
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from accounts.access import Viewer
from accounts.audit import alarm
from accounts.english import noop
from accounts.models import User
from compliance.addresses import Address
from compliance.asking_settings import scope_of
from compliance.consent import ConsentChange
from compliance.deadlines import (
    REMINDED_AFTER,
    TO_ACT_ON_AN_OPT_OUT,
    TO_DECIDE_A_DOUBT,
    business_days_after,
)
from compliance.evidence import EventKind, Evidence, OptOutScope, Source
from compliance.gate import Purpose
from compliance.judging import CONFIRMATION_DEADLINE
from compliance.models import ConsentEvent, ConsentState, ProviderBlock
from compliance.recording import NotCorrectableError, record_consent, withdraw_event
from compliance.standing import lock_addresses
from compliance.whereabouts import whereabouts
from inbox.abilities import Ability, abilities_of, part_of
from inbox.broadcast import announce
from inbox.confirming import send_confirmation
from inbox.contacts import address_of
from inbox.linked import linked_addresses, opted_out_elsewhere, reached_by_opt_out
from inbox.models import ConsentReview, Conversation, ConversationEvent, Message, Thread
from inbox.refusals import MissingInputError, NotAllowedError, RefusedError
from inbox.sending import follow_consent, hold_unsent, locked_thread, recorded_after
from inbox.story import Story

if TYPE_CHECKING:
    from django.db.models import QuerySet

UNDO_WITHIN = timedelta(hours=24)
LONGEST_REASON = 300
_Kind, _Outcome = ConsentReview.Kind, ConsentReview.Outcome


class DecidedAlreadyError(RefusedError):
    """Somebody else decided, or the customer did themselves."""

    code = "decided"
    reason = noop("This was decided already.")


def open_review(change: ConsentChange, message: Message, thread: Thread, *, now: datetime) -> None:
    """Ask people to look at a message that may ask to stop, or that was read as such a request.

    What was open before on the person's threads is settled by what they write now. The thread must
    be locked.
    """
    if not change.changed or change.event is None:
        return
    settle_open(thread.account_id, change.addresses, now=now)
    kind = _Kind.HELD if change.is_held else _Kind.READ
    if not (change.is_held or change.is_wish_in_words):
        return
    ConsentReview.objects.create(
        account_id=thread.account_id,
        thread=thread,
        message=message,
        kind=kind,
        event=change.event.seq,
        opened_at=now,
        **(_deadlines(thread, message, now=now) if change.is_held else _undo_until(now)),
    )


def _deadlines(thread: Thread, message: Message, *, now: datetime) -> dict[str, datetime]:
    """Return when a doubt should be decided, and when the days of the law are over.

    They run from when the message reached us, in the account's zone.
    """
    since = message.received_at or now
    due, end = (
        _business_days(thread, since, days) for days in (TO_DECIDE_A_DOUBT, TO_ACT_ON_AN_OPT_OUT)
    )
    return {"due_at": due, "ends_at": end, "next_at": due}


def _business_days(thread: Thread, since: datetime, days: int) -> datetime:
    account = thread.sender.account
    country = whereabouts(address_of(thread)).country
    return business_days_after(since, days, country=country, zone=account.time_zone)


def _undo_until(now: datetime) -> dict[str, datetime]:
    return {"due_at": now + UNDO_WITHIN, "ends_at": now + UNDO_WITHIN}


def settle_open(account_id: int, addresses: tuple[Address, ...], *, now: datetime) -> None:
    """What they do themselves settles what a person should have decided."""
    keys = [key for address in addresses for key in address.sibling_keys]
    ConsentReview.objects.filter(
        account=account_id,
        thread__address__key__in=keys,
        kind=_Kind.HELD,
        decided_at=None,
    ).update(decided_at=now, outcome=_Outcome.MOOT, next_at=None)


# --- Deciding -------------------------------------------------------------------------------------


@dataclass
class _Look:
    """One review with all that its decision touches, locked: thread, consents, ledger's person."""

    review: ConsentReview
    thread: Thread
    address: Address
    others: tuple[Address, ...]

    @property
    def addresses(self) -> tuple[Address, ...]:
        return (self.address, *self.others)


def decide(
    *, review: ConsentReview, by: Viewer, user: User, is_stop: bool, reason: str, now: datetime
) -> None:
    """Decide whether a message asked to stop.

    A yes opts them out, dated to the message and not to the click; a no needs a reason, and lets
    automatic messages go again. Of what was read as a request already, a no undoes that.

    Raises NotAllowedError, DecidedAlreadyError, MissingInputError, and RefusedError where the
    carrier blocks them, which nobody here can undo.
    """
    reason = " ".join(reason.split())[:LONGEST_REASON]
    if not is_stop and not reason:
        raise MissingInputError(_("Say why it is no request to stop: it is kept as evidence."))
    with transaction.atomic(durable=True):
        look = _locked(review)
        conversation = look.review.message.conversation
        if conversation is None or not may_decide(by, conversation):
            raise NotAllowedError
        if not look.review.is_open_at(now) or (is_stop and not look.review.is_held):
            raise DecidedAlreadyError
        story = Story(now=now, actor=user)
        if look.review.is_held:
            _settle_doubt(look, user, story, is_stop=is_stop, reason=reason)
        else:
            _undo(look, user, story, reason=reason)
        announce(story.announcements(), now=now)


def may_decide(viewer: Viewer, conversation: Conversation) -> bool:
    """Say whether somebody may decide: who works in the conversation, or supervises it."""
    return bool(abilities_of(viewer, conversation, part_of(viewer, conversation)) - _READING)


_READING = frozenset({Ability.NOTE})


def _locked(review: ConsentReview) -> _Look:
    thread = locked_thread(review.thread_id)
    address = address_of(thread)
    others = linked_addresses(thread.contact_id, address)
    row = (
        ConsentReview.objects.select_for_update(of=("self",), no_key=True)
        .select_related("message__conversation__inbox")
        .get(pk=review.pk)
    )
    return _Look(row, thread, address, others)


def _settle_doubt(
    look: _Look, user: User | None, story: Story, *, is_stop: bool, reason: str
) -> None:
    review = look.review
    kind = EventKind.OPT_OUT if is_stop else EventKind.HOLD_LIFTED
    evidence = _evidence(look, kind, user, reason=reason)
    event = _record(look, _widened(look, evidence) if is_stop else evidence, story)
    _close(review, _Outcome.STOP if is_stop else _Outcome.GO_ON, story, user, reason=reason)
    age = story.now - (review.message.received_at or review.opened_at)
    if is_stop and age <= CONFIRMATION_DEADLINE:
        send_confirmation(
            Purpose.OPT_OUT_CONFIRMATION, look.thread, review.message, story, event=event
        )


def _widened(look: _Look, evidence: Evidence) -> Evidence:
    """Let an opt-out reach as far as the account lets opt-outs reach now."""
    scope = scope_of(look.thread.account_id)
    look.others = reached_by_opt_out(look.thread.contact_id, look.address, scope)
    return replace(evidence, scope=scope.value) if scope is OptOutScope.EVERY else evidence


def _evidence(look: _Look, kind: EventKind, user: User | None, *, reason: str) -> Evidence:
    """Return what is kept: an opt-out is dated to their words, and rests on them."""
    by = user.pk if user else None
    if kind is not EventKind.OPT_OUT:
        source = Source.AGENT if user else Source.CLOCK
        return Evidence(kind, source, reason=reason, recorded_by=by)
    said = ConsentEvent.objects.select_related("details__key").get(
        account=look.review.account_id, seq=look.review.event
    )
    return Evidence(
        kind,
        Source.INBOUND_FUZZY,
        occurred_at=said.occurred_at,
        words=said.words,
        message_sid=said.message_sid,
        rule_version=said.rule_version,
        reason=reason,
        recorded_by=by,
    )


def _record(look: _Look, evidence: Evidence, story: Story) -> int:
    """Record what was decided; return its number in the ledger."""
    account_id = look.thread.account_id
    lock_addresses(account_id, look.addresses, now=story.now)
    recorded = record_consent(
        account_id=account_id,
        address=look.address,
        others=look.others,
        evidence=evidence,
        now=recorded_after(account_id, look.addresses, now=story.now),
    )
    _follow(look, recorded.state, story)
    return recorded.event.seq


def _follow(look: _Look, state: ConsentState, story: Story) -> None:
    hold_unsent(look.thread.account_id, look.addresses)
    follow_consent(look.thread, look.review.message.conversation, look.addresses, state, story)


def _undo(look: _Look, user: User, story: Story, *, reason: str) -> None:
    if _is_refused_by_carrier(look):
        raise RefusedError(
            _("The carrier blocks them now. Only they can undo that, by texting START.")
        )
    # What it did on other channels is undone as well, whatever is settled today.
    thread = look.thread
    elsewhere = opted_out_elsewhere(thread.account_id, thread.contact_id, look.address)
    look.others = (*look.others, *elsewhere)
    try:
        recorded = withdraw_event(
            account_id=look.thread.account_id,
            address=look.address,
            others=look.others,
            seq=look.review.event,
            reason=reason,
            by=user.pk,
            source=Source.AGENT,
            now=story.now,
        )
    except NotCorrectableError as error:
        raise RefusedError(error.reason) from error
    _follow(look, recorded.state, story)
    _close(look.review, _Outcome.GO_ON, story, user, reason=reason)


def _is_refused_by_carrier(look: _Look) -> bool:
    return ProviderBlock.objects.filter(
        account=look.thread.account_id,
        our_address=look.thread.our_address,
        address=look.address.consent_key,
        cleared_at=None,
    ).exists()


def _close(
    review: ConsentReview, outcome: str, story: Story, user: User | None, *, reason: str = ""
) -> None:
    review.outcome, review.decided_at, review.next_at = outcome, story.now, None
    review.decided_by, review.reason = user, reason
    review.save()


# --- The clock ------------------------------------------------------------------------------------


def heed_next(*, now: datetime) -> bool:
    """Remind people of the doubt that is due longest, or settle it; say whether there was one."""
    due = ConsentReview.objects.filter(next_at__lte=now, decided_at=None).order_by("next_at")
    review = due.first()
    if review is None:
        return False
    with transaction.atomic(durable=True):
        look = _locked(review)
        if look.review.decided_at or not look.review.next_at or look.review.next_at > now:
            return True
        story = Story(now=now)
        if now >= look.review.ends_at:
            _lapse(look, story)
        else:
            _remind(look, story)
        announce(story.announcements(), now=now)
    return True


def _lapse(look: _Look, story: Story) -> None:
    """Nobody decided in the days that the law gives: then it was a request to stop."""
    lapsed = _evidence(look, EventKind.HOLD_LAPSED, None, reason="")
    _record(look, _widened(look, lapsed), story)
    _close(look.review, _Outcome.LAPSED, story, None)
    _alarm(
        look,
        "review_lapsed",
        story,
        noop("Nobody decided in time whether a customer asked to stop: they are opted out now."),
    )


def _remind(look: _Look, story: Story) -> None:
    review = look.review
    review.reminders += 1
    later = REMINDED_AFTER[review.reminders :]
    since = review.message.received_at or review.opened_at
    following = _business_days(look.thread, since, later[0]) if later else review.ends_at
    review.next_at = max(min(following, review.ends_at), story.now + timedelta(minutes=1))
    review.save(update_fields=["reminders", "next_at"])
    if conversation := review.message.conversation:
        story.record(conversation, ConversationEvent.Verb.WARNED, label="Team Inbox", did="review")
    _alarm(
        look,
        "review_waits",
        story,
        noop("A customer may have asked to stop, and nobody has decided that yet."),
    )


def _alarm(look: _Look, action: str, story: Story, words: str) -> None:
    alarm(
        action=action,
        subject=look.thread.sender.inbox.name,
        words=words,
        account_id=look.thread.account_id,
        now=story.now,
        row=str(look.review.pk),
        reminders=look.review.reminders,
    )


# --- Looking --------------------------------------------------------------------------------------


def review_of(conversation: Conversation, *, now: datetime) -> ConsentReview | None:
    """Return what is to be decided about the person of a conversation, or may be undone."""
    is_open = Q(kind=_Kind.HELD) | Q(kind=_Kind.READ, ends_at__gt=now)
    return (
        ConsentReview.objects.select_related("message")
        .filter(is_open, thread=conversation.thread_id, decided_at=None)
        .order_by("kind", "-opened_at")
        .first()
    )


def reviews_for(viewer: Viewer, *, is_decided: bool = False) -> "QuerySet[ConsentReview]":
    """Return the doubts in conversations that somebody may read: open, or decided.

    The most urgent comes first, or the one that was decided last.
    """
    visible = Conversation.objects.visible_to(viewer)
    rows = ConsentReview.objects.filter(
        account=viewer.account_id or 0,
        kind=_Kind.HELD,
        decided_at__isnull=not is_decided,
        message__conversation__in=visible,
    ).select_related(
        "decided_by",
        "message__conversation__contact",
        "message__conversation__inbox",
        "message__conversation__thread__address",
    )
    return rows.order_by("-decided_at" if is_decided else "due_at", "pk")
