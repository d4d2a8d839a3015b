"""How do rules come to hold? Written as a draft, published with a note, brought back if wrong."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.audit import record
from accounts.models import Account, User
from routing.differences import Difference, difference
from routing.documents import document_of, read_rulebook
from routing.facts import Directory
from routing.lint import Finding, Known, is_publishable, lint
from routing.models import Rulebook, RulebookVersion
from routing.rules import Rule, Rules

# How many rules one line of the audit log names.
MOST_TOLD = 100


class RulebookError(Exception):
    """Something about a rulebook is refused; `reason` is fit for a person."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class DraftChangedError(RulebookError):
    """Somebody else wrote meanwhile. `differences` says what they did to what was seen."""

    def __init__(self, rulebook: Rulebook, differences: tuple[Difference, ...]) -> None:
        who = rulebook.draft_by.name if rulebook.draft_by else _("Somebody else")
        super().__init__(_("%s changed these rules meanwhile.") % who)
        self.rulebook, self.differences = rulebook, differences


class HeldChangedError(RulebookError):
    """Something else holds by now than what was looked at; nothing was done."""

    def __init__(self, held: RulebookVersion) -> None:
        words = _("%(who)s published version %(number)d meanwhile. Nothing was done.")
        super().__init__(words % {"who": held.published_by.name, "number": held.number})
        self.number = held.number


class FindingsError(RulebookError):
    """The linter has something to say: errors block, warnings want to be confirmed."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(findings)
        blocks = not is_publishable(self.findings)
        super().__init__(
            _("These rules cannot be published as they are.")
            if blocks
            else _("Look at the warnings before you publish.")
        )


@transaction.atomic
def make_rulebook(
    *, account: Account, name: str, by: User, now: datetime, is_always_first: bool = False
) -> Rulebook:
    """Make a rulebook without rules. Raises RulebookError for a name that is taken."""
    name = " ".join(name.split())
    if not name:
        raise RulebookError(_("Give the rules a name."))
    try:
        with transaction.atomic():
            rulebook = Rulebook.objects.create(
                account=account,
                name=name,
                is_always_first=is_always_first,
                draft_by=by,
                created_at=now,
                changed_at=now,
            )
    except IntegrityError as error:
        raise RulebookError(_("There are rules of this name already.")) from error
    _note(rulebook, "rulebook_made", by, now, name=name)
    return rulebook


@transaction.atomic
def save_draft(
    *, rulebook: Rulebook, document: object, seen: int, by: User, now: datetime
) -> Rulebook:
    """Keep what somebody wrote and note it; nothing of it holds before it is published.

    `seen` is the draft's version that they began from. Raises DocumentError for what cannot be
    followed, DraftChangedError if somebody else wrote meanwhile: then nothing is kept.
    """
    rules = read_rulebook(document)
    row = _locked(rulebook)
    if row.draft_version != seen:
        raise DraftChangedError(row, difference(rules, read_rulebook(row.draft)))
    before, row.draft, row.draft_by = read_rulebook(row.draft), document_of(rules), by
    row.draft_version, row.changed_at = row.draft_version + 1, now
    row.save(update_fields=["draft", "draft_by", "draft_version", "changed_at"])
    changes = _told(before, rules)
    _note(row, "rules_drafted", by, now, version=row.draft_version, rules=changes)
    return row


@transaction.atomic
def publish(
    *,
    rulebook: Rulebook,
    seen: int,
    note: str,
    directory: Directory,
    known: Known,
    by: User,
    now: datetime,
    is_sure: bool = False,
    first: tuple[Rule, ...] = (),
) -> RulebookVersion:
    """Let the draft hold from now on, as a version that nobody changes any more.

    `first` are the account's rules that are asked before these. Raises DraftChangedError if it is
    not the draft that was `seen`, FindingsError if the linter finds errors, or warnings that were
    not confirmed, RulebookError if nothing would change.
    """
    row = _locked(rulebook)
    rules = read_rulebook(row.draft)
    if row.draft_version != seen:
        raise DraftChangedError(row, difference(rules_of(row), rules))
    findings = findings_of(rules, directory, known, first=first)
    if not is_publishable(findings) or (findings and not is_sure):
        raise FindingsError(findings)
    if row.published and row.published.document == row.draft:
        raise RulebookError(_("These rules hold already."))
    return _version(row, row.draft, note, by=by, now=now)


@transaction.atomic
def bring_back(
    *, version: RulebookVersion, note: str, by: User, now: datetime, seen: int | None = None
) -> RulebookVersion:
    """Let an older version hold again, as a new one. Raises RulebookError if it does already.

    `seen` is the number of the version that held when somebody looked (0 for none); raises
    HeldChangedError if it is another by now. A draft that nobody has worked on since publishing
    becomes the same.
    """
    row = _locked(version.rulebook)
    if seen is not None and row.published and row.published.number != seen:
        raise HeldChangedError(row.published)
    if row.published and row.published.document == version.document:
        raise RulebookError(_("These rules hold already."))
    if row.published and row.draft == row.published.document:
        row.draft, row.draft_by = version.document, by
        row.draft_version += 1
        row.save(update_fields=["draft", "draft_by", "draft_version"])
    return _version(row, version.document, note, by=by, now=now, restored_from=version.number)


def findings_of(
    rules: Rules, directory: Directory, known: Known, *, first: tuple[Rule, ...] = ()
) -> tuple[Finding, ...]:
    """Return what the linter says of rules that are asked after the account's `first`."""
    found = lint(replace(rules, always_first=(*first, *rules.always_first)), directory, known)
    theirs = {rule.id for rule in first}
    return tuple(finding for finding in found if finding.rule not in theirs)


def rules_of(rulebook: Rulebook) -> Rules:
    """Return the rules that hold: none before the first are published."""
    return rulebook.published.rules() if rulebook.published else Rules()


def _version(
    row: Rulebook,
    document: dict[str, Any],
    note: str,
    *,
    by: User,
    now: datetime,
    restored_from: int | None = None,
) -> RulebookVersion:
    before = rules_of(row)
    last = row.versions.first()
    made = RulebookVersion.objects.create(
        account_id=row.account_id,
        rulebook=row,
        number=last.number + 1 if last else 1,
        document=document,
        note=" ".join(note.split())[:500],
        restored_from=restored_from,
        published_by=by,
        published_at=now,
    )
    row.published, row.changed_at = made, now
    row.save(update_fields=["published", "changed_at"])
    changes = _told(before, made.rules())
    _note(row, "rules_published", by, now, number=made.number, note=made.note, rules=changes)
    return made


def _told(before: Rules, after: Rules) -> list[dict[str, Any]]:
    """Return what somebody did to rules, for the audit log."""
    return [
        {"rule": one.name, "what": one.kind.value, "parts": list(one.parts)}
        for one in difference(before, after)[:MOST_TOLD]
    ]


def _locked(rulebook: Rulebook) -> Rulebook:
    # Alone: what is joined to a row that changed while we waited would be of before.
    return Rulebook.objects.select_for_update(no_key=True).get(pk=rulebook.pk)


def _note(rulebook: Rulebook, action: str, by: User, now: datetime, **data: Any) -> None:
    record(
        action=action,
        subject=str(rulebook),
        actor=by,
        account_id=rulebook.account_id,
        now=now,
        row=str(rulebook.pk),
        **data,
    )
