"""Which replies are kept ready for people? Made, changed and deleted."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Lower
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import Account, User
from inbox.canned import AGENT
from inbox.models import CannedReply, TeamInbox
from inbox.models.canned import LONGEST_BODY, LONGEST_SHORTCUT
from inbox.setup.refusals import SetUpError
from inbox.setup.reply_variables import Variables, variables_of
from routing.texts import Kind, Text, Variable, problems

# Of the account, of one inbox, and of one person.
MOST = 500
_TOLD = ("shortcut", "body", "inbox", "person")


class CannedError(SetUpError):
    """A canned reply is refused; `field` is what to change: shortcut, body, or place."""


class CannedChangedError(CannedError):
    """Somebody else saved it meanwhile. `version` is what is there now."""

    def __init__(self, row: CannedReply) -> None:
        super().__init__(
            _("Somebody else changed this after you opened it. Look again, then save.")
        )
        self.row, self.version = row, row.version


@dataclass(frozen=True)
class Place:
    """For whom a canned reply is: who answers in an inbox, one person, or the whole account."""

    inbox: TeamInbox | None = None
    person: User | None = None

    @property
    def rows(self) -> Q:
        """Return the condition of the canned replies that are there."""
        return Q(inbox=self.inbox, person=self.person)


def canned_variables(account_id: int) -> Variables:
    """Return what canned replies of an account may name: what texts may, and who sends it."""
    found = variables_of(account_id)
    return replace(found, known={**found.known, **AGENT})


@transaction.atomic(durable=True)
def make_canned(
    *, account: Account, place: Place, shortcut: str, body: str, by: User, now: datetime
) -> CannedReply:
    """Keep a reply ready. Raises CannedError for a shortcut or a text that will not do."""
    _hold(account.pk)
    row = CannedReply(account=account, inbox=place.inbox, person=place.person, made_by=by)
    row.made_at = now
    if _those(row).count() >= MOST:
        raise _too_many()
    _write(row, shortcut, body, now=now)
    row.save(force_insert=True)
    _note(row, "canned_reply_added", {}, by=by, now=now)
    return row


@transaction.atomic(durable=True)
def change_canned(
    *,
    reply: CannedReply,
    place: Place,
    shortcut: str,
    body: str,
    version: int,
    by: User,
    now: datetime,
) -> CannedReply:
    """Change a reply as it was in `version`, and for whom it is.

    Raises CannedChangedError if somebody changed it since, CannedError for a shortcut or a text
    that will not do, and where somebody deleted it.
    """
    row = _locked(reply)
    if row.version != version:
        raise CannedChangedError(row)
    before = audit.snapshot(row, _TOLD)
    is_moved = (row.inbox, row.person) != (place.inbox, place.person)
    was_shared = row.is_shared
    row.inbox, row.person = place.inbox, place.person
    if is_moved and _those(row).count() >= MOST:
        raise _too_many()
    _write(row, shortcut, body, now=now)
    row.version += 1
    row.save(
        update_fields=["inbox", "person", "shortcut", "body", "kinds", "version", "changed_at"]
    )
    if was_shared or row.is_shared:
        _note(row, "canned_reply_changed", before, by=by, now=now, is_told=True)
    return row


@transaction.atomic(durable=True)
def delete_canned(*, reply: CannedReply, by: User, now: datetime) -> None:
    """Delete a reply; messages that were made of it stay. Raises CannedError if it is gone."""
    row = _locked(reply)
    before = audit.snapshot(row, _TOLD)
    _note(row, "canned_reply_deleted", before, by=by, now=now)
    row.delete()


def check_canned(*, account: Account, shortcut: str, body: str) -> tuple[str, str]:
    """Return shortcut and text as they would be kept. Raises CannedError for what will not do."""
    text, _known = _checked_body(account.pk, body)
    return checked_shortcut(shortcut), text.source


def checked_shortcut(shortcut: str) -> str:
    """Return a shortcut as it is kept, without the slash. Raises CannedError."""
    kept = unicodedata.normalize("NFC", shortcut.strip().removeprefix("/"))
    if not kept:
        raise CannedError(_("Give it a shortcut: what is typed after the slash."), field="shortcut")
    if len(kept) > LONGEST_SHORTCUT:
        words = _("A shortcut has at most %(most)s characters; this has %(count)s.")
        told = {"most": LONGEST_SHORTCUT, "count": len(kept)}
        raise CannedError(words % told, field="shortcut")
    if wrong := next((char for char in kept if not _is_fit(char)), ""):
        char = _("a blank") if wrong.isspace() else f"“{wrong}”"
        words = _("A shortcut is made of letters, digits, - and _: %(char)s cannot be in it.")
        raise CannedError(words % {"char": char}, field="shortcut")
    return kept


def text_problems(body: str, known: Mapping[str, Variable]) -> list[str]:
    """Return in words what keeps a text from being kept; nothing if it will do."""
    if len(body) > LONGEST_BODY:
        words = _("It has %(count)s characters; at most %(most)s fit into a message. Shorten it.")
        return [words % {"count": len(body), "most": LONGEST_BODY}]
    return [one.words for one in problems(Text.parse(body), known) if one.is_error]


def _is_fit(char: str) -> bool:
    return char in "-_" or unicodedata.category(char)[0] in "LMN"


def _checked_body(account_id: int, body: str) -> tuple[Text, Mapping[str, Variable]]:
    text = Text.parse(body.replace("\r\n", "\n").strip())
    known = canned_variables(account_id).known
    if found := text_problems(text.source, known):
        raise CannedError(" ".join(found), field="body")
    return text, known


def _write(row: CannedReply, shortcut: str, body: str, *, now: datetime) -> None:
    """Put into a row what was checked; the account must be held."""
    row.shortcut = checked_shortcut(shortcut)
    text, known = _checked_body(row.account_id, body)
    row.body = text.source
    kinds = {slot.name: known[slot.name].kind for slot in text.slots}
    row.kinds = {name: kind.value for name, kind in kinds.items() if kind is not Kind.TEXT}
    row.changed_at = now
    same = _those(row).alias(folded=Lower("shortcut")).filter(folded=Lower(Value(row.shortcut)))
    if same.exists():
        words = _("“/%(shortcut)s” is there already: choose another shortcut, or change that one.")
        raise CannedError(words % {"shortcut": row.shortcut}, field="shortcut")


def _those(row: CannedReply) -> "QuerySet[CannedReply]":
    """Return the others that are for the same people."""
    rows = CannedReply.objects.filter(Place(row.inbox, row.person).rows, account=row.account_id)
    return rows.exclude(pk=row.pk) if row.pk else rows


def _too_many() -> CannedError:
    words = _("There are %(most)s canned replies here, the most there can be. Delete some first.")
    return CannedError(words % {"most": MOST}, field="place")


def _hold(account_id: int) -> None:
    """Let one change of an account's canned replies follow the other: shortcuts are compared."""
    Account.objects.select_for_update(no_key=True).get(pk=account_id)


def _locked(reply: CannedReply) -> CannedReply:
    _hold(reply.account_id)
    rows = CannedReply.objects.select_related("account", "inbox", "person")
    row = rows.select_for_update(of=("self",), no_key=True).filter(pk=reply.pk).first()
    if row is None:
        raise CannedError(_("Somebody deleted this canned reply meanwhile."))
    return row


def _note(
    row: CannedReply,
    action: str,
    before: audit.Snapshot,
    *,
    by: User,
    now: datetime,
    is_told: bool = False,
) -> None:
    """Write an audit line; what is for one person alone is nobody else's business."""
    if not (row.is_shared or is_told):
        return
    after = {} if action.endswith("deleted") else audit.snapshot(row, _TOLD)
    audit.record(
        action=action,
        subject=f"/{row.shortcut}",
        actor=by,
        account_id=row.account_id,
        now=now,
        row=row.public_id,
        changes=audit.changes(before or None, after or None),
    )
