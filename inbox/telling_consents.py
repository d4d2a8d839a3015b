"""How does a program tell once that somebody opted in or out, however often it sends it?

What is recorded, what is noted and what is answered are one transaction: under the same key the
same request gets its first answer again, also if the first one was cut off.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.crypto import salted_hmac

from accounts import audit
from accounts.models import Account, User
from compliance.addresses import Address, masked
from compliance.evidence import EventKind, Evidence
from inbox.models import Sender, ToldConsent
from inbox.opting_in import OptedIn, record_opt_in
from inbox.opting_out import record_opt_out

KEPT = timedelta(days=30)


class OtherRequestError(Exception):
    """A key came again with something else."""

    code = "OTHER_REQUEST"
    reason = "This Idempotency-Key was used for another request."


@dataclass(frozen=True)
class Answered:
    """What a program is told: the status as in HTTP, and the body."""

    status: int
    body: Mapping[str, Any]


@dataclass(frozen=True)
class Request:
    """What came: `said` is the whole body, `key` the key of the program or blank."""

    key: str
    said: Mapping[str, Any]


def tell_consent(
    *,
    account: Account,
    by: User,
    address: Address,
    evidence: Evidence,
    sender: Sender | None,
    request: Request,
    now: datetime,
) -> Answered:
    """Record what a program tells of somebody's consent, once for each key.

    Of two at the same time the later one waits, and gets the first one's answer. What is refused is
    not kept: it is judged anew. Raises OtherRequestError, and what `opt_in` raises.
    """
    with transaction.atomic(durable=True):
        kept = _kept(account, request, now=now) if request.key else None
        if kept and kept.status:
            return Answered(kept.status, kept.answer)
        deed: dict[str, Any] = {"address": address, "evidence": evidence, "by": by, "now": now}
        if evidence.kind is EventKind.OPT_OUT:
            answered = _out(record_opt_out(account_id=account.pk, **deed))
        else:
            answered = _in(record_opt_in(account=account, sender=sender, **deed))
        _note(account, by, address, evidence, now=now)
        if kept:
            kept.status, kept.answer = answered.status, dict(answered.body)
            kept.save(update_fields=["status", "answer"])
    return answered


def forget_told(*, now: datetime) -> None:
    """Forget the answers that are older than they are kept."""
    ToldConsent.objects.filter(told_at__lte=now - KEPT).delete()


def _kept(account: Account, request: Request, *, now: datetime) -> ToldConsent:
    """Return the row of a key: that of the first request, or a new one that nobody else has."""
    text = json.dumps(request.said, sort_keys=True, default=str)
    said = salted_hmac(f"consents told to {account.pk}", text, algorithm="sha256").hexdigest()
    given = {"said": said, "told_at": now}
    row, _is_new = ToldConsent.objects.get_or_create(
        account=account, key=request.key, defaults=given
    )
    if row.said != said:
        raise OtherRequestError
    return row


def _out(is_new: bool) -> Answered:
    return Answered(201 if is_new else 200, {"recorded": is_new, "state": "opted_out"})


def _in(done: OptedIn) -> Answered:
    recorded, message = done.recorded, done.question.message if done.question else None
    body = {
        "recorded": True,
        "event": recorded.event.seq,
        "state": recorded.state.value,
        "superseded": recorded.superseded,
        "asks": done.is_asked,
        "until": done.until.isoformat() if done.until else None,
        "message": message.public_id if message else None,
        "not_before": message.not_before.isoformat() if message and message.not_before else None,
        "why_not_asked": done.why_not_asked,
        "waits_for_approval": done.approval is not None,
    }
    if done.approval:
        return Answered(202, body)
    return Answered(200 if recorded.superseded else 201, body)


def _note(
    account: Account, by: User, address: Address, evidence: Evidence, *, now: datetime
) -> None:
    audit.record(
        action="consent_told",
        subject=f"consent of {masked(address.consent_key)}",
        actor=by,
        account_id=account.pk,
        now=now,
        kind=evidence.kind.value,
        source=evidence.source.value,
        programme=evidence.programme,
    )
