"""What did an account settle for all its messages? For the gate, and how it is changed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Field

from accounts import audit
from accounts.english import noop
from accounts.models import Account, User
from compliance.in_force import pack_for, rules_in_force
from compliance.judging import Answer, Policy
from compliance.jurisdictions import Pack
from compliance.rule_models import CompliancePolicy
from compliance.windows import WindowError, read_window, write_window

FIELDS = (
    "reply_after_opt_out_sms",
    "reply_after_opt_out_whatsapp",
    "open_days",
    "reply_free_hours",
    "reply_window",
    "notification_window",
    "promotion_window",
    "most_a_day",
)


@dataclass(frozen=True)
class Difference:
    """One setting that somebody else changed meanwhile, as it is now."""

    label: str
    value: str


class ChangedMeanwhileError(Exception):
    """Somebody else saved after the page was opened; `differences` say what."""

    def __init__(self, version: int, differences: tuple[Difference, ...]) -> None:
        super().__init__(version)
        self.version, self.differences = version, differences


def policy_of(account_id: int) -> Policy:
    """Return what an account settled, or what holds without. One query.

    The rows of countries hold beside it: nothing of it makes them looser. Raises WindowError if
    somebody wrote into the database what is no window: then nothing may go.
    """
    row = CompliancePolicy.objects.filter(account=account_id).first()
    return Policy() if row is None else as_policy(row)


@dataclass(frozen=True)
class Settled:
    """Whether an account settled anything for itself, as far as whoever asks has looked."""

    has_policy: bool = True
    has_rules: bool = True


def rules_and_policy(account_id: int, settled: Settled) -> tuple[Pack, Policy]:
    """Return the rules that hold for an account, and its policy, for the gate.

    No query where it settled nothing, as most have not. Raises WindowError as `policy_of`.
    """
    pack = pack_for(account_id) if settled.has_rules else rules_in_force().pack
    return pack, policy_of(account_id) if settled.has_policy else Policy()


def as_policy(row: CompliancePolicy) -> Policy:
    """Return a row as the gate takes it. Raises WindowError."""
    return Policy(
        reply_after_opt_out_sms=Answer(row.reply_after_opt_out_sms),
        reply_after_opt_out_whatsapp=Answer(row.reply_after_opt_out_whatsapp),
        open_for=timedelta(days=row.open_days),
        free_for=timedelta(hours=row.reply_free_hours),
        replies=read_window(row.reply_window),
        notifications=read_window(row.notification_window),
        promotion=read_window(row.promotion_window),
        most_a_day=row.most_a_day,
    )


def policy_row(account: Account) -> CompliancePolicy:
    """Return the account's row, or one with what holds without, that is not saved."""
    return CompliancePolicy.objects.filter(account=account).first() or CompliancePolicy(
        account=account
    )


def own_window(text: str) -> str:
    """Return an account's window in the one form it is kept in. Raises WindowError.

    Which days are holidays is said by the rows of countries: an account's own window, which is for
    people everywhere, names none.
    """
    window = read_window(" ".join(text.split()))
    if window.holiday is not None:
        words = noop(
            "Holidays are those of the country, and are settled in its row: write no hol here."
        )
        raise WindowError(words)
    return write_window(window)


def change_policy(
    *,
    account: Account,
    values: Mapping[str, Any],
    seen: Mapping[str, str],
    version: int,
    by: User,
    now: datetime,
) -> CompliancePolicy:
    """Change what an account settled. `values` are of `FIELDS`, windows as `own_window` gives them.

    Raises ChangedMeanwhileError when somebody else changed something that the page showed (`seen`,
    made from `version`) otherwise.
    """
    with transaction.atomic(durable=True):
        # Whoever is first makes the row; the account's own is what two wait for.
        Account.objects.select_for_update(no_key=True).get(pk=account.pk)
        row = policy_row(account)
        if row.version != version:
            _refuse_changed(row, seen)
        was = audit.snapshot(row, FIELDS)
        for name in FIELDS:
            setattr(row, name, values[name])
        changes = audit.changes(was, audit.snapshot(row, FIELDS))
        if not changes:
            return row
        row.version, row.changed_by, row.changed_at = row.version + 1, by, now
        row.save()
        audit.record(
            action="compliance_policy_changed",
            subject=account.name,
            now=now,
            actor=by,
            account_id=account.pk,
            row=str(row.pk),
            changes=changes,
        )
    return row


def shown(row: CompliancePolicy, name: str) -> str:
    """Return a setting as a page says it."""
    display, value = getattr(row, f"get_{name}_display", None), getattr(row, name)
    return str(display()) if display else "" if value is None else str(value)


def label_of(name: str) -> str:
    """Return what a setting is called."""
    field = CompliancePolicy._meta.get_field(name)
    assert isinstance(field, Field)
    return str(field.verbose_name)


def _refuse_changed(row: CompliancePolicy, seen: Mapping[str, str]) -> None:
    differences = tuple(
        Difference(label_of(name), shown(row, name))
        for name in FIELDS
        if name in seen and _plain(getattr(row, name)) != seen[name]
    )
    if differences:
        raise ChangedMeanwhileError(row.version, differences)


def _plain(value: Any) -> str:
    return "" if value is None else str(value)
