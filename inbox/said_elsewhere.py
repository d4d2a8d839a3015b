"""What does a person note of a customer's consent that was not said in a message?

On the phone, by e-mail, over the counter: any reasonable way to say stop is one (47 CFR
64.1200(a)(10)). Whoever may answer a customer notes it, and takes back with a reason what a person
noted; that nobody writes to somebody any more is for supervisors to say. An opt-in that is noted
rests on the word of who notes it, unless there is a proof that somebody else can look at.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.access import Viewer
from accounts.models import User
from compliance.evidence import (
    EVERY_PROGRAMME,
    Basis,
    EventKind,
    Evidence,
    EvidenceError,
    Quality,
    Source,
    Wording,
)
from compliance.models import Consent, ConsentEvent, ConsentState
from compliance.recording import (
    NotCorrectableError,
    OptInRefusedError,
    record_consent,
    withdraw_event,
)
from inbox.abilities import Ability
from inbox.broadcast import announce
from inbox.contacts import address_of
from inbox.conversations import locked_conversation, require
from inbox.linked import linked_addresses, opted_out_elsewhere
from inbox.models import Conversation, Thread
from inbox.opting_in import OptedIn, opt_in
from inbox.opting_out import opt_out
from inbox.refusals import MissingInputError, NotAllowedError, RefusedError
from inbox.sending import NO_CONTACT, cancel_unsent, follow_consent, locked_thread
from inbox.story import Story

LONGEST = 300
# How somebody may have said it, and what that is in the ledger.
WAYS: Mapping[str, Source] = {
    "phone": Source.VERBAL,
    "in_person": Source.VERBAL,
    "email": Source.AGENT,
    "letter": Source.PAPER,
    "other": Source.AGENT,
}
# What somebody here noted, and may therefore take back.
NOTED_HERE = frozenset({Source.VERBAL, Source.AGENT, Source.PAPER})
LARGEST_PROOF = 25 * 1024 * 1024  # bytes
LONGEST_NAME = 80


@dataclass(frozen=True)
class Proof:
    """What shows that somebody agreed: a web link to it, or the SHA-256 of a file.

    The file stays with who has it: with the hash everybody can tell later that it is the same.
    """

    link: str = ""
    file_sha256: str = ""
    file_name: str = ""

    @property
    def is_there(self) -> bool:
        """Say whether there is anything to look at."""
        return bool(self.link or self.file_sha256)


NO_PROOF = Proof()


def proof_of(link: str, name: str = "", pieces: Iterable[bytes] = ()) -> Proof:
    """Take in a proof: its link, and the name and the bytes of its file if there is one.

    Raises MissingInputError for what is no web link, and for a file that is empty or too large.
    """
    link = link.strip()
    if link:
        try:
            URLValidator(schemes=["http", "https"])(link)
        except ValidationError as error:
            words = _("The link to the proof is no web address: it begins with https://.")
            raise MissingInputError(words) from error
    if not name:
        return Proof(link)
    made, size = sha256(), 0
    for piece in pieces:
        size += len(piece)
        if size > LARGEST_PROOF:
            words = _("The file is larger than %(limit)s MB: give a link to it instead.")
            raise MissingInputError(words % {"limit": LARGEST_PROOF // 1024**2})
        made.update(piece)
    if not size:
        raise MissingInputError(_("The file is empty: choose the one that shows it."))
    return Proof(link, made.hexdigest(), name[-LONGEST_NAME:])


def note_opt_out(
    *,
    conversation: Conversation,
    by: Viewer,
    user: User,
    way: str,
    note: str,
    said_at: datetime | None = None,
    now: datetime,
) -> None:
    """Note that a customer asked to stop elsewhere: at once, for the whole channel family.

    `said_at` is when they said it, in any zone; without it, now. Raises MissingInputError, and what
    `require` raises for who may not answer.
    """
    require(Ability.TAG, by, conversation)
    if way not in WAYS:
        raise MissingInputError(_("Say how they asked: on the phone, in person, by e-mail…"))
    evidence = Evidence(
        EventKind.OPT_OUT,
        WAYS[way],
        occurred_at=said_at,
        note=_short(f"{way}: {note}" if note.strip() else way),
        recorded_by=user.pk,
    )
    try:
        opt_out(
            account_id=conversation.account_id,
            address=address_of(conversation.thread),
            evidence=evidence,
            by=user,
            now=now,
        )
    except EvidenceError as error:
        raise MissingInputError(error.reason) from error


def note_opt_in(
    *,
    conversation: Conversation,
    by: Viewer,
    user: User,
    way: str,
    told: str,
    note: str = "",
    said_at: datetime | None = None,
    proof: Proof = NO_PROOF,
    is_written: bool = False,
    now: datetime,
) -> OptedIn:
    """Note that a customer agreed elsewhere to get messages; where the account asks people to
    confirm that, they are asked, and it counts once they say yes.

    `told` is what they were told or shown. With a `proof` it counts like any other that is proven:
    also for who opted out before; where the account wants it, a second person decides that. What
    `is_written` (signed, an e-mail of theirs) needs the proof, and is what offers need in the USA
    (47 CFR 64.1200(f)(9)). Raises MissingInputError, RefusedError for who opted out and nothing
    newer proves otherwise, and what `require` raises.
    """
    require(Ability.TAG, by, conversation)
    if way not in WAYS:
        raise MissingInputError(_("Say how they agreed: on the phone, in person, by e-mail…"))
    if not told.strip():
        raise MissingInputError(_("Say what they were told: it is kept as evidence."))
    if is_written and not proof.is_there:
        raise MissingInputError(_("Attach what they signed or wrote: the file, or a link to it."))
    if proof.is_there:
        _check_newer(conversation, said_at)
    named = f"file: {proof.file_name}" if proof.file_name else ""
    evidence = Evidence(
        EventKind.GRANT,
        WAYS[way],
        occurred_at=said_at,
        basis=(Basis.EXPRESS_WRITTEN if is_written else Basis.EXPRESS).value,
        quality=(Quality.FIRST_HAND if proof.is_there else Quality.ASSERTED_BY_AGENT).value,
        wording=Wording("said", f"{now:%Y-%m-%d}", "", _short(told)),
        file_sha256=proof.file_sha256,
        page_url=proof.link,
        note=" · ".join(filter(None, (_short(f"{way}: {note}" if note.strip() else way), named))),
        recorded_by=user.pk,
    )
    try:
        return opt_in(
            account=conversation.account,
            address=address_of(conversation.thread),
            evidence=evidence,
            sender=conversation.thread.sender,
            by=user,
            now=now,
        )
    except EvidenceError as error:
        raise MissingInputError(error.reason) from error
    except OptInRefusedError as error:
        raise RefusedError(error.reason) from error


def _check_newer(conversation: Conversation, said_at: datetime | None) -> None:
    """See that a proven opt-in is not older than the opt-out that stands, if one does."""
    consent = _opted_out(conversation.thread)
    if consent is None:
        return
    if said_at is None:
        raise MissingInputError(
            _("Say when they agreed: they opted out, so it must be after that.")
        )
    if consent.opted_out_at and said_at <= consent.opted_out_at:
        raise RefusedError(_("They opted out after that: only something newer counts."))


def lift_noted(
    *, conversation: Conversation, by: Viewer, user: User, reason: str, now: datetime
) -> None:
    """Take back an opt-out that a person noted; what the customer did themselves stays.

    Raises MissingInputError without a reason, RefusedError where nobody here may lift it.
    """
    require(Ability.TAG, by, conversation)
    if not reason.strip():
        raise MissingInputError(_("Say why it was noted in error: it is kept as evidence."))
    with transaction.atomic(durable=True):
        thread = locked_thread(conversation.thread_id)
        address = address_of(thread)
        others = (
            *linked_addresses(thread.contact_id, address),
            # What it did on other channels is taken back as well, whatever is settled today.
            *opted_out_elsewhere(thread.account_id, thread.contact_id, address),
        )
        noted = noted_opt_out(thread)
        if noted is None:
            raise RefusedError(_("Only they can undo this, by texting START."))
        try:
            recorded = withdraw_event(
                account_id=thread.account_id,
                address=address,
                others=others,
                seq=noted.seq,
                reason=_short(reason),
                by=user.pk,
                source=Source.AGENT,
                now=now,
            )
        except NotCorrectableError as error:
            raise RefusedError(error.reason) from error
        story = Story(now=now, actor=user)
        follow_consent(thread, conversation, (address, *others), recorded.state, story)
        announce(story.announcements(), now=now)


def noted_opt_out(thread: Thread) -> ConsentEvent | None:
    """Return the opt-out that stands and that a person noted, if it is one."""
    consent = _opted_out(thread)
    if consent is None or consent.decided_by is None:
        return None
    return ConsentEvent.objects.filter(
        account=thread.account_id,
        seq=consent.decided_by,
        kind=EventKind.OPT_OUT,
        source__in=[source.value for source in NOTED_HERE],
    ).first()


def _opted_out(thread: Thread) -> Consent | None:
    address = address_of(thread)
    return Consent.objects.filter(
        account=thread.account_id,
        address=address.consent_key,
        family=address.consent_family,
        programme=EVERY_PROGRAMME,
        state=ConsentState.OPTED_OUT,
    ).first()


def mark_no_contact(
    *, conversation: Conversation, by: Viewer, user: User, reason: str, is_on: bool, now: datetime
) -> None:
    """Say that nobody may write to somebody any more, or that they may again.

    No keyword of theirs lifts it. Raises NotAllowedError for who does not supervise the inbox, and
    MissingInputError without a reason.
    """
    if not may_forbid(by, conversation):
        raise NotAllowedError(_("Only supervisors say this."))
    if not reason.strip():
        raise MissingInputError(_("Say why: it is kept as evidence."))
    with transaction.atomic(durable=True):
        thread = locked_thread(conversation.thread_id)
        address = address_of(thread)
        others = linked_addresses(thread.contact_id, address)
        record_consent(
            account_id=thread.account_id,
            address=address,
            others=others,
            evidence=Evidence(
                EventKind.NO_CONTACT if is_on else EventKind.CONTACT_AGAIN,
                Source.ADMIN,
                reason=_short(reason),
                recorded_by=user.pk,
            ),
            now=now,
        )
        story = Story(now=now, actor=user)
        if is_on:
            cancel_unsent(thread.account_id, (address, *others), story, code=NO_CONTACT)
        row = locked_conversation(conversation)
        state = "no_contact" if is_on else "contact_again"
        story.consent_changed(row, channel=address.consent_family, state=state)
        announce(story.announcements(), now=now)


def may_forbid(viewer: Viewer, conversation: Conversation) -> bool:
    """Say whether somebody may mark the customer do-not-contact."""
    return (
        viewer.may_see and not viewer.is_support and viewer.supervises_team(conversation.inbox_id)
    )


def _short(text: str) -> str:
    return " ".join(text.split())[:LONGEST]
