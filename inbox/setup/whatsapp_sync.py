"""What does Twilio say of an account's WhatsApp now? Ask, keep it, and tell who must know.

Everything is asked before anything is written: half an answer changes nothing.
"""

import logging
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from accounts.access import feature_is_on
from accounts.audit import alarm, record
from accounts.english import noop
from accounts.models import Account, Feature, FeatureGrant, TwilioAccount, User, in_force
from accounts.secrets import SecretUnreadableError
from inbox.models import WhatsAppState, WhatsAppSync, WhatsAppTemplate
from inbox.twilio.errors import TwilioAwayError, TwilioRefusedError
from inbox.twilio.whatsapp import RemoteTemplate, RemoteWhatsAppSender, WhatsAppCatalogue

logger = logging.getLogger(__name__)

DUE_AFTER = timedelta(hours=1)
MOST_TOLD = 50
_Template, _State = WhatsAppTemplate.Status, WhatsAppState.Status
# What stops working when WhatsApp takes its approval back.
LOST = frozenset({_Template.REJECTED, _Template.PAUSED, _Template.DISABLED})
_STATES = {
    "ONLINE": _State.ONLINE,
    "ONLINE:UPDATING": _State.ONLINE,
    "CREATING": _State.PENDING,
    "DRAFT": _State.PENDING,
    "PENDING_VERIFICATION": _State.PENDING,
    "STUBBED": _State.PENDING,
    "TWILIO_REVIEW": _State.PENDING,
    "VERIFYING": _State.PENDING,
    "OFFLINE": _State.OFFLINE,
}


class WhatsAppOffError(Exception):
    """WhatsApp is not switched on for the account, so nobody is asked."""

    reason = noop("WhatsApp is not switched on for this account.")


def sync_whatsapp(
    *, twilio_account: TwilioAccount, now: datetime, by: User | None = None
) -> dict[str, Any]:
    """Ask Twilio about senders and templates, keep the answer, and return what changed.

    What is no longer there stays and is marked as gone. Raises WhatsAppOffError without the grant,
    TwilioRefusedError, TwilioAwayError or SecretUnreadableError if there is no answer; then only
    the problem is kept.
    """
    if not feature_is_on(twilio_account.account_id, Feature.WHATSAPP, now=now):
        raise WhatsAppOffError
    try:
        templates, senders = _asked(twilio_account)
    except (TwilioRefusedError, TwilioAwayError, SecretUnreadableError) as error:
        _keep_problem(twilio_account, error.reason, now=now)
        raise
    return _keep(twilio_account, templates, senders, now=now, by=by)


def sync_next_due(*, now: datetime) -> bool:
    """Ask about the Twilio account that was asked longest ago, if one is due; say whether one was.

    Only accounts for which WhatsApp is switched on are asked about.
    """
    twilio_account = _take_due(now)
    if twilio_account is None:
        return False
    try:
        sync_whatsapp(twilio_account=twilio_account, now=now)
    except (TwilioRefusedError, TwilioAwayError, SecretUnreadableError, WhatsAppOffError) as error:
        logger.warning("whatsapp of %s not asked about: %s", twilio_account.pk, error.reason)
    return True


def _take_due(now: datetime) -> TwilioAccount | None:
    """Take one, so that nobody else asks about it at the same time."""
    while True:
        with transaction.atomic(durable=True):
            row = _lock_due(now)
            if row is None:
                return None
            # Somebody may have asked between our look and our lock.
            lately = WhatsAppSync.objects.filter(asked_at__gt=now - DUE_AFTER)
            if not lately.filter(twilio_account=row).exists():
                WhatsAppSync.objects.update_or_create(
                    twilio_account=row, defaults={"asked_at": now}
                )
                return row


