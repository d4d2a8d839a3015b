"""Did somebody change at Twilio what we need, behind our back?

Once a day each Twilio account is looked at: numbers, services and WhatsApp senders. What is wrong
becomes a finding, which the account's partner and admins see; it is closed by itself when it is
right again. Looking twice finds the same.
"""

import logging
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Exists, F, OuterRef, Q
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import TwilioAccount, User
from accounts.secrets import SecretUnreadableError
from inbox.models import DriftFinding, Sender
from inbox.setup.assessing import (
    REPAIRABLE,
    Fault,
    Kind,
    Registration,
    faults_of,
    is_told_of,
    registration_of,
)
from inbox.setup.pointing import free_from_service, point_here
from inbox.setup.refusals import SetUpError
from inbox.setup.twilio import look_into
from inbox.twilio.errors import TwilioAwayError, TwilioRefusedError
from inbox.twilio.provisioning import Holdings, Provisioning

logger = logging.getLogger(__name__)

EVERY = timedelta(days=1)
# After this long without an answer of Twilio it is asked again.
AGAIN = timedelta(hours=1)
_Status = TwilioAccount.Status


def watch_next(*, now: datetime) -> bool:
    """Look at the Twilio account that was not looked at for longest, if its day is over.

    It is claimed by a conditional update: of two sweeps at once, one looks.
    """
    is_due = Q(checked_at=None) | Q(checked_at__lte=now - EVERY)
    in_use = Exists(Sender.objects.in_use().filter(twilio_account=OuterRef("pk")))
    due = TwilioAccount.objects.filter(is_due, in_use).exclude(status=_Status.CLOSED)
    account = due.order_by(F("checked_at").asc(nulls_first=True), "pk").first()
    if account is None:
        return False
    if TwilioAccount.objects.filter(is_due, pk=account.pk).update(checked_at=now - EVERY + AGAIN):
        look_at(account, now=now)
    return True


def look_at(account: TwilioAccount, *, now: datetime) -> bool:
    """Compare one Twilio account with what we need; False when Twilio gave no answer.

    What was found before stays as it is then. WhatsApp senders are asked about where we have any.
    """
    senders = list(Sender.objects.in_use().filter(twilio_account=account).order_by("pk"))
    has_whatsapp = any(one.kind == Sender.Kind.WHATSAPP for one in senders)
    try:
        asking, held = look_into(account, with_whatsapp=has_whatsapp)
    except (TwilioAwayError, SecretUnreadableError) as error:
        logger.warning("twilio account %s was not looked at: %s", account.pk, error.reason)
        return False
    except TwilioRefusedError as error:
        kind = Kind.CREDENTIALS if error.is_about_credentials else Kind.ACCOUNT_INACTIVE
        if error.code == "20005":
            kind = Kind.ACCOUNT_INACTIVE
        _write(account, [(None, Fault(kind, error.reason))], about=(), now=now)
        return True
    told = [sender for sender in senders if is_told_of(sender, held)]
    found: list[tuple[Sender | None, Fault]] = [
        (sender, fault) for sender in told for fault in faults_of(sender, held)
    ]
    if not held.account.is_active:
        found.append((None, Fault(Kind.ACCOUNT_INACTIVE, held.account.status)))
    _write(account, found, about={sender.pk for sender in told}, now=now)
    wrong = {sender.pk for sender, _fault in found if sender}
    right = [sender.pk for sender in told if sender.pk not in wrong]
    Sender.objects.filter(pk__in=right, pointed_at=None).update(pointed_at=now)
    _remember(account, told, held, asking, now=now)
    return True


def repair(*, finding: DriftFinding, by: User, now: datetime) -> None:
    """Put right at Twilio what a finding says, and look again.

    Raises SetUpError for what only a person can put right, TwilioRefusedError, TwilioAwayError.
    """
    sender = finding.sender
    if sender is None or finding.kind not in REPAIRABLE:
        raise SetUpError(_("This cannot be repaired from here: put it right at Twilio."))
    if finding.kind == Kind.SERVICE:
        free_from_service(sender=sender, by=by, now=now)
    point_here(sender=sender, by=by, now=now)
    look_at(sender.twilio_account, now=now)


