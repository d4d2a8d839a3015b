"""May a message on this thread go now? What we ask the gate, and what it says."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from accounts.access import feature_is_on, is_licensed
from accounts.english import noop
from accounts.models import Feature, User
from compliance.addresses import WHATSAPP, Address, parse_address
from compliance.cases import Asked, Known, look_up
from compliance.decisions import Stage, keep_decision
from compliance.evidence import EVERY_PROGRAMME
from compliance.gate import Purpose, SendBlockedError, SendRequest, Verdict, check_send
from compliance.judging import ACKNOWLEDGED, DAY, OFFERS, Answer, Mark, Template
from compliance.models import GateDecision
from compliance.opt_out_links import carries_link
from compliance.reasons import meaning_of
from compliance.whereabouts import Stated
from compliance.wording import names, says_how_to_stop
from inbox.contacts import address_of
from inbox.models import Contact, ContactAddress, Conversation, Message, Sender, Thread

if TYPE_CHECKING:
    from django.db.models import QuerySet

_DID_NOT_GO = (Message.Status.FAILED, Message.Status.BLOCKED, Message.Status.CANCELED)
_UNASKED = (*OFFERS, Purpose.NOTIFICATION)
# Which of ours need say who writes only where they are the first; offers and the like always do.
_INTRODUCED = (Purpose.REPLY, Purpose.AUTO_REPLY, Purpose.NOTIFICATION)
# What a person may say that a message of theirs is.
UNASKED_BY_PEOPLE = (Purpose.NOTIFICATION, Purpose.PROMOTIONAL)
BY_PEOPLE = (Purpose.REPLY, *UNASKED_BY_PEOPLE)


@dataclass(frozen=True)
class Wanted:
    """A message that somebody wants to send. `went_on` names what its author was asked already.

    Without a `body` nothing is written yet. It is of one `programme`, or of none in particular, and
    not to be sent after `expires_at`.
    """

    purpose: Purpose
    author: User | None
    requested_at: datetime
    body: str | None = None
    went_on: frozenset[str] = frozenset()
    template: Template | None = None
    programme: str = EVERY_PROGRAMME
    expires_at: datetime | None = None


def verdict_on(
    thread: Thread, wanted: Wanted, *, now: datetime, known: Known | None = None
) -> Verdict:
    """Ask the gate about a message on this thread.

    `known` is where its customer stands, if that is only supposed; else it is looked up.
    """
    address = address_of(thread)
    known = known or known_of(thread, wanted.purpose, programme=wanted.programme)
    request = SendRequest(
        account_id=thread.account_id,
        asked=_asked(thread, wanted, address, known, now=now),
        has_feature=has_features(thread.account_id, thread.address.family, now=now),
        is_author_licensed=_is_licensed(wanted, now=now),
        is_contact_blocked=thread.contact.is_blocked,
        pause=pause_of(thread.sender),
        is_sender_removed=thread.sender.is_removed,
        out_of_reach=_out_of_reach(thread.address),
    )
    return check_send(request, known=known, now=now)


def known_of(thread: Thread, purpose: Purpose, *, programme: str = EVERY_PROGRAMME) -> Known:
    """Return where the customer of a thread stands for a message of this purpose."""
    address = address_of(thread)
    others = _every_address(thread, address) if purpose in OFFERS else ()
    return look_up(
        thread.account_id, address, thread.our_address, others=others, programme=programme
    )


def _asked(
    thread: Thread, wanted: Wanted, address: Address, known: Known, *, now: datetime
) -> Asked:
    """Gather what the rules of this purpose ask for; what none asks for is not looked up."""
    purpose, body = wanted.purpose, wanted.body or ""
    names_us = _names_us(thread, wanted)
    return Asked(
        purpose=purpose,
        requested_at=wanted.requested_at,
        address=address,
        our_address=thread.our_address,
        last_inbound_at=thread.last_inbound_at,
        last_words_at=thread.last_words_at,
        answered_at=_answered_at(thread, wanted) if known.is_out else None,
        confirmed_at=_confirmed_at(thread, wanted, address),
        sent_lately=_sent_lately(thread, wanted, now=now) if purpose in _UNASKED else (),
        stated=_stated(thread.contact),
        names_us=names_us,
        is_first=not names_us and purpose in _INTRODUCED and is_first_word(thread, wanted),
        says_how_to_stop=purpose in OFFERS and says_how_to_stop(body),
        has_stop_link=purpose in (*_UNASKED, Purpose.AUTO_REPLY)
        and carries_link(body, thread.account_id, address, now=now),
        template=wanted.template,
        expires_at=wanted.expires_at,
        programme=wanted.programme,
        went_on=wanted.went_on,
    )


def _names_us(thread: Thread, wanted: Wanted) -> bool:
    """Say whether it says who writes; an answer of which nothing is written yet still may."""
    must = wanted.purpose in ACKNOWLEDGED or wanted.purpose in OFFERS
    if not must and (wanted.purpose not in _INTRODUCED or wanted.body is None):
        return True
    return names(wanted.body or "", thread.sender.account.name)


def is_first_word(thread: Thread, wanted: Wanted) -> bool:
    """Say whether nothing of ours went out on a thread before the message in question."""
    said = _before(thread, wanted).filter(kind__in=(Message.Kind.TEXT, Message.Kind.AUTO))
    return not said.exists()


def _before(thread: Thread, wanted: Wanted) -> "QuerySet[Message]":
    """Return what was sent on a thread before the message in question, as far as it went."""
    return Message.objects.filter(
        thread=thread,
        direction=Message.Direction.OUT,
        created_at__lt=wanted.requested_at,
    ).exclude(status__in=_DID_NOT_GO)


def _answered_at(thread: Thread, wanted: Wanted) -> datetime | None:
    """Return when a person answered last on this thread."""
    answers = _before(thread, wanted).filter(kind=Message.Kind.TEXT, author__isnull=False)
    return answers.order_by("-seq").values_list("created_at", flat=True).first()


def _confirmed_at(thread: Thread, wanted: Wanted, address: Address) -> datetime | None:
    """Return when an opt-out of theirs was confirmed last, at whichever number of ours."""
    if wanted.purpose is not Purpose.OPT_OUT_CONFIRMATION:
        return None
    confirmations = Message.objects.filter(
        account=thread.account_id,
        thread__address__key__in=address.sibling_keys,
        purpose=Purpose.OPT_OUT_CONFIRMATION.value,
        created_at__lt=wanted.requested_at,
    ).exclude(status__in=_DID_NOT_GO)
    return confirmations.order_by("-pk").values_list("created_at", flat=True).first()


def _sent_lately(thread: Thread, wanted: Wanted, *, now: datetime) -> Sequence[datetime]:
    """Return when they got what they had not asked for, on any thread, within a day."""
    unasked = Message.objects.filter(
        account=thread.account_id,
        thread__contact=thread.contact_id,
        direction=Message.Direction.OUT,
        purpose__in=[purpose.value for purpose in _UNASKED],
        sending_at__gt=now - DAY,
        created_at__lt=wanted.requested_at,
    ).exclude(status__in=_DID_NOT_GO)
    return [at for at in unasked.values_list("sending_at", flat=True) if at]


def _every_address(thread: Thread, address: Address) -> tuple[Address, ...]:
    """Return the person's other addresses of every channel."""
    keys = ContactAddress.objects.filter(contact=thread.contact_id).values_list("key", flat=True)
    every = {one.consent_key: one for one in map(parse_address, keys)}
    every.pop(address.consent_key, None)
    return tuple(every.values())


