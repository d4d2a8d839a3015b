"""How does an agent begin a conversation with somebody who has not written?

Only where the inbox lets its agents, and only with whom the gate would let a message through:
contract, decision 2. A thread that is talked in already is gone on with.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import phonenumbers
from django.db import transaction

from accounts.access import Viewer
from accounts.english import noop
from accounts.models import User
from compliance.addresses import SMS, WHATSAPP, Address, parse_address, problem_of
from compliance.decisions import Stage, keep_decision
from compliance.gate import Purpose, SendBlockedError, Verdict
from compliance.judging import Template
from inbox import labels
from inbox.abilities import Ability, abilities_of, may_begin, part_of
from inbox.access import HandledByOtherError, contacts_of, conversations_of
from inbox.broadcast import announce
from inbox.closing import reopen_row
from inbox.contacts import is_opted_out, locked_thread
from inbox.conversations import locked_conversation, take_ownership
from inbox.inbound_flow import is_within_window
from inbox.models import (
    Contact,
    ContactAddress,
    Conversation,
    ConversationEvent,
    Sender,
    TeamInbox,
    Thread,
)
from inbox.refusals import MissingInputError, NotAllowedError
from inbox.searching.matching import contacts_named
from inbox.searching.parsing import parse
from inbox.sending import Wanted, verdict_on
from inbox.story import Story

CONTACTS = 20
_NOT_HERE = noop("Agents may not begin conversations in this inbox. An admin can allow it.")
_NO_NUMBER = noop("Write the number with its country: +14155550100.")


# --- Whom one may write to, and from which number -------------------------------------------------


@dataclass(frozen=True)
class Way:
    """A number of ours from which somebody can be written to."""

    sender: Sender
    family: str


@dataclass(frozen=True)
class Choice:
    """Somebody to write to: a number that was typed, or an address of a contact."""

    ways: Sequence[Way]
    number: str = ""
    contact: Contact | None = None
    address: ContactAddress | None = None

    @property
    def name(self) -> str:
        """Name the contact; of a number that was typed nobody is told whose it is."""
        if self.contact and self.address:
            return labels.contact_name(self.contact, self.address)
        return self.number


@dataclass(frozen=True)
class Choices:
    """Whom the reader can begin with. `words` are what they looked for."""

    inbox: TeamInbox
    senders: Sequence[Sender]
    words: str = ""
    found: Sequence[Choice] = ()


def choices_for(
    viewer: Viewer, inbox: TeamInbox, *, words: str = "", contact: Contact | None = None
) -> Choices:
    """Find whom this reader may begin a conversation with, in a fixed number of queries.

    Those of `contact`, or of the contacts they may see whose name or number holds `words`; and what
    was typed, where it is a whole number. Raises NotAllowedError where nobody begins one.
    """
    if not may_begin(viewer, inbox):
        raise NotAllowedError(_NOT_HERE)
    senders = list(inbox.senders.in_use().filter(is_paused=False))
    contacts = [contact] if contact else _contacts(viewer, words)
    found = _of_contacts(contacts, senders)
    number = _number_in(words, inbox) if words else ""
    known = {choice.address.phone for choice in found if choice.address}
    if number and number not in known:
        found.insert(0, Choice(_ways(senders, number), number=number))
    return Choices(inbox, senders, words, found)


def _contacts(viewer: Viewer, words: str) -> list[Contact]:
    query = parse(words)
    if not query.wanted:
        return []
    reachable = contacts_of(viewer).filter(is_blocked=False)
    named = contacts_named(reachable, viewer.account_id, query)
    return list(Contact.objects.filter(pk__in=named.pks[:CONTACTS]))


def _of_contacts(contacts: Sequence[Contact], senders: Sequence[Sender]) -> list[Choice]:
    by_pk = {one.pk: one for one in contacts}
    rows = ContactAddress.objects.filter(contact__in=contacts, alias_of=None, is_repliable=True)
    choices, seen = [], set()
    for row in rows.order_by("contact_id", "pk"):
        # Who has a number on two channels is offered once, by both.
        same = (row.contact_id, row.phone or row.key)
        ways = _ways(senders, row.phone, row.family)
        if ways and same not in seen:
            seen.add(same)
            choices.append(Choice(ways, contact=by_pk[row.contact_id], address=row))
    return choices


def _ways(senders: Sequence[Sender], phone: str, family: str = "") -> list[Way]:
    """Return our numbers that reach a phone on either channel, or an id on its own."""
    ways = [Way(one, WHATSAPP if one.is_whatsapp else SMS) for one in senders]
    return [way for way in ways if phone or way.family == family]


def _number_in(words: str, inbox: TeamInbox) -> str:
    """Return the whole number that was typed (E.164), or nothing."""
    try:
        parsed = phonenumbers.parse(words.strip(), inbox.account.default_country)
    except phonenumbers.NumberParseException:
        return ""
    if not phonenumbers.is_possible_number(parsed):
        return ""
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


# --- The story ------------------------------------------------------------------------------------


def address_for(
    viewer: Viewer, sender: Sender, *, number: str = "", address_id: int | None = None
) -> Address:
    """Return the address at which `sender` reaches a number, or an address of a contact.

    Raises MissingInputError for what is no number, or belongs to nobody whom this person sees.
    """
    phone = _number_in(number, sender.inbox)
    if address_id is not None:
        row = ContactAddress.objects.filter(
            pk=address_id, contact__in=contacts_of(viewer), alias_of=None, is_repliable=True
        ).first()
        if row is None:
            raise MissingInputError(noop("This contact is no longer there. Look again."))
        family = WHATSAPP if sender.is_whatsapp else SMS
        if not row.phone and row.family == family:
            return parse_address(row.raw)
        phone = row.phone
    if not phone:
        raise MissingInputError(_NO_NUMBER)
    found = parse_address(f"whatsapp:{phone}" if sender.is_whatsapp else phone)
    if problem_of(found):
        raise MissingInputError(_NO_NUMBER)
    if phone == sender.address.removeprefix("whatsapp:"):
        raise MissingInputError(noop("A number cannot write to itself."))
    return found


def begin_conversation(
    *, sender: Sender, address: Address, by: Viewer, user: User, now: datetime
) -> Conversation:
    """Open a conversation between one of our numbers and a customer, owned by who begins it.

    Nothing is sent: the first message is written in it, and judged like any other. Where they are
    talked with already that conversation is returned; one that was closed within the inbox's time
    for reopening is opened again. Where nobody claims, the team has it.

    Raises NotAllowedError, MissingInputError, SendBlockedError with the gate's words where no
    message could go, HandledByOtherError where somebody else talks with them.
    """
    _check_place(sender, by)
    try:
        with transaction.atomic(durable=True):
            thread = locked_thread(sender, address, now=now, our_address=sender.address)
            last = _last_of(thread)
            if last and not last.is_closed:
                return _as_seen(by, last)
            _check_customer(thread, user, now=now)
            story = Story(now=now, actor=user)
            row = _reopened(last, by, story) if last else None
            row = row or _begun(sender, thread, last, story)
            announce(story.announcements(), now=now)
    except SendBlockedError as refused:
        _keep(refused.verdict, thread, user, now=now)
        raise
    return row


def _check_place(sender: Sender, by: Viewer) -> None:
    if not may_begin(by, sender.inbox):
        raise NotAllowedError(_NOT_HERE)
    if sender.is_removed:
        raise MissingInputError(noop("This number is no longer in use here. Choose another."))


def _last_of(thread: Thread) -> Conversation | None:
    rows = Conversation.objects.select_for_update(no_key=True).filter(thread=thread)
    return rows.order_by("-pk").first()


def _as_seen(by: Viewer, row: Conversation) -> Conversation:
    """Return the conversation that goes on already, if this person may read it."""
    seen = conversations_of(by).select_related("inbox", "owner").filter(pk=row.pk).first()
    if seen is None:
        is_told = row.owner is not None and not row.is_hidden
        raise HandledByOtherError(row.owner.name if is_told and row.owner else "", row.owned_since)
    return seen


def _check_customer(thread: Thread, user: User, *, now: datetime) -> None:
    """Ask the gate whether they may be written to, as an answer or as a notice.

    On WhatsApp a template may go where words may not: it is asked about one.
    """
    template = Template("UTILITY") if thread.sender.is_whatsapp else None
    for purpose in (Purpose.REPLY, Purpose.NOTIFICATION):
        wanted = Wanted(purpose, user, now, template=template)
        verdict = verdict_on(thread, wanted, now=now)
        if verdict.is_allowed or verdict.is_deferred or verdict.is_question:
            return
    raise SendBlockedError(verdict)


def _keep(verdict: Verdict, thread: Thread, user: User, *, now: datetime) -> None:
    """Keep what the gate said, though nothing else is kept: a new thread is no more."""
    keep_decision(
        verdict,
        account_id=thread.account_id,
        stage=Stage.QUEUED,
        purpose=Purpose.NOTIFICATION,
        thread=thread.public_id,
        author=user,
        now=now,
    )


def _reopened(last: Conversation, by: Viewer, story: Story) -> Conversation | None:
    """Open a conversation again that was closed lately, if who begins may read it."""
    row = locked_conversation(last)
    is_theirs = conversations_of(by).filter(pk=row.pk).exists()
    may_reopen = is_theirs and Ability.REOPEN in abilities_of(by, row, part_of(by, row))
    if not may_reopen or not is_within_window(row, row.inbox, now=story.now):
        return None
    assert story.actor
    reopen_row(row, story.actor, story)
    return row


def _begun(sender: Sender, thread: Thread, last: Conversation | None, story: Story) -> Conversation:
    assert story.actor
    row = Conversation.objects.create(
        account_id=thread.account_id,
        inbox=sender.inbox,
        thread=thread,
        contact=thread.contact,
        is_opted_out=is_opted_out(thread),
        previous=last,
        opened_at=story.now,
        last_activity_at=story.now,
    )
    story.conversation_created(row, channel=thread.address.family)
    story.record(row, ConversationEvent.Verb.OPENED, did="begun")
    if not sender.inbox.is_collaborative:
        take_ownership(row, story.actor, story)
    return row