def _lock_due(now: datetime) -> TwilioAccount | None:
    is_on = FeatureGrant.objects.filter(
        in_force(now), feature=Feature.WHATSAPP, account=OuterRef("account")
    )
    is_due = Q(whatsapp_sync=None) | Q(whatsapp_sync__asked_at__lte=now - DUE_AFTER)
    return (
        TwilioAccount.objects.filter(is_due, Exists(is_on), account__status=Account.Status.ACTIVE)
        .exclude(status=TwilioAccount.Status.CLOSED)
        .order_by("whatsapp_sync__asked_at", "pk")
        .select_for_update(of=("self",), no_key=True, skip_locked=True)
        .first()
    )


def _asked(account: TwilioAccount) -> tuple[list[RemoteTemplate], list[RemoteWhatsAppSender]]:
    """Return templates and senders. While tokens are rotated the next one may count already."""
    try:
        catalogue = _catalogue_of(account, account.auth_token)
        return catalogue.templates(), catalogue.senders()
    except TwilioRefusedError as error:
        if not (error.is_about_credentials and account.auth_token_next):
            raise
    catalogue = _catalogue_of(account, account.auth_token_next)
    return catalogue.templates(), catalogue.senders()


def _catalogue_of(account: TwilioAccount, token: str) -> WhatsAppCatalogue:
    return WhatsAppCatalogue(
        account_sid=account.account_sid,
        auth_token=token,
        api_key_sid=account.api_key_sid,
        api_key_secret=account.api_key_secret,
        api_base=settings.TWILIO_API_BASE,
        timeout=settings.TWILIO_TIMEOUT_SECONDS,
    )


def _keep_problem(twilio_account: TwilioAccount, words: str, *, now: datetime) -> None:
    WhatsAppSync.objects.update_or_create(
        twilio_account=twilio_account, defaults={"asked_at": now, "problem": words[:300]}
    )


def _keep(
    twilio_account: TwilioAccount,
    templates: Iterable[RemoteTemplate],
    senders: Iterable[RemoteWhatsAppSender],
    *,
    now: datetime,
    by: User | None,
) -> dict[str, Any]:
    with transaction.atomic(durable=True):
        WhatsAppSync.objects.get_or_create(
            twilio_account=twilio_account, defaults={"asked_at": now}
        )
        sync = WhatsAppSync.objects.select_for_update().get(twilio_account=twilio_account)
        if sync.answered_at and sync.answered_at >= now:
            # Somebody asked after us and was answered before us.
            return {}
        changed = {
            **_keep_templates(twilio_account, list(templates), now=now),
            **_keep_senders(twilio_account, list(senders), now=now),
        }
        sync.asked_at, sync.answered_at, sync.problem = now, now, ""
        sync.save()
        if changed or by:
            record(
                action="whatsapp_synced",
                subject=str(twilio_account),
                now=now,
                actor=by,
                account_id=twilio_account.account_id,
                changes=dict(list(changed.items())[:MOST_TOLD]),
                changed=len(changed),
            )
    return changed


def _keep_templates(
    twilio_account: TwilioAccount, found: list[RemoteTemplate], *, now: datetime
) -> dict[str, Any]:
    mine = WhatsAppTemplate.objects.filter(twilio_account=twilio_account)
    before = {row.content_sid: row for row in mine}
    rows = {one.sid: _template_row(twilio_account, one, now) for one in found}
    WhatsAppTemplate.objects.bulk_create(
        rows.values(),
        batch_size=500,
        update_conflicts=True,
        unique_fields=["twilio_account", "content_sid"],
        update_fields=[
            "name", "language", "category", "content_type", "body", "variables", "status",
            "provider_status", "rejection_reason", "synced_at", "gone_at",
        ],
    )  # fmt: skip
    gone = [sid for sid, row in before.items() if sid not in rows and row.gone_at is None]
    mine.filter(content_sid__in=gone).update(gone_at=now)
    changed = _changes(before, rows, gone)
    for sid, row in rows.items():
        was = before.get(sid)
        if was and was.status == _Template.APPROVED and row.status in LOST:
            _alarm_template(row, now=now)
    return changed


