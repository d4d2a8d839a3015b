"""How does a file of contacts come in: looked at, started, taken in piece by piece, cancelled?

A number that is known belongs to whom it belongs: what the file says is written on their card, so
that the same file twice changes nothing. Nothing of consent is read or written.
"""

import base64
import json
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import Account, User
from accounts.secrets import SecretUnreadableError
from compliance.consent_files import ConsentFileError, Sheet
from inbox.contacts import lock_text
from inbox.models import Contact, ContactAddress, ContactImport
from inbox.nudges import nudge_on_commit
from inbox.setup.contact_files import (
    Fault,
    Mapped,
    Row,
    cell_of,
    check,
    decoded,
    guess,
    read_rows,
    read_table,
)
from inbox.setup.refusals import SetUpError
from routing.marks import with_attributes, with_tags

PIECE = 200
LEASE = timedelta(minutes=2)
DRAFTS_WAIT = timedelta(hours=24)
FAULTS_KEPT = timedelta(days=30)
SHOWN = 10
_Status = ContactImport.Status


@dataclass(frozen=True)
class Foretold:
    """What a file would do, as things stand now."""

    known: int
    new: int
    faults: Sequence[Fault]
    shown: Sequence[Row]


def upload(
    content: bytes, *, account: Account, by: User, name: str = "", now: datetime
) -> ContactImport:
    """Keep a file to be looked at. Raises ConsentFileError for what is no table."""
    text = decoded(content)
    sheet = read_table(text)
    return ContactImport.objects.create(
        account=account,
        file_name="".join(char for char in name if char.isprintable())[:120],
        content=base64.b64encode(zlib.compress(text.encode())).decode(),
        mapped=asdict(guess(sheet.header, country=account.default_country)),
        rows=len(sheet.rows),
        uploaded_by=by,
        uploaded_at=now,
    )


def sheet_of(row: ContactImport) -> Sheet:
    """Read the file of an import again. Raises SetUpError if it is no longer there."""
    try:
        if row.content:
            return read_table(zlib.decompress(base64.b64decode(row.content)).decode())
    except (SecretUnreadableError, zlib.error, ValueError, ConsentFileError) as error:
        raise SetUpError(_("The file cannot be read any more. Upload it again.")) from error
    raise SetUpError(_("The file is no longer kept. Upload it again."))


def mapped_of(row: ContactImport) -> Mapped:
    """Return how an import is read."""
    said = row.mapped
    return Mapped(said["columns"], tuple(said["attributes"]), said["channel"], said["country"])


def map_columns(row: ContactImport, mapped: Mapped) -> None:
    """Say how a file is read. Raises ConsentFileError naming the input."""
    check(mapped, sheet_of(row).header)
    drafts = ContactImport.objects.filter(pk=row.pk, status=_Status.DRAFT)
    drafts.update(mapped=asdict(mapped))


def foretell(row: ContactImport) -> Foretold:
    """Say what a file would do. Raises SetUpError, ConsentFileError."""
    sheet, mapped = sheet_of(row), mapped_of(row)
    check(mapped, sheet.header)
    every = list(read_rows(sheet, mapped, 0, len(sheet.rows)))
    rows = [one for one in every if isinstance(one, Row)]
    keys = {one.address.key for one in rows}
    theirs = ContactAddress.objects.filter(account=row.account_id, key__in=keys)
    known = theirs.count()
    faults = [one for one in every if isinstance(one, Fault)]
    return Foretold(known, len(keys) - known, faults, rows[:SHOWN])


def start(row: ContactImport, *, by: User, now: datetime) -> None:
    """Let a file be taken in. One that is under way already stays so."""
    check(mapped_of(row), sheet_of(row).header)
    with transaction.atomic(durable=True):
        drafts = ContactImport.objects.filter(pk=row.pk, status=_Status.DRAFT)
        if drafts.update(status=_Status.RUNNING, started_at=now):
            _note("contact_import_started", row, by, now, rows=row.rows)
            nudge_on_commit("sweep_contact_imports")


def cancel(row: ContactImport, *, by: User, now: datetime) -> None:
    """Stop an import; what is taken in stays."""
    with transaction.atomic(durable=True):
        open_ones = ContactImport.objects.filter(
            pk=row.pk, status__in=[_Status.DRAFT, _Status.RUNNING]
        )
        if open_ones.update(status=_Status.CANCELED, content="", finished_at=now):
            _note("contact_import_canceled", row, by, now)


def faults_of(row: ContactImport) -> list[Fault]:
    """Return the lines that could not be used, while they are kept."""
    return [Fault(*one) for one in json.loads(row.faults or "[]")]


# --- Taking in -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Work:
    """One import that is under way, its file read once."""

    pk: int
    sheet: Sheet
    mapped: Mapped


def claim_next(*, now: datetime) -> Work | None:
    """Claim an import that is under way and that nobody works on; None if there is none."""
    is_free = Q(leased_until=None) | Q(leased_until__lte=now)
    free = ContactImport.objects.filter(is_free, status=_Status.RUNNING)
    for pk in list(free.order_by("started_at", "pk").values_list("pk", flat=True)[:10]):
        if not free.filter(pk=pk).update(leased_until=now + LEASE):
            continue
        row = ContactImport.objects.get(pk=pk)
        try:
            return Work(pk, sheet_of(row), mapped_of(row))
        except SetUpError as error:
            ContactImport.objects.filter(pk=pk).update(
                status=_Status.FAILED, problem=error.reason[:300], finished_at=now, content=""
            )
    return None


