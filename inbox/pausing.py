"""When does a number of ours stop sending, who learns of it, and how does it go on?

A fault in how a number or its Twilio account is set up would fail every message alike. So the
sender is paused: what is queued waits, nothing is failed, and a person who can put it right is
told. What only one recipient causes never pauses anybody.
"""

import logging
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from accounts import audit
from accounts.models import TwilioAccount, User
from inbox.carrier import ErrorKind
from inbox.models import Message, Sender
from inbox.nudges import nudge_on_commit
from inbox.twilio.errors import WRONG_CREDENTIALS, meaning_of

logger = logging.getLogger(__name__)

_PAUSE = ("is_paused", "paused_at", "paused_reason")
PAUSING = frozenset({ErrorKind.CONFIGURATION, ErrorKind.ACCOUNT})


def heed_configuration(
    sender: Sender, kind: ErrorKind, *, code: str, words: str, now: datetime
) -> None:
    """Do what a carrier's refusal asks for beyond the message it refused.

    Call it before the message is locked: senders come first. Runs in the caller's transaction.
    """
    if kind is ErrorKind.CONFIGURATION:
        _pause(Q(pk=sender.pk), code=code, words=words, now=now)
    elif kind is ErrorKind.ACCOUNT:
        _pause(Q(twilio_account=sender.twilio_account_id), code=code, words=words, now=now)
    elif kind is ErrorKind.DESTINATION:
        # One country, or one number of a trial account: everybody else can be written to.
        _raise_alarm("sender_refused", sender, code=code, words=words, now=now)


def _raise_alarm(action: str, sender: Sender, *, code: str, words: str, now: datetime) -> None:
    audit.alarm(
        action=action,
        subject=sender.address,
        words=words,
        account_id=sender.account_id,
        now=now,
        row=str(sender.pk),
        error_code=code,
    )


def _pause(which: Q, *, code: str, words: str, now: datetime) -> None:
    sending = Sender.objects.select_for_update(no_key=True).filter(which, is_paused=False)
    for sender in sending.order_by("pk"):
        sender.is_paused, sender.paused_at, sender.paused_reason = True, now, words[:200]
        sender.save(update_fields=["is_paused", "paused_at", "paused_reason"])
        logger.error("sender %s is paused: Twilio's error %s", sender.pk, code)
        _raise_alarm("sender_paused", sender, code=code, words=words, now=now)


def resume_sender(*, sender: Sender, by: User, now: datetime) -> None:
    """Let a paused sender send again; what waits goes out. One that sends already goes on."""
    with transaction.atomic(durable=True):
        row = Sender.objects.select_for_update(no_key=True).get(pk=sender.pk)
        if row.is_paused:
            _resume(row, by=by, now=now)


def resume_accepted(*, account: TwilioAccount, by: User, now: datetime) -> None:
    """Let the numbers of a Twilio account go on that it stopped for credentials that it accepts
    now. Runs in the caller's transaction."""
    words = meaning_of(WRONG_CREDENTIALS).words[:200]
    stopped = Sender.objects.select_for_update(no_key=True).in_use()
    for row in stopped.filter(twilio_account=account, is_paused=True, paused_reason=words).order_by(
        "pk"
    ):
        _resume(row, by=by, now=now)


def _resume(sender: Sender, *, by: User, now: datetime) -> None:
    before = audit.snapshot(sender, _PAUSE)
    sender.is_paused, sender.paused_at, sender.paused_reason = False, None, ""
    sender.save(update_fields=_PAUSE)
    wake_waiting(sender, now=now)
    audit.record(
        action="sender_resumed",
        subject=sender.address,
        actor=by,
        account_id=sender.account_id,
        now=now,
        row=str(sender.pk),
        changes=audit.changes(before, audit.snapshot(sender, _PAUSE)),
    )


def wake_waiting(sender: Sender, *, now: datetime) -> None:
    """Let what waits at a sender be due, with a fresh hour before anybody gives up on it."""
    waiting = Message.objects.filter(thread__sender=sender, status=Message.Status.QUEUED)
    waiting.update(nudge_at=now, trying_since=None)
    nudge_on_commit("sweep_queued")
