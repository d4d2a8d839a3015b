"""Who and what may not be forgotten yet? A legal hold wins over every setting and every erasure."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from accounts.audit import record
from accounts.models import Account, User
from compliance.addresses import parse_address
from compliance.ledger import handles_of
from inbox.models import (
    Contact,
    ContactAddress,
    Conversation,
    Erasure,
    LegalHold,
    Message,
    Thread,
)
from inbox.person_places import Whom
from inbox.setup.refusals import SetUpError

LONGEST = 500


@dataclass(frozen=True)
class Held:
    """What of one account is held, by the numbers of its rows; `all` is the whole account."""

    all: bool = False
    contacts: frozenset[int] = frozenset()
    conversations: frozenset[int] = frozenset()
    handles: frozenset[str] = frozenset()

    def off_messages(self, prefix: str = "") -> Q:
        """Return what keeps messages that are free; `prefix` leads from a row to its message."""
        if self.all:
            return Q(pk__in=[])
        free = Q()
        if self.contacts:
            free &= ~Q(**{f"{prefix}thread__contact__in": self.contacts})
        if self.conversations:
            # In SQL no conversation is in no list: those without one are let through by name.
            free &= Q(**{f"{prefix}conversation__isnull": True}) | ~Q(
                **{f"{prefix}conversation__in": self.conversations}
            )
        return free

    def threads(self) -> "QuerySet[Thread]":
        """Return the threads of which something is held."""
        mine = Q(contact__in=self.contacts) | Q(conversations__in=self.conversations)
        return Thread.objects.filter(mine).distinct()

    def every_handle(self, account_id: int) -> frozenset[str]:
        """Return what the account's ledger calls the addresses of whom something is held of."""
        if not self.contacts and not self.conversations:
            return self.handles
        theirs = Q(contact__in=self.contacts) | Q(threads__conversations__in=self.conversations)
        keys = ContactAddress.objects.filter(theirs).values_list("key", flat=True).distinct()
        return self.handles | handles_of(account_id, map(parse_address, keys))


def standing(account_id: int) -> "QuerySet[LegalHold]":
    """Return the holds of an account that nobody lifted."""
    return LegalHold.objects.filter(account=account_id, lifted_at=None)


def held_in(account_id: int) -> Held:
    """Return what of an account is held now. One query."""
    rows = list(standing(account_id))
    return Held(
        all=any(row.scope == LegalHold.Scope.ACCOUNT for row in rows),
        contacts=frozenset(row.contact_id for row in rows if row.contact_id),
        conversations=frozenset(row.conversation_id for row in rows if row.conversation_id),
        handles=frozenset(row.handle for row in rows if row.handle),
    )


def holds_on(whom: Whom) -> "QuerySet[LegalHold]":
    """Return the standing holds that keep a person from being erased."""
    mine = Q(scope=LegalHold.Scope.ACCOUNT) | Q(handle__in=whom.handles)
    if whom.contact_id:
        mine |= Q(contact=whom.contact_id)
        mine |= Q(conversation__thread__contact=whom.contact_id)
    return standing(whom.account_id).filter(mine)


def holds_on_message(message: Message) -> "QuerySet[LegalHold]":
    """Return the standing holds that keep a message: its conversation's, person's or account's."""
    contact = message.thread.contact_id
    keys = ContactAddress.objects.filter(contact=contact).values_list("key", flat=True)
    known = handles_of(message.account_id, map(parse_address, keys))
    mine = Q(scope=LegalHold.Scope.ACCOUNT) | Q(contact=contact) | Q(handle__in=known)
    return standing(message.account_id).filter(mine | Q(conversation=message.conversation_id))


def set_hold(
    *,
    account: Account,
    reason: str,
    by: User,
    now: datetime,
    contact: Contact | None = None,
    handle: str = "",
    conversation: Conversation | None = None,
) -> LegalHold:
    """Hold a person, a conversation, or the whole account. Raises SetUpError."""
    given = _reason(reason)
    scope = LegalHold.Scope.ACCOUNT
    if contact or handle:
        scope = LegalHold.Scope.PERSON
    elif conversation:
        scope = LegalHold.Scope.CONVERSATION
    hold = LegalHold(
        account=account,
        scope=scope,
        contact=contact,
        handle="" if contact else handle,
        conversation=conversation,
        reason=given,
        set_by=by,
        set_at=now,
    )
    try:
        with transaction.atomic(durable=True):
            # An erasure that begins holds this row too: one of the two is first.
            lock_account(account.pk)
            _refuse_erased(account, contact)
            hold.save(force_insert=True)
            _tell(hold, "legal_hold_set", by, now, given)
    except IntegrityError as error:
        raise SetUpError(_("This is held already. Lift that hold first.")) from error
    return hold


def lift_hold(*, hold: LegalHold, reason: str, by: User, now: datetime) -> LegalHold:
    """Lift a hold; erasures that waited for it go on. Raises SetUpError."""
    given = _reason(reason)
    with transaction.atomic(durable=True):
        row = LegalHold.objects.select_for_update().get(pk=hold.pk)
        if row.lifted_at:
            raise SetUpError(_("Somebody lifted this hold already."))
        row.lifted_at, row.lifted_by, row.lift_reason = now, by, given
        row.save(update_fields=["lifted_at", "lifted_by", "lift_reason"])
        Erasure.objects.filter(account=row.account_id, state=Erasure.State.HELD).update(next_at=now)
        _tell(row, "legal_hold_lifted", by, now, given)
    return row


def lock_account(account_id: int) -> None:
    """Let holds and beginnings of erasures come one after the other."""
    Account.objects.select_for_update(no_key=True).only("pk").get(pk=account_id)


def _refuse_erased(account: Account, contact: Contact | None) -> None:
    begun: Collection[str] = (Erasure.State.FORGETTING, Erasure.State.OUTSIDE, Erasure.State.DONE)
    if contact and Erasure.objects.filter(contact=contact, state__in=begun).exists():
        raise SetUpError(_("This person was erased: there is nothing left to hold."))


def _reason(typed: str) -> str:
    reason = " ".join(typed.replace("\0", "").split())
    if not reason:
        raise SetUpError(_("Say why."), field="reason")
    if len(reason) > LONGEST:
        words = _("Say it in %(most)s characters at most.") % {"most": LONGEST}
        raise SetUpError(words, field="reason")
    return reason


def _tell(hold: LegalHold, action: str, by: User, now: datetime, reason: str) -> None:
    named = hold.contact or hold.conversation
    record(
        action=action,
        subject=str(hold),
        actor=by,
        account_id=hold.account_id,
        now=now,
        row=str(hold.pk),
        scope=hold.scope,
        of=named.public_id if named else hold.handle,
        reason=reason,
    )
