"""How do people make two contacts one, and take it back?

Consent is not touched: it is kept under addresses, and a merge gives nobody more of it. Before
anything is read, whoever might begin a thread with one of them waits (`contact:…`); then come
threads, contacts and conversations, each in the order of their keys.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.http import Http404
from django.utils.translation import gettext as _

from accounts.access import Viewer
from accounts.audit import record
from accounts.models import User
from inbox import labels
from inbox.access import contacts_of, conversations_of
from inbox.cards import Editor, may_change, tell_everywhere
from inbox.contacts import join_contacts, lock_text
from inbox.masking import masked_words
from inbox.models import (
    Contact,
    ContactAddress,
    Conversation,
    CrmAnswer,
    Erasure,
    LegalHold,
    MergeLog,
    Thread,
)
from inbox.refusals import ChangedMeanwhileError, MissingInputError, NotAllowedError
from routing.models import CrmConnector

TEXTS = ("name", "profile_name", "language", "notes")
FIELDS = (*TEXTS, "owner_id", "tags", "attributes", "is_blocked")


@dataclass(frozen=True)
class Line:
    """One fact of a card: what either says, and what the one that is kept will say."""

    name: str
    kept: str
    absorbed: str
    will_be: str


@dataclass(frozen=True)
class Preview:
    """What a merge would do. `hidden`: there is more that the reader may not see."""

    kept: Contact
    absorbed: Contact
    lines: Sequence[Line]
    addresses: Sequence[ContactAddress]
    conversations: int
    is_blocked_after: bool = False


@dataclass
class _Pair:
    """Two contacts, locked, with everything that hangs on them."""

    kept: Contact
    absorbed: Contact
    addresses: Mapping[int, ContactAddress] = field(default_factory=dict)


# --- Before --------------------------------------------------------------------------------------


def preview(kept: Contact, absorbed: Contact, editor: Editor) -> Preview:
    """Say what a merge would do, as things stand now. Raises as `merge_contacts`."""
    _check(kept, absorbed, editor)
    told = [_line(label, name, kept, absorbed) for name, label in _labels().items()]
    seen = conversations_of(editor.by).filter(contact=absorbed)
    return Preview(
        kept=kept,
        absorbed=absorbed,
        lines=[one for one in told if one.kept or one.absorbed],
        addresses=list(absorbed.addresses.filter(alias_of=None).order_by("pk")),
        conversations=seen.count(),
        is_blocked_after=kept.is_blocked or absorbed.is_blocked,
    )


def _line(label: str, name: str, kept: Contact, absorbed: Contact) -> Line:
    """Compare one fact of two cards; numbers of either are masked where numbers are."""
    texts = _text(kept, name), _text(absorbed, name), _text(kept, name, absorbed)
    if name == "name":
        return Line(label, *map(labels.name_words, texts))
    return Line(
        label, *(labels.words_about(kept, labels.words_about(absorbed, one)) for one in texts)
    )


def _labels() -> dict[str, str]:
    return {
        "name": _("Name"),
        "language": _("Language"),
        "owner": _("Who looks after them"),
        "tags": _("Tags"),
        "attributes": _("Known of them"),
        "notes": _("Notes"),
    }


def _text(contact: Contact, name: str, other: Contact | None = None) -> str:
    """Write one fact of a card; with `other`, as it is once that one is a part of it."""
    value = getattr(contact, name)
    if name in ("tags", "attributes"):
        both = [*value, *(getattr(other, name) if other else ())]
        first: dict[str, str] = {}
        for one in both:
            first.setdefault(one.casefold(), one)
        return ", ".join(first.values())
    if other and name == "notes":
        return "\n\n".join(filter(None, (value, other.notes)))
    shown = value or (getattr(other, name) if other else "")
    return str(shown.name) if isinstance(shown, User) else str(shown or "")


def _check(kept: Contact, absorbed: Contact, editor: Editor) -> None:
    if kept.pk == absorbed.pk:
        raise MissingInputError(_("Choose another contact: this is the same one."))
    both = contacts_of(editor.by).filter(pk__in=[kept.pk, absorbed.pk]).count()
    if not may_change(editor.by) or both < 2 or kept.account_id != absorbed.account_id:
        raise NotAllowedError(_("You may not merge these contacts."))
    if kept.erased_at or absorbed.erased_at:
        raise NotAllowedError(_("A contact who was erased stays by themselves."))
    if _is_being_erased(kept, absorbed):
        raise NotAllowedError(_("One of them is being erased: wait until that is done."))


def now_part_of(viewer: Viewer, public_id: str) -> Contact | None:
    """Return the contact that another one became a part of, if this person may see it."""
    log = MergeLog.objects.filter(absorbed__public_id=public_id, undone_at=None).first()
    return contacts_of(viewer).filter(pk=log.kept_id).first() if log else None


def get_merge(viewer: Viewer, public_id: str) -> MergeLog:
    """Fetch one merge into a contact that this person may see, or raise Http404."""
    logs = MergeLog.objects.select_related("kept", "absorbed")
    log = logs.filter(public_id=public_id, kept__in=contacts_of(viewer)).first()
    if log is None:
        raise Http404("No such merge.")
    return log


def _is_being_erased(*contacts: Contact) -> bool:
    asked = Erasure.objects.filter(contact__in=contacts)
    return asked.exclude(state=Erasure.State.DONE).exists()


# --- Merging -------------------------------------------------------------------------------------


def merge_contacts(kept: Contact, absorbed: Contact, editor: Editor) -> MergeLog:
    """Make two contacts one: addresses, threads and conversations of `absorbed` go to `kept`.

    Raises MissingInputError for one and the same, NotAllowedError for who may not, or while one is
    erased, ChangedMeanwhileError if one of them changed while it was waited for.
    """
    with transaction.atomic(durable=True):
        pair = _locked(kept, absorbed)
        _check(pair.kept, pair.absorbed, editor)
        if MergeLog.objects.filter(absorbed=pair.absorbed, undone_at=None).exists():
            raise ChangedMeanwhileError(_("This contact is a part of another one already."))
        before = {"kept": _card(pair.kept), "absorbed": _card(pair.absorbed)}
        moved = _what_moves(pair)
        join_contacts(keep=pair.kept, absorb=pair.absorbed)
        log = MergeLog.objects.create(
            account_id=kept.account_id,
            kept=pair.kept,
            absorbed=pair.absorbed,
            by=editor.user,
            merged_at=editor.now,
            moved=moved,
            before=before,
            after=_card(pair.kept),
        )
        _note("contacts_merged", log, editor)
        tell_everywhere(pair.kept, ("contact",), editor)
    return log


def _what_moves(pair: _Pair) -> dict[str, Any]:
    theirs = pair.absorbed.pk
    holds = LegalHold.objects.filter(contact=theirs, lifted_at=None)
    answers = CrmAnswer.objects.filter(contact=theirs)
    facts = answers.values_list("connector", "question", "facts", "left_out", "answered_at")
    return {
        "addresses": [pk for pk, one in pair.addresses.items() if one.contact_id == theirs],
        "holds": list(holds.values_list("pk", flat=True)),
        "answers": [[*said, at.isoformat()] for *said, at in facts],
    }


def _card(contact: Contact) -> dict[str, Any]:
    return {name: getattr(contact, name) for name in FIELDS}


def _locked(kept: Contact, absorbed: Contact) -> _Pair:
    """Lock two contacts and everything of theirs; nobody begins a thread with them meanwhile."""
    pks = sorted((kept.pk, absorbed.pk))
    theirs = ContactAddress.objects.filter(contact__in=pks).order_by("pk")
    known = {one.pk: one for one in theirs}
    texts = {f"contact:{one.account_id}:{one.phone or one.key}" for one in known.values()}
    for text in sorted(texts):
        lock_text(text)
    threads = Thread.objects.filter(contact__in=pks).order_by("pk")
    list(threads.select_for_update(no_key=True).values("pk"))
    rows = Contact.objects.select_for_update(no_key=True).filter(pk__in=pks).order_by("pk")
    contacts = {one.pk: one for one in rows}
    now = {one.pk: one for one in theirs.all()}
    if now.keys() != known.keys() or any(
        one.contact_id != known[pk].contact_id for pk, one in now.items()
    ):
        raise ChangedMeanwhileError(_("One of them just got a new address. Look again."))
    return _Pair(contacts[kept.pk], contacts[absorbed.pk], now)


# --- Taking it back ------------------------------------------------------------------------------


def undo_merge(log: MergeLog, editor: Editor) -> MergeLog:
    """Part two contacts again. What changed since stays where it is, and `left` says what.

    Raises ChangedMeanwhileError if it is undone already, or one of them became a part of a third,
    NotAllowedError for who may not, or once one is erased.
    """
    with transaction.atomic(durable=True):
        pair = _locked(log.kept, log.absorbed)
        row = MergeLog.objects.select_for_update().get(pk=log.pk)
        _check_undo(row, pair, editor)
        left = _addresses_back(row, pair)
        left += _cards_back(row, pair)
        _rest_back(row, pair)
        row.undone_at, row.undone_by, row.left = editor.now, editor.user, left
        row.save(update_fields=["undone_at", "undone_by", "left"])
        _note("merge_undone", row, editor, left=len(left))
        for one in (pair.kept, pair.absorbed):
            tell_everywhere(one, ("contact",), editor)
    return row


def _check_undo(row: MergeLog, pair: _Pair, editor: Editor) -> None:
    if row.undone_at:
        raise ChangedMeanwhileError(_("This merge was undone already."))
    if not may_change(editor.by) or not contacts_of(editor.by).filter(pk=row.kept_id).exists():
        raise NotAllowedError(_("You may not undo this merge."))
    if pair.kept.erased_at or pair.absorbed.erased_at:
        raise NotAllowedError(_("One of them was erased: the merge stays."))
    if _is_being_erased(pair.kept):
        raise NotAllowedError(_("The contact is being erased: the merge stays."))
    later = MergeLog.objects.filter(Q(kept=row.kept_id) | Q(absorbed=row.kept_id), undone_at=None)
    if later.filter(pk__gt=row.pk).exists():
        raise ChangedMeanwhileError(_("They were merged once more since: undo that first."))


def _addresses_back(row: MergeLog, pair: _Pair) -> list[str]:
    """Give back addresses, with all that was said on them, also since."""
    moved = set(row.moved.get("addresses", ()))
    mine = {pk for pk, one in pair.addresses.items() if one.contact_id == pair.kept.pk}
    back = moved & mine
    # Two names of one WhatsApp account, as was learnt since: they are not parted any more.
    while bound := {pk for pk in back if _is_bound(pair.addresses[pk], back, mine, pair)}:
        back -= bound
    ContactAddress.objects.filter(pk__in=back).update(contact=pair.absorbed)
    Thread.objects.filter(address__in=back).update(contact=pair.absorbed)
    Conversation.objects.filter(thread__address__in=back).update(contact=pair.absorbed)
    words = _(
        "%(number)s belongs to the same WhatsApp account as another number of theirs: it stays."
    )
    kept = [pair.addresses[pk] for pk in sorted((moved & mine) - back)]
    gone = len(moved - mine)
    left = [words % {"number": masked_words(one.phone or one.raw)} for one in kept]
    return left + ([_("An address belongs to somebody else by now.")] if gone else [])


def _is_bound(one: ContactAddress, back: set[int], mine: set[int], pair: _Pair) -> bool:
    names = {pk for pk in mine if pair.addresses[pk].alias_of_id == one.pk}
    names |= {one.alias_of_id} if one.alias_of_id in mine else set()
    return bool(names - back)


def _cards_back(row: MergeLog, pair: _Pair) -> list[str]:
    """Let the kept card say what it said, where nobody wrote on it since; and the other too."""
    left = []
    for name in FIELDS:
        if _same(getattr(pair.kept, name), row.after.get(name)):
            setattr(pair.kept, name, _known(name, row.before["kept"].get(name)))
        elif not _same(getattr(pair.kept, name), row.before["kept"].get(name)):
            words = _("“%(what)s” was changed since: it stays as it is.")
            left.append(words % {"what": _field_words(name)})
        setattr(pair.absorbed, name, _known(name, row.before["absorbed"].get(name)))
    # Who is blocked since, under either name, is blocked as both.
    if pair.kept.is_blocked and not row.after.get("is_blocked"):
        pair.absorbed.is_blocked = True
    pair.kept.save(update_fields=_columns())
    pair.absorbed.save(update_fields=_columns())
    return left


def _columns() -> list[str]:
    return [name.removesuffix("_id") for name in FIELDS]


def _same(one: Any, other: Any) -> bool:
    return bool((one or None) == (other or None))


def _known(name: str, value: Any) -> Any:
    """Return what a card said; a colleague who is gone by now looks after nobody."""
    if name == "owner_id" and value and not User.objects.filter(pk=value).exists():
        return None
    return value


def _field_words(name: str) -> str:
    if name == "profile_name":
        return _("What they call themselves")
    if name == "is_blocked":
        return _("Blocked")
    return _labels()[name.removesuffix("_id")]


def _rest_back(row: MergeLog, pair: _Pair) -> None:
    holds = LegalHold.objects.filter(pk__in=row.moved.get("holds", ()), contact=pair.kept)
    holds.update(contact=pair.absorbed)
    connectors = set(
        CrmConnector.objects.filter(account=row.account_id).values_list("pk", flat=True)
    )
    CrmAnswer.objects.bulk_create(
        [
            CrmAnswer(
                account_id=row.account_id,
                contact=pair.absorbed,
                connector_id=connector,
                question=question,
                facts=facts,
                left_out=left_out,
                answered_at=datetime.fromisoformat(at),
            )
            for connector, question, facts, left_out, at in row.moved.get("answers", ())
            if connector in connectors
        ],
        ignore_conflicts=True,
    )


def _note(action: str, log: MergeLog, editor: Editor, **data: Any) -> None:
    record(
        action=action,
        subject=f"contact {log.kept.public_id}",
        account_id=log.account_id,
        actor=editor.user,
        now=editor.now,
        other=f"contact {log.absorbed.public_id}",
        merge=log.public_id,
        **data,
    )
