"""Who waits, and is told that they are not forgotten? The sixth responder of behaviour 5.

Its timers are rows among those of escalation and follow what happens to a wait as those do. They
fire here, since a message needs the thread's lock, which comes before that of its conversation.
"""

import logging
from dataclasses import replace
from datetime import datetime

from django.db import transaction
from django.db.models import F

from inbox.autoreply import history_of
from inbox.broadcast import announce
from inbox.escalating.clock import is_wanted, pause_after
from inbox.escalating.steps import keep
from inbox.escalating.whom import Look
from inbox.models import Conversation, EscalationTimer, Message, Thread
from inbox.reply_settings import languages_told_apart, replies_of
from inbox.reply_stage import knowing, promise, refusal_of, with_link
from inbox.routing_facts import Arrived, arrived, facts_of
from inbox.rulebooks import NONE
from inbox.story import Story
from inbox.timers import refresh_due
from routing.escalation import REMIND
from routing.facts import Trigger
from routing.replies import Reply, remind

logger = logging.getLogger(__name__)

_LOOKED_AT = 20


def remind_next(*, now: datetime) -> bool:
    """Do what the reminder does that is due longest; say whether there was one.

    A fault rolls all of it back, is written on the timer and tried again later.
    """
    timer = None
    try:
        with transaction.atomic(durable=True):
            timer = _next_due(now)
            if timer is None:
                return False
            story = Story(now=now)
            _look_at(timer, story)
            announce(story.announcements(), now=now)
    except Exception as error:
        if timer is None:
            raise
        _keep_error(timer, error, now=now)
    return True


def _keep_error(timer: EscalationTimer, error: Exception, *, now: datetime) -> None:
    logger.error("reminder %s could not be said", timer.pk, exc_info=error)
    EscalationTimer.objects.filter(pk=timer.pk, next_at__isnull=False).update(
        attempts=F("attempts") + 1,
        problem=type(error).__name__[:80],
        next_at=now + pause_after(timer.attempts),
    )


def _next_due(now: datetime) -> EscalationTimer | None:
    """Lock the next timer that is due, its thread and conversation first, if nobody holds them."""
    due = EscalationTimer.objects.filter(next_at__lte=now, step=REMIND).order_by("next_at", "pk")
    found = due.values_list("pk", "conversation", "conversation__thread")[:_LOOKED_AT]
    for pk, conversation, thread in list(found):
        if not _is_free(Thread, thread) or not _is_free(Conversation, conversation):
            continue
        rows = EscalationTimer.objects.select_for_update(no_key=True).filter(pk=pk)
        timer = rows.filter(next_at__lte=now).first()
        if timer:
            timer.conversation = Conversation.objects.select_related(
                *("inbox__account", "owner", "contact"),
                *("thread__sender", "thread__address", "thread__contact"),
            ).get(pk=conversation)
            return timer
    return None


def _is_free(kind: type[Thread] | type[Conversation], pk: int) -> bool:
    """Lock a row unless somebody holds it; say whether it is locked now."""
    rows = kind._default_manager.select_for_update(no_key=True, skip_locked=True)
    return rows.filter(pk=pk).values_list("pk", flat=True).first() is not None


def _look_at(timer: EscalationTimer, story: Story) -> None:
    """Find out, under the locks, what a reminder has to do now."""
    row, value, now = timer.conversation, timer.value(), story.now
    if not is_wanted(timer, row, value, Look(now)):
        return
    if value.due_at and value.due_at > now:
        # Nobody is warned: it is no step of a policy.
        keep(timer, replace(value, warned_at=now))
        return
    keep(timer, replace(value, fired_at=now))
    refresh_due(row)
    if came := _last_message(row):
        _say(came, value.due_at or now, story)


def _last_message(row: Conversation) -> Arrived | None:
    """Return what the customer wrote last: its language is theirs."""
    inbound = Message.objects.filter(thread=row.thread_id, direction=Message.Direction.IN)
    message = inbound.exclude(kind=Message.Kind.REACTION).order_by("-seq").first()
    if message is None:
        return None
    message.thread = row.thread
    return arrived(message, row)


def _say(came: Arrived, due_at: datetime, story: Story) -> None:
    """Say it, if every guard of automatic replies lets it pass; once said or not, it is over."""
    row, now = came.conversation, story.now
    facts = facts_of(came, Trigger.NEW, languages=languages_told_apart(row.inbox, NONE))
    history = history_of(
        came.thread,
        row,
        came.message,
        is_new_conversation=False,
        refusal=refusal_of(came, story),
        now=now,
    )
    replies = with_link(replies_of(row.inbox), came.thread, now=now)
    facts = knowing(facts, replies.lookups(), came, story)
    verdict = remind(facts, replies, replace(history, triggered_at=due_at), now=now)
    if isinstance(verdict, Reply):
        promise(came, verdict, story)
    else:
        logger.info("conversation %s is not reminded: %s", row.public_id, verdict.reason)
