"""How does an erasure begin: all at once, so that from here on nothing leads to the person?"""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import CharField, F, Value
from django.db.models.functions import Cast, Concat

from accounts.english import noop
from compliance.addresses import Address, parse_address
from compliance.erasure import Erased, erase_person
from inbox.broadcast import announce
from inbox.closing import close_row
from inbox.conversations import locked_conversation
from inbox.forgetting.batches import empty_receipts
from inbox.forgetting.forms import in_work_about
from inbox.forgetting.holds import holds_on, lock_account
from inbox.models import Contact, ContactAddress, Conversation, Erasure, Message, Receipt, Thread
from inbox.person_places import Whom
from inbox.sending.locking import lock_conversation
from inbox.sending.progress import tell_updated
from inbox.story import Story

NOBODY = noop("Erased person")
NOWHERE = "erased"
# So long a message that came before is waited for: its story is told first, and erased with them.
PATIENCE = timedelta(minutes=10)
_CANCELLED = noop("Cancelled: the person was erased before it was sent.")


class StillUntoldError(Exception):
    """A message of theirs came before, and its story is about to be told."""


def begin(row: Erasure, known: Whom, *, now: datetime) -> Whom | None:
    """Forget who they are, cancel what waits for them and close what is open, in one transaction.

    Returns by what the rest of them is found, or None while a legal hold stands. Locks are taken
    in the order of the house: threads, contact, consents, ledger, messages, conversations.

    Raises StillUntoldError while what came from them is not taken in; what nobody could take in for
    `PATIENCE` goes with them, unread.
    """
    with transaction.atomic(durable=True):
        lock_account(row.account_id)
        threads = _locked_threads(row)
        addresses = _addresses(row, known)
        whom = _widened(known, addresses)
        if holds_on(whom).exists():
            return None
        _forget_untold(whom, now=now)
        story = Story(now=now)
        erased = erase_person(
            account_id=row.account_id, addresses=addresses, now=now, by=row.asked_by_id
        )
        _cancel(threads, story)
        _close(threads, story)
        if row.contact_id:
            _forget_who(row.contact_id, now=now)
        Erasure.objects.filter(pk=row.pk).update(
            state=Erasure.State.FORGETTING, step=0, counts=_counted(erased)
        )
        announce(story.announcements(), now=now)
    return Whom(
        whom.account_id,
        whom.contact_id,
        whom.keys,
        whom.phones,
        tuple(sorted({*whom.handles, *(one.handle for one in erased)})),
    )


def _forget_untold(whom: Whom, *, now: datetime) -> None:
    """Empty what came from them before and could not be processed.

    Whoever processes has a receipt first and waits for the thread that is ours: none is waited for.
    """
    untold = in_work_about(whom)
    rows = Receipt.objects.select_for_update(no_key=True, skip_locked=True).filter(pk__in=untold)
    ours = dict(rows.values_list("pk", "received_at"))
    is_fresh = any(at > now - PATIENCE for at in ours.values())
    if is_fresh or len(ours) < len(untold):
        raise StillUntoldError
    empty_receipts(untold, now=now)


def _locked_threads(row: Erasure) -> list[int]:
    if row.contact_id is None:
        return []
    rows = Thread.objects.select_for_update(no_key=True, of=("self",))
    found = rows.filter(contact=row.contact_id).order_by("pk")
    numbers = list(found.values_list("pk", flat=True))
    Contact.objects.select_for_update(no_key=True).only("pk").get(pk=row.contact_id)
    return numbers


def _addresses(row: Erasure, known: Whom) -> list[Address]:
    """Return every address of theirs, as it is now: they may have written from another one."""
    keys = set(known.keys)
    if row.contact_id:
        found = ContactAddress.objects.filter(contact=row.contact_id)
        keys |= set(found.values_list("key", flat=True))
    once = {one.consent_key: one for one in map(parse_address, sorted(keys))}
    return list(once.values())


def _widened(known: Whom, addresses: list[Address]) -> Whom:
    keys = {key for one in addresses for key in (*one.sibling_keys, one.consent_key, one.key)}
    phones = {one.phone for one in addresses if one.phone}
    return Whom(
        known.account_id,
        known.contact_id,
        tuple(sorted({*known.keys, *keys})),
        tuple(sorted({*known.phones, *phones})),
        known.handles,
    )


def _cancel(threads: list[int], story: Story) -> None:
    rows = Message.objects.select_for_update(of=("self",), no_key=True)
    waiting = rows.filter(thread__in=threads, status=Message.Status.QUEUED).order_by("pk")
    for message in waiting:
        message.status, message.settled_at = Message.Status.CANCELED, story.now
        message.error_code, message.error_words = "CONTACT_ERASED", _CANCELLED
        message.save()
        lock_conversation(message)
        tell_updated(message, story)
    unknown = Message.objects.filter(thread__in=threads, status=Message.Status.UNKNOWN)
    unknown.update(look_up_at=None)


def _close(threads: list[int], story: Story) -> None:
    for one in Conversation.objects.live().filter(thread__in=threads).order_by("pk"):
        close_row(locked_conversation(one), story, label="Team Inbox")


def _forget_who(contact_id: int, *, now: datetime) -> None:
    nobody = Concat(F("family"), Value(":erased-"), Cast("pk", CharField()))
    ContactAddress.objects.filter(contact=contact_id).update(
        key=nobody,
        raw="",
        phone="",
        is_repliable=False,
        out_of_reach_at=None,
        out_of_reach_by=None,
        out_of_reach_why="",
    )
    Thread.objects.filter(contact=contact_id).update(customer_address=NOWHERE)
    Contact.objects.filter(pk=contact_id).update(
        name=NOBODY,
        profile_name="",
        language="",
        owner=None,
        tags=[],
        attributes={},
        notes="",
        erased_at=now,
    )


def _counted(erased: list[Erased]) -> dict[str, int]:
    return {
        "addresses": len(erased),
        "consentdetails": sum(one.details for one in erased),
        "suppressions_kept": sum(one.is_suppressed for one in erased),
    }
