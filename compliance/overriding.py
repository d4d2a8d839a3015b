"""How does an account settle a rule for itself? Stricter by its admins, looser by a signature."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from accounts import audit
from accounts.english import noop
from accounts.models import Account, User
from accounts.refusals import RefusedError, in_words
from compliance.in_force import RulesInForce, override_of, rules_in_force
from compliance.jurisdictions import Jurisdiction
from compliance.officers import is_compliance_officer
from compliance.rule_models import RuleOverride
from compliance.stricter import CellError, Column, cell_of, is_stricter, read_cell, why_looser

_MEANWHILE = noop(
    "Somebody else changed this rule after you opened the page. Look at what holds now, and save "
    "again if you still want to."
)


@dataclass(frozen=True)
class OwnRule:
    """One column of a row as a page shows it: what the pack says, what the account settled."""

    column: Column
    label: str
    of_row: str
    current: RuleOverride | None

    @property
    def number(self) -> int:
        """Return the number of what stands there now; 0: nothing was ever settled."""
        return self.current.number if self.current else 0

    @property
    def value(self) -> str:
        """Return what the account settled; blank: the rule of the row holds."""
        return self.current.value if self.current else ""


def own_rules(account: Account, row: Jurisdiction) -> list[OwnRule]:
    """Return every column of a row that an account may settle for itself. One query."""
    rows = RuleOverride.objects.filter(account=account, code=row.code).select_related("made_by")
    found = {one.column: one for one in rows.current()}
    labels = dict(RuleOverride._meta.get_field("column").flatchoices)
    return [
        OwnRule(column, str(labels[column.value]), cell_of(row, column), found.get(column.value))
        for column in Column
    ]


def settle_rule(
    *,
    account: Account,
    code: str,
    column: Column,
    value: str,
    reason: str,
    seen: int,
    by: User,
    now: datetime,
) -> RuleOverride:
    """Settle one column of a row for an account; blank: back to the row.

    `seen` is the number that the page showed. What is looser than the row is kept only if a
    compliance officer gives a reason for it. Raises RefusedError, with the field.
    """
    rules, reason = rules_in_force(), " ".join(reason.split())
    row = _row_of(rules, code)
    kept, is_looser = _judged(row, column, value, reason, by)
    with (
        in_words({"one_override_at_a_time": _MEANWHILE}),
        transaction.atomic(durable=True),
    ):
        before = _current(account, code, column)
        if (before.number if before else 0) != seen:
            raise RefusedError(_MEANWHILE, field="value")
        _refuse_same(before, row, kept, is_looser)
        made = RuleOverride.objects.create(
            account=account,
            code=code,
            column=column.value,
            number=seen + 1,
            value=kept,
            of_value=cell_of(row, column),
            is_looser=is_looser,
            pack_version=rules.version,
            reason=reason,
            made_by=by,
            made_at=now,
        )
        _tell(made, before, now)
    return made


def _row_of(rules: RulesInForce, code: str) -> Jurisdiction:
    row = rules.pack.rows.get(code)
    if row is None:
        raise RefusedError(
            noop("The pack in force has no row %(code)s.") % {"code": code}, field="value"
        )
    return row


def _judged(
    row: Jurisdiction, column: Column, value: str, reason: str, by: User
) -> tuple[str, bool]:
    """Return the value as it is kept, and whether it is looser. Raises RefusedError."""
    if not value.strip():
        return "", False
    try:
        kept = read_cell(column, value)
        is_looser = not is_stricter(row, column, kept)
    except CellError as error:
        raise RefusedError(error.reason, field="value") from None
    if is_looser and not is_compliance_officer(by):
        words = noop("%(why_looser)s Only a compliance officer may sign that.") % {
            "why_looser": why_looser(row, column, kept)
        }
        raise RefusedError(words, field="value")
    if is_looser and not reason:
        words = noop("%(why_looser)s Say why: your name stands under it.") % {
            "why_looser": why_looser(row, column, kept)
        }
        raise RefusedError(words, field="reason")
    return kept, is_looser


def _current(account: Account, code: str, column: Column) -> RuleOverride | None:
    mine = RuleOverride.objects.filter(account=account, code=code, column=column.value)
    return mine.order_by("-number").first()


def _refuse_same(
    before: RuleOverride | None, row: Jurisdiction, value: str, is_looser: bool
) -> None:
    """Refuse what changes nothing; what was signed for an older rule may be signed anew."""
    same = before.value == value if before else value == ""
    if same and not (before and is_looser and override_of(before).has_lapsed(row)):
        raise RefusedError(noop("This is what holds already."), field="value")


def _tell(made: RuleOverride, before: RuleOverride | None, now: datetime) -> None:
    was = before.value if before else ""
    audit.record(
        action="rule_signed_looser" if made.is_looser else "rule_settled",
        subject=f"{made.code}, {made.get_column_display()}",
        now=now,
        actor=made.made_by,
        account_id=made.account_id,
        row=str(made.pk),
        changes={
            made.column: {
                "before": was or f"as the row: {made.of_value or '–'}",
                "after": made.value or f"as the row: {made.of_value or '–'}",
            }
        },
        the_row_says=made.of_value,
        pack=made.pack_version,
        reason=made.reason,
    )
