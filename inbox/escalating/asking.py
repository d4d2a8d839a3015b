"""Who asks the Data Action that a step names? A worker that may wait, outside of transactions.

A lease on the timer keeps other workers away meanwhile. If a worker dies, the next one asks when
the lease is over, and the question bears the same id; what was decided is done once, since the
timer has fired then. Whatever happened to the conversation while others were waited for is found
under its lock: a verdict that comes too late changes nothing.
"""

import logging
import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from accounts.prepared import write_fields
from inbox.broadcast import announce
from inbox.directory import directory_of_account
from inbox.escalating.clock import is_wanted, pause_after
from inbox.escalating.verdicts import attributes_in, follow_verdict
from inbox.escalating.whom import Look
from inbox.lookups.asking import Asked, Subject, ask
from inbox.models import Contact, Conversation, EscalationTimer, Message, TeamInbox, Thread
from inbox.routing_facts import Arrived, arrived, facts_of
from inbox.story import Story
from routing import data_action
from routing.data_action import Known, Question
from routing.facts import Customer, Directory, Trigger
from routing.models import EscalationPolicy

logger = logging.getLogger(__name__)

# Longer than a look-up may take.
LEASE = timedelta(seconds=20)
TYPE = "escalation"


@dataclass(frozen=True)
class _Errand:
    """What a worker that holds a timer's lease asks, and by which moment the lease is known."""

    timer: int
    conversation: int
    thread: int
    account: int
    action: str
    subject: Subject
    lease: datetime


def ask_next(*, now: datetime) -> bool:
    """Ask for the timer that waits longest for it, and do what is decided; say if there was one.

    A fault rolls all of it back, is written on the timer and tried again later.
    """
    timer = None
    try:
        with transaction.atomic(durable=True):
            timer = _next(now)
            if timer is None:
                return False
            errand = _prepare(timer, now=now)
        if errand:
            _run(errand, now=now)
    except Exception as error:
        if timer is None:
            raise
        _keep_error(timer, error, now=now)
    return True


def _next(now: datetime) -> EscalationTimer | None:
    return (
        EscalationTimer.objects.select_for_update(
            of=("self", "conversation"), no_key=True, skip_locked=True
        )
        .select_related("conversation")
        .filter(ask_at__lte=now)
        .order_by("ask_at", "pk")
        .first()
    )


def _keep_error(timer: EscalationTimer, error: Exception, *, now: datetime) -> None:
    logger.error("escalation timer %s could not ask", timer.pk, exc_info=error)
    EscalationTimer.objects.filter(pk=timer.pk, ask_at__isnull=False).update(
        attempts=F("attempts") + 1,
        problem=type(error).__name__[:80],
        ask_at=now + pause_after(timer.attempts),
    )


def _row(pk: int) -> Conversation:
    return Conversation.objects.select_related(
        "inbox__account",
        "owner",
        "last_owner",
        "contact",
        "thread__sender",
        "thread__address",
        "thread__contact",
    ).get(pk=pk)


def _prepare(timer: EscalationTimer, *, now: datetime) -> _Errand | None:
    """Take the lease; None if there is nothing to ask any more."""
    row, value = _row(timer.conversation_id), timer.value()
    if not is_wanted(timer, row, value, Look(now)):
        return None
    timer.ask_at = lease = now + LEASE
    write_fields(timer, "ask_at")
    return _Errand(
        timer=timer.pk,
        conversation=row.pk,
        thread=row.thread_id,
        account=row.account_id,
        action=value.step.data_action,
        subject=_subject(row, timer, now=now),
        lease=lease,
    )


def _run(errand: _Errand, *, now: datetime) -> None:
    began = time.monotonic()
    asked = ask([errand.action], account_id=errand.account, subject=errand.subject, now=now)
    later = now + timedelta(seconds=time.monotonic() - began)
    with transaction.atomic(durable=True):
        _follow(errand, asked[errand.action], now=later)


def _follow(errand: _Errand, asked: Asked, *, now: datetime) -> None:
    """Do what was decided, if nobody else holds the timer by now and its step is still wanted."""
    thread = Thread.objects.select_for_update(no_key=True).get(pk=errand.thread)
    if attributes_in(asked.answer.fields):
        # Threads come before contacts, and these before conversations.
        Contact.objects.select_for_update(no_key=True).only("pk").get(pk=thread.contact_id)
    Conversation.objects.select_for_update(no_key=True).only("pk").get(pk=errand.conversation)
    timers = EscalationTimer.objects.select_for_update(no_key=True)
    timer = timers.filter(pk=errand.timer, ask_at=errand.lease).first()
    if timer is None:
        return
    row, story = _row(errand.conversation), Story(now=now)
    row.thread.last_seq = thread.last_seq
    if is_wanted(timer, row, timer.value(), Look(now)):
        follow_verdict(row, timer, asked, story, thread=row.thread)
    announce(story.announcements(), now=now)


# --- What is told ---


def _subject(row: Conversation, timer: EscalationTimer, *, now: datetime) -> Subject:
    """Return about whom and what is asked: the customer's last words, and since when they wait."""
    message = (
        Message.objects.filter(
            conversation=row, direction=Message.Direction.IN, kind=Message.Kind.TEXT
        )
        .order_by("-seq")
        .first()
    )
    if message is None:
        return Subject(row.contact, Customer())
    message.thread = row.thread
    came = arrived(message, row)
    customer = facts_of(came, Trigger.NEW).customer
    everybody = directory_of_account(row.account_id, team=row.inbox_id, now=now)
    question = _question(came, timer, customer, everybody)
    return Subject(row.contact, customer, question, _known(row, everybody))


def _question(
    came: Arrived, timer: EscalationTimer, customer: Customer, everybody: Directory
) -> Question:
    row, message = came.conversation, came.message
    people = (everybody.people[pk] for pk in everybody.members.get(row.inbox_id, ()))
    return Question(
        id=f"{row.public_id}.{timer.wait_generation}.{timer.step}",
        type=TYPE,
        account=row.account_id,
        inbox=data_action.Inbox(row.inbox_id, row.inbox.name, came.thread.our_address),
        contact=data_action.Contact(
            id=row.contact.public_id,
            name=customer.name,
            number=customer.number,
            language=customer.language,
            country=customer.country,
            region=customer.region,
            owner=customer.owner,
            tags=tuple(sorted(customer.tags)),
            attributes=customer.attributes,
        ),
        conversation=data_action.Conversation(row.public_id, is_new=False, owner=row.owner_id),
        message=data_action.Message(
            id=message.public_id,
            text=message.body,
            channel=message.channel,
            received_at=message.received_at or message.created_at,
            media=tuple(data_action.Media(one) for one in came.media_types),
        ),
        members=tuple(
            data_action.Member(one.id, one.email, one.is_available, one.open_count)
            for one in people
        ),
    )


def _known(row: Conversation, everybody: Directory) -> Known:
    teams = TeamInbox.objects.filter(account=row.account_id).values_list("pk", "name")
    policies = EscalationPolicy.objects.filter(account=row.account_id)
    return Known(everybody, dict(teams), tuple(policies.values_list("name", flat=True)))