def _stated(contact: Contact) -> Stated:
    """Return where somebody says they are, as their card has it."""
    said = {
        name: value if isinstance(value := contact.attributes.get(name), str) else ""
        for name in ("time_zone", "country", "region")
    }
    return Stated(said["time_zone"], said["country"], said["region"])


def _is_licensed(wanted: Wanted, *, now: datetime) -> bool:
    """Say whether its author may write: an answer has one, what a machine sends has none."""
    if wanted.author is None:
        return wanted.purpose is not Purpose.REPLY
    return is_licensed(wanted.author.pk, now=now)


def pause_of(sender: Sender) -> str:
    """Say why a number of ours is paused; blank while it sends."""
    return (sender.paused_reason or "An admin stopped it.") if sender.is_paused else ""


def _out_of_reach(address: ContactAddress) -> Mark | None:
    """Return who marked an address as one that reaches nobody, and when, if anybody did."""
    if address.out_of_reach_at is None:
        return None
    by = address.out_of_reach_by
    return Mark(by.name if by else noop("Somebody"), address.out_of_reach_at)


def has_features(account_id: int, family: str, *, now: datetime) -> bool:
    """Say whether an account has Team Inbox, and WhatsApp where it is about WhatsApp."""
    needed = [Feature.TEAM_INBOX]
    if family == WHATSAPP:
        needed.append(Feature.WHATSAPP)
    return all(feature_is_on(account_id, feature, now=now) for feature in needed)


def refuse_blocked(thread: Thread, wanted: Wanted, *, now: datetime) -> Verdict:
    """Return what the gate says of a message that may go, now or later by itself.

    Raises SendBlockedError for any other.
    """
    verdict = verdict_on(thread, wanted, now=now)
    if not (verdict.is_allowed or verdict.is_deferred):
        raise SendBlockedError(verdict)
    return verdict


@contextmanager
def keeping_refusals(thread: Thread, wanted: Wanted, *, now: datetime) -> Iterator[None]:
    """Keep what the gate said of a message that it refused, of which nothing else is kept.

    Goes around the transaction that the refusal rolls back.
    """
    try:
        yield
    except SendBlockedError as refused:
        keep_decision(
            refused.verdict,
            account_id=thread.account_id,
            stage=Stage.QUEUED,
            purpose=wanted.purpose,
            thread=thread.public_id,
            author=wanted.author,
            now=now,
        )
        raise


def warnings_on(message: Message) -> list[str]:
    """Return what the author of a message should know of it, though the gate let it go."""
    decisions = GateDecision.objects.filter(
        account=message.account_id, message_ref=message.public_id, stage=Stage.QUEUED
    )
    kept = decisions.values_list("findings", flat=True).first() or ()
    return [meaning_of(one["code"]) for one in kept if one["answer"] == Answer.ALLOW]


def compose_verdict(*, conversation: Conversation, user: User, now: datetime) -> Verdict:
    """Say what the gate would say if `user` answered now: the composer shows it beforehand."""
    return verdict_on(conversation.thread, Wanted(Purpose.REPLY, user, now), now=now)
