"""Who did what? Add one line to the audit log.

A change is told with what was before and what is now. What is secret is only ever told as set,
changed or removed: `changes` knows a secret by its field.
"""

import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from django.db.models import Field, ForeignKey, Model

from accounts.circumstances import circumstances
from accounts.models import AuditEntry, User
from accounts.secrets import SecretUnreadableError, is_secret

NOT_SET, SET, ANOTHER, NOT_READ = "not set", "set", "another one", "not read"
UNREADABLE = "set, but no key opens it"
LONGEST_TEXT = 500
_salt = os.urandom(16)


def record(
    *,
    action: str,
    subject: str,
    now: datetime,
    actor: User | None = None,
    account_id: int | None = None,
    is_alarm: bool = False,
    nobody: str = "system",
    **data: Any,
) -> AuditEntry:
    """Write one audit line in the caller's transaction. `data` must be fit for JSON.

    `nobody` is who did it where there is no `actor`.

    A change of configuration says `changes=changes(before, after)`. From where it was done, in
    which session and on whose behalf is added here.
    """
    entry = _entry(action, subject, now, actor, data)
    entry.account_id, entry.is_alarm = account_id, is_alarm
    entry.actor_label = entry.actor_label or nobody
    entry.save(force_insert=True)
    return entry


def record_for_each(
    *,
    action: str,
    subject: str,
    now: datetime,
    actor: User,
    rows: Mapping[int, int],
    **data: Any,
) -> None:
    """Write one line for each account of whose rows somebody saw some, or took some away.

    `rows` says how many those were, by account. One statement, however many accounts.
    """
    entries = []
    for account_id, number in rows.items():
        entry = _entry(action, subject, now, actor, {**data, "rows": number})
        entry.account_id = account_id
        entries.append(entry)
    AuditEntry.objects.bulk_create(entries)


def _entry(
    action: str, subject: str, now: datetime, actor: User | None, data: dict[str, Any]
) -> AuditEntry:
    how = circumstances()
    return AuditEntry(
        actor=actor,
        actor_label=str(actor)[:120] if actor else "",
        action=action,
        subject=subject[:200],
        data=data,
        at=now,
        request_id=how.request_id,
        network=how.network,
        session=how.session,
        on_behalf_of=how.on_behalf_of,
    )


def alarm(
    *, action: str, subject: str, words: str, now: datetime, account_id: int | None, **data: Any
) -> AuditEntry:
    """Write that something happened by itself which the account's partner must know, in words.

    Without an account it is about the whole installation, and for the platform's staff.
    """
    return record(
        action=action,
        subject=subject,
        now=now,
        account_id=account_id,
        is_alarm=True,
        words=words,
        **data,
    )


def record_row(
    action: str,
    row: Model,
    shows: Iterable[str],
    *,
    by: User,
    now: datetime,
    account_id: int | None,
    **data: Any,
) -> AuditEntry:
    """Write that somebody changed a row, with what the fields that `shows` names say now."""
    told = {name: getattr(row, name) for name in shows}
    return record(
        action=action,
        subject=str(row),
        now=now,
        actor=by,
        account_id=account_id,
        row=str(row.pk),
        values={name: None if value is None else str(value) for name, value in told.items()},
        **data,
    )


def record_export(
    *, what: str, by: User, now: datetime, account_id: int | None, **filters: Any
) -> AuditEntry:
    """Write that somebody takes a table out of the house: which one, and what it was limited to."""
    return record(
        action=f"{what}_exported",
        subject=what.replace("_", " "),
        now=now,
        actor=by,
        account_id=account_id,
        filters={name: str(value) for name, value in filters.items() if value not in (None, "")},
    )


# --- What changed --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Told:
    """One value of a row: what is written down of it, and what tells it from another value."""

    shown: Any
    mark: Any
    is_secret: bool = False


Snapshot = Mapping[str, Told]


def snapshot(row: Model | None, only: Iterable[str] | None = None) -> Snapshot:
    """Keep what a row says before it is changed; nothing secret stays in it.

    `only` names fields. Fields that were not read (deferred) are left out, and None is a row that
    does not exist yet.
    """
    if row is None:
        return {}
    wanted = set(only) if only is not None else None
    unread = row.get_deferred_fields()
    return {
        field.name: _told(field, row)
        for field in row._meta.concrete_fields
        if field.attname not in unread and (wanted is None or field.name in wanted)
    }


def changes(before: Model | Snapshot | None, after: Model | Snapshot | None) -> dict[str, Any]:
    """Tell field by field what was before and what is now: {"name": {"before": …, "after": …}}.

    Either side is a row, a `snapshot` of one, or None where there was or is none. A field of type
    `EncryptedTextField`, and one whose name says that it is secret, is masked.
    """
    old, new = _snapshot(before), _snapshot(after)
    if before is not None:
        # Pages do not even read a secret: one that is there now was written.
        written = [name for name, told in new.items() if told.is_secret and name not in old]
        old = {**old, **{name: Told(NOT_READ, NOT_READ) for name in written}}
    names = [name for name in {**old, **new} if _both_told(name, old, new, before, after)]
    return {
        name: _pair(old.get(name), new.get(name))
        for name in names
        if _mark(old.get(name)) != _mark(new.get(name))
    }


def _snapshot(side: Model | Snapshot | None) -> Snapshot:
    return snapshot(side) if isinstance(side, Model) or side is None else side


def _both_told(name: str, old: Snapshot, new: Snapshot, before: Any, after: Any) -> bool:
    """Say whether both sides know the field, or one side does not exist at all."""
    return (name in old or before is None) and (name in new or after is None)


def _pair(old: Told | None, new: Told | None) -> dict[str, Any]:
    was, now = (old.shown if old else None), (new.shown if new else None)
    is_another = was == now == SET
    return {"before": was, "after": ANOTHER if is_another else now}


def _mark(told: Told | None) -> Any:
    return told.mark if told else None


def _told(field: "Field[Any, Any]", row: Model) -> Told:
    if is_secret(field):
        return _told_of_secret(field, row)
    value = getattr(row, field.attname)
    if isinstance(field, ForeignKey) and field.is_cached(row) and value is not None:
        return Told(f"{getattr(row, field.name)} ({value})"[:LONGEST_TEXT], value)
    shown = _fit(value)
    return Told(shown, shown)


def _told_of_secret(field: "Field[Any, Any]", row: Model) -> Told:
    try:
        value = getattr(row, field.attname)
    except SecretUnreadableError:
        return Told(UNREADABLE, UNREADABLE, is_secret=True)
    return Told(SET if value else NOT_SET, _seal(value) if value else None, is_secret=True)


def _seal(secret: Any) -> str:
    """Return what tells two secrets apart and gives neither away."""
    return hashlib.blake2b(str(secret).encode(), key=_salt).hexdigest()


def _fit(value: Any) -> Any:
    """Return a value as JSON can say it."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): _fit(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_fit(one) for one in value]
    if isinstance(value, bytes | memoryview):
        return f"{len(value)} bytes"
    return str(value)[:LONGEST_TEXT]