def go_on(work: Work, *, now: datetime) -> bool:
    """Take in the next piece of a file; say whether there is more to do."""
    with transaction.atomic(durable=True):
        row = ContactImport.objects.select_for_update().get(pk=work.pk)
        if row.status != _Status.RUNNING:
            return False
        piece = list(read_rows(work.sheet, work.mapped, row.done, row.done + PIECE))
        counts = _take_in(row.account_id, [one for one in piece if isinstance(one, Row)])
        faults = [one for one in piece if isinstance(one, Fault)]
        row.created += counts["created"]
        row.updated += counts["updated"]
        row.unchanged += counts["unchanged"]
        row.wrong += len(faults)
        if faults:
            every = [*faults_of(row), *faults]
            row.faults = json.dumps([[one.line, one.reason, list(one.cells)] for one in every])
        row.done = min(row.done + PIECE, row.rows)
        row.leased_until = now + LEASE
        if row.done >= row.rows:
            row.status, row.content, row.finished_at = _Status.DONE, "", now
            told = {"created": row.created, "updated": row.updated, "wrong": row.wrong}
            _note("contact_import_done", row, row.uploaded_by, now, **told)
        row.save()
    return row.status == _Status.RUNNING


def release(work: Work) -> None:
    """Let somebody else go on with an import."""
    ContactImport.objects.filter(pk=work.pk).update(leased_until=None)


def forget_old(*, now: datetime) -> None:
    """Let go of files that nobody started, and of what could not be used, after a while."""
    old = ContactImport.objects.filter(uploaded_at__lte=now - DRAFTS_WAIT, status=_Status.DRAFT)
    old.update(status=_Status.CANCELED, content="", finished_at=now)
    done = ContactImport.objects.filter(finished_at__lte=now - FAULTS_KEPT).exclude(faults="")
    done.update(faults="")


def _take_in(account_id: int, rows: Sequence[Row]) -> Counter[str]:
    # Whoever writes for the first time meanwhile waits, as for another first message of theirs.
    texts = {f"contact:{account_id}:{one.address.phone or one.address.key}" for one in rows}
    for text in sorted(texts):
        lock_text(text)
    known = _known(account_id, rows)
    counts: Counter[str] = Counter()
    for one in rows:
        contact = known.get(one.address.key) or known.get(one.address.phone)
        is_new = contact is None
        if contact is None:
            contact = Contact(account_id=account_id)
        changed = _write(contact, one)
        if is_new or changed:
            contact.save(update_fields=None if is_new else changed)
        if one.address.key not in known:
            _add_address(contact, one)
            changed = [*changed, "address"]
        known |= {key: contact for key in (one.address.key, one.address.phone) if key}
        counts["created" if is_new else "updated" if changed else "unchanged"] += 1
    return counts


def _known(account_id: int, rows: Sequence[Row]) -> dict[str, Contact]:
    """Return whose addresses and numbers are known, their cards locked in one order."""
    keys = {one.address.key for one in rows}
    phones = {one.address.phone for one in rows if one.address.phone}
    theirs = ContactAddress.objects.filter(
        Q(key__in=keys) | Q(phone__in=phones), account=account_id
    ).order_by("-pk")
    pairs = list(theirs.values_list("key", "phone", "contact"))
    cards = Contact.objects.filter(pk__in={pk for _key, _phone, pk in pairs}).order_by("pk")
    contacts = {one.pk: one for one in cards.select_for_update(no_key=True)}
    by_phone = {phone: contacts[pk] for _key, phone, pk in pairs if phone}
    return {**by_phone, **{key: contacts[pk] for key, _phone, pk in pairs}}


def _write(contact: Contact, row: Row) -> list[str]:
    """Write on a card what a row says; return the fields that changed."""
    tags = list(with_tags(contact.tags, row.tags).all)
    attributes = dict(with_attributes(contact.attributes, _news(contact, row)).all)
    notes = contact.notes
    if row.notes and row.notes not in notes:
        notes = "\n\n".join(filter(None, (notes, row.notes)))
    wanted: Mapping[str, Any] = {
        "name": row.name or contact.name,
        "language": row.language or contact.language,
        "tags": tags,
        "attributes": attributes,
        "notes": notes,
    }
    changed = [name for name, value in wanted.items() if getattr(contact, name) != value]
    for name in changed:
        setattr(contact, name, wanted[name])
    return changed


def _news(contact: Contact, row: Row) -> dict[str, str]:
    """Return the attributes that say something else than the card: a number stays a number."""
    known = {name.casefold(): cell_of(value) for name, value in contact.attributes.items()}
    return {
        name: text for name, text in row.attributes.items() if known.get(name.casefold()) != text
    }


def _add_address(contact: Contact, row: Row) -> None:
    address = row.address
    ContactAddress.objects.create(
        account_id=contact.account_id,
        contact=contact,
        key=address.key,
        family=address.family,
        raw=address.raw,
        phone=address.phone,
        is_repliable=address.is_repliable,
    )


def _note(action: str, row: ContactImport, by: User, now: datetime, **data: Any) -> None:
    audit.record(
        action=action,
        subject=str(row),
        actor=by,
        account_id=row.account_id,
        now=now,
        **data,
    )
