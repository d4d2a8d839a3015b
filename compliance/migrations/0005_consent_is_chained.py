"""What was recorded before there was a chain gets its place in one.

The form of an event is that of docs/consent.md, format 1; it stands here once more because a
migration must do tomorrow what it does today.
"""

import hashlib
import hmac
import json
import secrets
from datetime import UTC
from functools import partial

from cryptography.fernet import Fernet
from django.db import migrations

GENESIS = "0" * 64
BATCH = 500
PERSONAL = (
    "address",
    "words",
    "said",
    "reason",
    "wording_text",
    "page_url",
    "ip",
    "user_agent",
    "note",
)
SAME = (
    "seq",
    "handle",
    "previous",
    "family",
    "programme",
    "kind",
    "source",
    "state",
    "basis",
    "quality",
    "expires_at",
    "message_sid",
    "rule_version",
    "wording_id",
    "wording_version",
    "wording_language",
    "wording_sha256",
    "file_sha256",
    "jurisdiction",
    "pack_version",
    "supersedes",
    "occurred_at",
    "recorded_at",
)
LOOSE = (
    "ALTER TABLE compliance_consentevent"
    " DISABLE TRIGGER pgtrigger_consent_is_append_only_01a91"
)
# What is owed at the end of the transaction would keep the table from being altered.
FIRM = (
    "SET CONSTRAINTS ALL IMMEDIATE;"
    " ALTER TABLE compliance_consentevent"
    " ENABLE ALWAYS TRIGGER pgtrigger_consent_is_append_only_01a91"
)


def chain_all(apps, schema_editor):
    events = apps.get_model("compliance", "ConsentEvent")
    accounts = events.objects.order_by().values_list("account_id", flat=True).distinct()
    schema_editor.execute(LOOSE)
    for account_id in sorted(accounts):
        _chain(apps, account_id)
    schema_editor.execute(FIRM)
    for row in apps.get_model("compliance", "Consent").objects.order_by("pk").iterator(BATCH):
        _project(apps, row)


def _chain(apps, account_id):
    get = partial(apps.get_model, "compliance")
    details = get("ConsentDetails")
    events = get("ConsentEvent").objects.filter(account_id=account_id).order_by("pk")
    chain = get("ConsentChain")(
        account_id=account_id, pepper=secrets.token_hex(32), begun_at=events.first().recorded_at
    )
    keys, last, batch = {}, {}, []
    for event in events.iterator(BATCH):
        known = _handle(chain.pepper, event.address)
        if known not in keys:
            keys[known] = get("ConsentKey").objects.create(
                account_id=account_id,
                handle=known,
                key=Fernet.generate_key().decode(),
                made_at=event.recorded_at,
            )
        event.seq, event.prev_hash = chain.seq + 1, chain.head_hash
        event.handle, event.previous = known, last.get(known)
        batch.append(_sealed(details, event, keys[known]))
        event.hash = hashlib.sha256(_canonical(_body(event))).hexdigest()
        event.save()
        chain.seq, chain.head_hash, last[known] = event.seq, event.hash, event.seq
        if len(batch) >= BATCH:
            details.objects.bulk_create(batch)
            batch = []
    details.objects.bulk_create(batch)
    chain.save()


def _sealed(details, event, key):
    salt = secrets.token_hex(32)
    personal = dict.fromkeys(PERSONAL, "") | {"address": event.address, "words": event.words}
    committed = hashlib.sha256(salt.encode() + _canonical(personal)).hexdigest()
    event.details_hash = committed
    plain = json.dumps({"salt": salt, **personal}, sort_keys=True)
    sealed = Fernet(key.key).encrypt(plain.encode()).decode()
    return details(account_id=event.account_id, event=event, key=key, sealed=sealed)


def _body(event):
    return {
        **{name: getattr(event, name) for name in SAME},
        "format": 1,
        "account": event.account_id,
        "recorded_by": event.recorded_by_id,
        "details": event.details_hash,
        "prev": event.prev_hash,
    }


def _canonical(body):
    written = {
        key: value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        if hasattr(value, "astimezone")
        else value
        for key, value in body.items()
    }
    return json.dumps(written, sort_keys=True, separators=(",", ":")).encode()


def _handle(pepper, address):
    return hmac.new(pepper.encode(), address.encode(), hashlib.sha256).hexdigest()


def _project(apps, row):
    """Give a consent what replaying its events gives, but never another state than it had."""
    chain = apps.get_model("compliance", "ConsentChain").objects.filter(account=row.account_id)
    events = _events(apps, chain.first(), row)
    row.ground = row.state_before_opt_out if row.state == "opted_out" else row.state
    row.opted_out_at, row.decided_by = _replayed(events)
    if row.state != "opted_out":
        row.opted_out_at = None
    elif row.opted_out_at is None:
        row.opted_out_at = row.since
    if row.ground == "conversational":
        row.wrote_at = min([row.since, *(event.occurred_at for event in events)])
    row.last_event = max((event.seq for event in events), default=None)
    times = [event.occurred_at for event in events] + [row.wrote_at] * bool(row.wrote_at)
    row.last_at = max(times, default=None)
    row.save()


def _events(apps, chain, row):
    if chain is None:
        return []
    known = _handle(chain.pepper, row.address)
    mine = apps.get_model("compliance", "ConsentEvent").objects.filter(
        account=row.account_id, handle=known
    )
    return sorted(
        mine, key=lambda event: (event.occurred_at, event.kind in OPT_OUTS, event.seq)
    )


OPT_OUTS = ("opt_out", "carrier_block")


def _replayed(events):
    """Return since when they are out, if they are, and the event that decided."""
    out_at = decided_by = None
    for event in events:
        if event.kind in OPT_OUTS and out_at is None:
            out_at, decided_by = event.occurred_at, event.seq
        elif event.kind == "opt_in" and out_at is not None:
            out_at, decided_by = None, event.seq
    return out_at, decided_by


class CannotGoBackError(Exception):
    """People were erased; only this version remembers that they opted out."""


def unchain_all(apps, schema_editor):
    get = partial(apps.get_model, "compliance")
    if get("Suppression").objects.exists():
        raise CannotGoBackError(
            "People were erased who had opted out. The version before keeps opt-outs by number, "
            "which it could not do for them: they would be written to again."
        )
    schema_editor.execute(LOOSE)
    for event in get("ConsentEvent").objects.order_by("pk").iterator(BATCH):
        details = get("ConsentDetails").objects.filter(event=event).select_related("key").first()
        if details and details.key.key:
            plain = json.loads(Fernet(details.key.key).decrypt(details.sealed.encode()))
            event.address, event.words = plain["address"], plain["words"]
        else:
            event.address = f"erased:{event.handle}"
        event.source = event.source[:16]
        event.seq = event.handle = event.hash = event.prev_hash = event.details_hash = None
        event.save()
    schema_editor.execute(FIRM)
    for row in get("Consent").objects.order_by("pk").iterator(BATCH):
        if row.state == "opted_out":
            row.state_before_opt_out = row.ground
        elif row.state == "held":  # the version before knows no hold: better silent
            row.state, row.state_before_opt_out = "opted_out", row.ground
        elif row.state in ("pending", "expired"):
            row.state = "conversational"
        row.save()
    get("ConsentDetails").objects.all().delete()


class Migration(migrations.Migration):
    """What was recorded before there was a chain gets its place in one."""

    dependencies = [
        ("compliance", "0004_consent_evidence"),
    ]

    operations = [
        migrations.RunPython(chain_all, unchain_all),
    ]
