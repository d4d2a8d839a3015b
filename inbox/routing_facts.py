"""What do rules and replies know of a message? All of behaviour 9, asked for if needed."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from compliance.consent import consent_of
from compliance.models import ConsentState
from inbox.contacts import address_of
from inbox.models import Attachment, Contact, Conversation, Message, Thread
from inbox.rulebooks import NONE, InForce
from inbox.timers import hours_of
from routing.facts import Answer, Customer, Facts, Text, Trigger, Value
from routing.languages import UNCLEAR, detect
from routing.places import place_of
from routing.rules import Target


@dataclass(frozen=True)
class Arrived:
    """A message with what was there before it came.

    `last_wrote_at` is when the customer wrote before, None if never.
    """

    thread: Thread
    conversation: Conversation
    message: Message
    media_types: tuple[str, ...] = ()
    last_wrote_at: datetime | None = None
    is_first_ever: bool = True


def arrived(message: Message, conversation: Conversation) -> Arrived:
    """Return a stored message as it was when it came. The thread must come with it."""
    before = Message.objects.filter(
        thread=message.thread_id, direction=Message.Direction.IN, seq__lt=message.seq
    ).order_by("-seq")
    last = before.values_list("received_at", flat=True).first()
    types = Attachment.objects.filter(message=message).order_by("position")
    return Arrived(
        message.thread,
        conversation,
        message,
        tuple(types.values_list("declared_type", flat=True)),
        last,
        last is None,
    )


def facts_of(
    came: Arrived,
    trigger: Trigger,
    rules: InForce = NONE,
    *,
    languages: Collection[str] = (),
    asked: Collection[str] = (),
    answers: Mapping[str, Answer] | None = None,
) -> Facts:
    """Gather what is known of a message. What neither rule nor reply asks for is not looked up.

    `languages` are those that replies tell apart, beside those that rules do; `asked` are the facts
    that replies ask for.
    """
    row, message = came.conversation, came.message
    wanted = {*languages, *rules.languages}
    language = detect(message.body, sorted(wanted)) if wanted else UNCLEAR
    return Facts(
        seed=message.public_id,
        trigger=trigger,
        text=Text(
            message.body,
            language.code,
            language.confidence,
            tuple(sorted({_kind(one) for one in came.media_types})),
        ),
        customer=_customer(came, rules, rules.facts.union(asked)),
        channel=message.channel,
        sender=came.thread.our_address,
        calendar=hours_of(row.inbox).calendar,
        conversation_tags=frozenset(row.tags),
        priority=row.priority,
        answers=answers or {},
    )


def with_answers(facts: Facts, answers: Mapping[str, Answer]) -> Facts:
    """Return facts with what look-ups said besides."""
    return replace(facts, answers={**facts.answers, **answers})


def customer_of(thread: Thread, contact: Contact) -> Customer:
    """Return what is known of a customer without asking for more. The address must be loaded."""
    number = thread.address.phone
    place = place_of(number)
    return Customer(
        number=number,
        country=place.country,
        region=place.region,
        zone=place.zone,
        name=contact.name or contact.profile_name,
        language=contact.language,
        tags=frozenset(contact.tags),
        attributes={name: _value(value) for name, value in contact.attributes.items()},
        owner=contact.owner_id,
    )


def _customer(came: Arrived, rules: InForce, asked: Collection[str]) -> Customer:
    return replace(
        customer_of(came.thread, came.thread.contact),
        consent=_consent(came.thread) if "consent" in asked else "",
        last_owner=_last_owner(came.conversation, rules, asked),
        last_wrote_at=came.last_wrote_at,
        is_first_ever=came.is_first_ever,
    )


def _value(value: Any) -> Value:
    """Return an attribute as it was before JSON kept it: a list of texts was a tuple."""
    found: Value = tuple(map(str, value)) if isinstance(value, list) else value
    return found


def _consent(thread: Thread) -> str:
    consent = consent_of(thread.account_id, address_of(thread))
    return consent.state if consent else ConsentState.CONVERSATIONAL.value


def _last_owner(row: Conversation, rules: InForce, asked: Collection[str]) -> int | None:
    """Return who had the customer last, here or in a conversation before."""
    if row.last_owner_id or row.previous_id is None:
        return row.last_owner_id
    if Target.LAST_OWNER not in rules.targets and "last_owner" not in asked:
        return None
    before = Conversation.objects.filter(
        thread=row.thread_id, pk__lt=row.pk, last_owner__isnull=False
    )
    return before.order_by("-pk").values_list("last_owner", flat=True).first()


def _kind(content_type: str) -> str:
    """Return what kind of file it is: image, audio, video, or what its type says."""
    major, _, minor = content_type.partition(";")[0].strip().lower().partition("/")
    return major if major in ("image", "audio", "video") else minor or major