def _keep_senders(
    twilio_account: TwilioAccount, found: list[RemoteWhatsAppSender], *, now: datetime
) -> dict[str, Any]:
    mine = WhatsAppState.objects.filter(twilio_account=twilio_account)
    before = {row.address: row for row in mine}
    rows = {one.address: _state_row(twilio_account, one, now) for one in found}
    WhatsAppState.objects.bulk_create(
        rows.values(),
        batch_size=500,
        update_conflicts=True,
        unique_fields=["twilio_account", "address"],
        update_fields=[
            "provider_sid", "name", "status", "provider_status", "quality", "messaging_limit",
            "reasons", "synced_at", "gone_at",
        ],
    )  # fmt: skip
    gone = [address for address, row in before.items() if address not in rows and not row.gone_at]
    mine.filter(address__in=gone).update(gone_at=now)
    for address, row in rows.items():
        was = before.get(address)
        if was and was.status == _State.ONLINE and row.status == _State.OFFLINE:
            _alarm_sender(row, now=now)
    return _changes(before, rows, gone)


def _changes(
    before: Mapping[str, Any], rows: Mapping[str, Any], gone: Iterable[str]
) -> dict[str, Any]:
    """Tell whose state is another than before: {"order_update (en)": {"before", "after"}}."""
    changed: dict[str, Any] = {}
    for key, row in rows.items():
        was = before.get(key)
        old = None if was is None else "gone" if was.gone_at else was.provider_status
        if old != row.provider_status:
            changed[str(row)] = {"before": old, "after": row.provider_status}
    for key in gone:
        changed[str(before[key])] = {"before": before[key].provider_status, "after": "gone"}
    return changed


def _template_row(
    twilio_account: TwilioAccount, one: RemoteTemplate, now: datetime
) -> WhatsAppTemplate:
    known = one.status in _Template.values
    return WhatsAppTemplate(
        account_id=twilio_account.account_id,
        twilio_account=twilio_account,
        content_sid=one.sid,
        name=one.name[:512],
        language=one.language[:20],
        category=one.category[:40],
        content_type=one.content_type[:60],
        body=one.body.replace("\0", ""),
        variables=dict(one.variables),
        status=one.status if known else _Template.OTHER,
        provider_status=one.status[:40],
        rejection_reason=one.rejection_reason[:500],
        synced_at=now,
        gone_at=None,
    )


def _state_row(
    twilio_account: TwilioAccount, one: RemoteWhatsAppSender, now: datetime
) -> WhatsAppState:
    quality = one.quality.lower()
    return WhatsAppState(
        account_id=twilio_account.account_id,
        twilio_account=twilio_account,
        address=one.address[:120],
        provider_sid=one.sid[:64],
        name=one.name[:200],
        status=_STATES.get(one.status, _State.OTHER),
        provider_status=one.status[:40],
        quality=quality if quality in WhatsAppState.Quality.values else "unknown",
        messaging_limit=one.messaging_limit[:60],
        reasons=[reason[:300] for reason in one.offline_reasons][:10],
        synced_at=now,
        gone_at=None,
    )


def _alarm_template(row: WhatsAppTemplate, *, now: datetime) -> None:
    why = f" Reason: {row.rejection_reason}." if row.rejection_reason else ""
    alarm(
        action="whatsapp_template_lost",
        subject=str(row),
        words=noop("WhatsApp took back its approval: it is %(provider_status)s now.%(why)s")
        % {"provider_status": row.provider_status, "why": why},
        now=now,
        account_id=row.account_id,
        content_sid=row.content_sid,
    )


def _alarm_sender(row: WhatsAppState, *, now: datetime) -> None:
    why = f" Reason: {'; '.join(row.reasons)}." if row.reasons else ""
    alarm(
        action="whatsapp_sender_offline",
        subject=row.address,
        words=noop("This WhatsApp sender went offline: nothing goes out from it.%(why)s")
        % {"why": why},
        now=now,
        account_id=row.account_id,
    )
