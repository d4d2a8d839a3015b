"""How does an inbox behave? What an admin may change of it, and what when two change it at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Field
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import User
from inbox.closing import older_than_setting
from inbox.models import TeamInbox

CARDS: Mapping[str, tuple[str, ...]] = {
    "look": ("name", "colour", "time_zone", "language"),
    "claiming": (
        *("claim_rule", "after_claim", "closed_visibility", "most_open"),
        *("may_start_conversations", "is_transfer_note_required"),
    ),
    "waiting": ("target_minutes",),
    "ending": (*("is_close_reason_required", "reopen_hours", "reopen_owner", "auto_close_hours"),),
    "goodbye": ("goodbye",),
    "greeting": ("bot_name",),
    "supervisors": ("supervisors_may_set_up",),
}
# What supervisors may change where the inbox allows it.
FOR_SUPERVISORS = ("greeting",)


@dataclass(frozen=True)
class Difference:
    """One setting that somebody else changed meanwhile."""

    label: str
    value: str


class ChangedMeanwhileError(Exception):
    """Somebody else saved these settings after the page was opened; `differences` say what."""

    def __init__(self, version: int, differences: tuple[Difference, ...]) -> None:
        super().__init__(version)
        self.version, self.differences = version, differences


def change_inbox(
    *,
    inbox: TeamInbox,
    card: str,
    values: Mapping[str, Any],
    seen: Mapping[str, Any],
    version: int,
    by: User,
    now: datetime,
) -> TeamInbox:
    """Change the settings of one card.

    `version` is the one the page was made from, `seen` what it showed. Raises
    ChangedMeanwhileError when another admin changed something of this card since; what they changed
    elsewhere is in nobody's way.
    """
    names = CARDS[card]
    with transaction.atomic(durable=True):
        row = TeamInbox.objects.select_for_update(no_key=True).get(pk=inbox.pk)
        before = {name: getattr(row, name) for name in names}
        was = audit.snapshot(row, names)
        if row.settings_version != version:
            _refuse_changed(row, before, seen)
        changed = {name: values[name] for name in names if values[name] != before[name]}
        if not changed:
            return row
        for name, value in changed.items():
            setattr(row, name, value)
        if "auto_close_hours" in changed:
            # Only what is opened from now on: nothing that is open closes by surprise.
            row.auto_close_since = now if row.auto_close_hours else None
        row.settings_version += 1
        row.save()
        audit.record(
            action="inbox_changed",
            subject=row.name,
            actor=by,
            account_id=row.account_id,
            now=now,
            row=str(row.pk),
            changes=audit.changes(was, audit.snapshot(row, names)),
        )
    return row


def close_older_too(*, inbox: TeamInbox, by: User, now: datetime) -> TeamInbox:
    """Let an inbox that closes by itself close what began before that was switched on, too.

    Nothing changes where it does not close by itself, or does so already.
    """
    with transaction.atomic(durable=True):
        row = TeamInbox.objects.select_for_update(no_key=True).get(pk=inbox.pk)
        older = older_than_setting(row, now=now)
        if not older.number or row.auto_close_since is None:
            return row
        first = row.conversations.live().order_by("opened_at").first()
        row.auto_close_since = min(first.opened_at if first else now, row.auto_close_since)
        row.settings_version += 1
        row.save(update_fields=["auto_close_since", "settings_version"])
        audit.record(
            action="inbox_closes_older_too",
            subject=row.name,
            actor=by,
            account_id=row.account_id,
            now=now,
            row=str(row.pk),
            number=older.number,
            due=older.due,
        )
    return row


def shown(row: TeamInbox, name: str) -> str:
    """Return a setting as a page says it."""
    display, value = getattr(row, f"get_{name}_display", None), getattr(row, name)
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return _text(display() if display else value)


def _refuse_changed(row: TeamInbox, before: Mapping[str, Any], seen: Mapping[str, Any]) -> None:
    differences = tuple(
        Difference(_label(name), shown(row, name))
        for name, value in before.items()
        if name in seen and _text(value) != _text(seen[name])
    )
    if differences:
        raise ChangedMeanwhileError(row.settings_version, differences)


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _label(name: str) -> str:
    field = TeamInbox._meta.get_field(name)
    assert isinstance(field, Field)
    return str(field.verbose_name)
