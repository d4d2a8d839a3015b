"""What did an account settle about asking for consent, and about what an opt-out reaches?

Beside `policies` in the same row, with a version of its own page: whoever saves says which one they
saw. Product behaviour, not legal advice.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any

from django.db import transaction

from accounts import audit
from accounts.english import noop
from accounts.models import Account, User
from compliance.asking_texts import AskingKind, asking_problems, suggested
from compliance.evidence import OptOutScope
from compliance.policies import policy_row
from compliance.programmes import Programme, kept_programmes
from compliance.rule_models import CompliancePolicy

Texts = Mapping[str, Mapping[str, str]]
_COLUMNS = (
    "confirms_opt_ins",
    "approves_opt_ins",
    "opt_out_scope",
    "clarifies_opt_outs",
    "programmes",
    "asking_texts",
)
_NO_TEXTS: Texts = MappingProxyType({})
MOST_LANGUAGES = 40


@dataclass(frozen=True)
class Asking:
    """What holds. `texts` are the account's own, by kind and language."""

    confirms: bool = False
    scope: OptOutScope = OptOutScope.FAMILY
    clarifies: bool = False
    programmes: tuple[Programme, ...] = ()
    texts: Texts = field(default_factory=lambda: _NO_TEXTS)
    approves: bool = False

    @property
    def may_clarify(self) -> bool:
        """Say whether somebody who opts out is asked which programme they keep."""
        return self.clarifies and len(self.programmes) > 1

    def knows(self, code: str) -> bool:
        """Say whether there is a programme of this code; `*` is every one."""
        return code == "*" or any(one.code == code for one in self.programmes)


class AskingError(Exception):
    """This cannot be kept; `problems` say why, by the field that is wrong."""

    def __init__(self, problems: Mapping[str, list[str]]) -> None:
        super().__init__("; ".join(words for found in problems.values() for words in found))
        self.problems = dict(problems)

    @property
    def reason(self) -> str:
        """Say it to a person."""
        return " ".join(words for found in self.problems.values() for words in found)


class AskingChangedError(Exception):
    """Somebody changed it after the page was opened."""

    reason = noop("Not saved: somebody changed this meanwhile. Look at it again.")

    def __init__(self, version: int) -> None:
        super().__init__(version)
        self.version = version


def asking_of(account_id: int) -> Asking:
    """Return what an account settled about asking, or what holds without. One query."""
    row = CompliancePolicy.objects.filter(account=account_id).first()
    return Asking() if row is None else as_asking(row)


def scope_of(account_id: int) -> OptOutScope:
    """Return what an opt-out of this account reaches now. One query."""
    rows = CompliancePolicy.objects.filter(account=account_id)
    kept = rows.values_list("opt_out_scope", flat=True).first()
    return OptOutScope(kept or OptOutScope.FAMILY)


def as_asking(row: CompliancePolicy) -> Asking:
    """Return what a row says."""
    return Asking(
        confirms=row.confirms_opt_ins,
        approves=row.approves_opt_ins,
        scope=OptOutScope(row.opt_out_scope),
        clarifies=row.clarifies_opt_outs,
        programmes=kept_programmes(row.programmes),
        texts=row.asking_texts,
    )


def problems_of(account: Account, wanted: Asking) -> dict[str, list[str]]:
    """Return what is wrong with settings, by field; a text's field is `confirm:es`."""
    found: dict[str, list[str]] = {}
    if wanted.clarifies and len(wanted.programmes) < 2:
        found["clarifies"] = [
            noop("Name two programmes at least: with one there is nothing to choose.")
        ]
    for kind in AskingKind:
        texts = wanted.texts.get(kind.value, {})
        if len(texts) > MOST_LANGUAGES:
            found[kind.value] = [
                noop("%(most_languages)s languages at most.") % {"most_languages": MOST_LANGUAGES}
            ]
        for language, text in texts.items():
            if words := _errors_of(account, wanted, kind, language, text):
                found[f"{kind.value}:{language}"] = words
    if wanted.clarifies and not wanted.texts.get(AskingKind.CLARIFY.value, {}).get("en"):
        # Where the account wrote no English text, ours is sent: it must fit with these names.
        ours = suggested(AskingKind.CLARIFY, "en", account.name)
        if words := _errors_of(account, wanted, AskingKind.CLARIFY, "en", ours):
            found.setdefault("programmes", []).extend(words)
    return found


def _errors_of(
    account: Account, wanted: Asking, kind: AskingKind, language: str, text: str
) -> list[str]:
    problems = asking_problems(
        kind, text, language=language, names=(account.name,), programmes=wanted.programmes
    )
    return [one.words for one in problems if one.is_error]


def change_asking(
    *, account: Account, wanted: Asking, version: int, by: User, now: datetime
) -> CompliancePolicy:
    """Change what an account settled about asking. `version` is that of the row that was seen.

    What happened before counts as it did: an opt-out keeps the scope of its day, and whoever was
    asked is still asked. Raises AskingError with everything that is wrong, and AskingChangedError.
    """
    with transaction.atomic(durable=True):
        # Whoever is first makes the row; the account's own is what two wait for.
        Account.objects.select_for_update(no_key=True).get(pk=account.pk)
        row = policy_row(account)
        if row.version != version:
            raise AskingChangedError(row.version)
        if problems := problems_of(account, wanted):
            raise AskingError(problems)
        was = audit.snapshot(row, _COLUMNS)
        if wanted.scope != row.opt_out_scope:
            row.scope_since = now
        for name, value in _columns(wanted).items():
            setattr(row, name, value)
        changes = audit.changes(was, audit.snapshot(row, _COLUMNS))
        if not changes:
            return row
        row.version, row.changed_by, row.changed_at = row.version + 1, by, now
        row.save()
        audit.record(
            action="consent_asking_changed",
            subject=account.name,
            now=now,
            actor=by,
            account_id=account.pk,
            row=str(row.pk),
            changes=changes,
        )
    return row


def _columns(wanted: Asking) -> dict[str, Any]:
    return {
        "confirms_opt_ins": wanted.confirms,
        "approves_opt_ins": wanted.approves,
        "opt_out_scope": wanted.scope.value,
        "clarifies_opt_outs": wanted.clarifies,
        "programmes": [one.as_json() for one in wanted.programmes],
        "asking_texts": {kind: dict(texts) for kind, texts in wanted.texts.items() if texts},
    }