def _write(
    account: TwilioAccount,
    found: Iterable[tuple[Sender | None, Fault]],
    *,
    about: Collection[int],
    now: datetime,
) -> None:
    """Open what is new, close what is right again. Of senders that are not in `about` nothing is
    known: what was found stays."""
    faults = {
        (sender.pk if sender else None, fault.kind): (sender, fault) for sender, fault in found
    }
    with transaction.atomic(durable=True):
        TwilioAccount.objects.select_for_update(no_key=True).only("pk").get(pk=account.pk)
        is_open = DriftFinding.objects.filter(twilio_account=account, resolved_at=None)
        known = {(one.sender_id, one.kind): one for one in is_open.select_related("sender")}
        for key, (sender, fault) in faults.items():
            if key not in known:
                _open(account, sender, fault, now=now)
            elif known[key].found != fault.found:
                is_open.filter(pk=known[key].pk).update(found=fault.found)
        for key, finding in known.items():
            if key not in faults and _is_over(finding, about):
                _close(finding, now=now)
        TwilioAccount.objects.filter(pk=account.pk).update(checked_at=now)


def _is_over(finding: DriftFinding, about: Collection[int]) -> bool:
    """Say whether what was not found again is right: it was looked at, or its number is gone."""
    sender = finding.sender
    return sender is None or sender.pk in about or sender.is_removed


def _open(account: TwilioAccount, sender: Sender | None, fault: Fault, *, now: datetime) -> None:
    try:
        with transaction.atomic():
            finding = DriftFinding.objects.create(
                account_id=account.account_id,
                twilio_account=account,
                sender=sender,
                kind=fault.kind,
                found=fault.found[:400],
                found_at=now,
            )
    except IntegrityError:
        return  # somebody else found it at the same time
    line: dict[str, Any] = {
        "action": "twilio_drifted",
        "subject": str(sender or account),
        "account_id": account.account_id,
        "now": now,
        "row": str(finding.pk),
    }
    # What was never right has not changed: it is still to be set up, and alarms nobody.
    if sender is None or sender.pointed_at:
        audit.alarm(**line, words=str(finding.get_kind_display()))
    else:
        audit.record(**line)


def _close(finding: DriftFinding, *, now: datetime) -> None:
    DriftFinding.objects.filter(pk=finding.pk).update(resolved_at=now)
    audit.record(
        action="twilio_drift_resolved",
        subject=str(finding),
        account_id=finding.account_id,
        now=now,
        row=str(finding.pk),
    )


def _remember(
    account: TwilioAccount,
    senders: Iterable[Sender],
    held: Holdings,
    asking: Provisioning,
    *,
    now: datetime,
) -> None:
    """Keep what the page of numbers shows, so that it needs no answer of Twilio."""
    status = held.account.status if held.account.status in _Status.values else _Status.ACTIVE
    TwilioAccount.objects.filter(pk=account.pk).update(status=status)
    for sender in senders:
        fresh: dict[str, Any] = {"checked_at": now}
        if number := held.number(sender.address):
            fresh |= {
                "provider_sid": number.sid,
                "capabilities": sorted(number.capabilities),
                "registration": _registration(sender, held, asking),
            }
        elif whatsapp := held.whatsapp_sender(sender.address):
            fresh["provider_sid"] = whatsapp.sid
        Sender.objects.filter(pk=sender.pk).update(**fresh)


def _registration(sender: Sender, held: Holdings, asking: Provisioning) -> str:
    number = held.number(sender.address)
    assert number is not None
    try:
        return registration_of(number, held, asking)
    except (TwilioAwayError, TwilioRefusedError):
        # A key may not be allowed to read registrations: that is no fault of the number.
        return sender.registration or Registration.UNKNOWN
