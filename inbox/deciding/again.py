"""Who asks the rules when a message is told already? A worker: its row is locked, its thread first.

Machines of others are asked between two transactions, with nothing held. A lease on the row keeps
other workers away meanwhile; if a worker dies, the next one asks again when the lease is over.
"""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from accounts.prepared import write_fields
from inbox.broadcast import announce
from inbox.deciding.case import Case
from inbox.deciding.questions import subject_of
from inbox.deciding.stage import may_act
from inbox.lookups.asking import Asked, Subject, ask
from inbox.models import Conversation, ConversationEvent, Message, RoutingTrace, Thread
from inbox.rerouting import ask_rules_later, rules_are_done
from inbox.routing_facts import arrived
from inbox.rulebooks import rules_for
from inbox.story import Story
from routing.facts import Trigger

logger = logging.getLogger(__name__)

# Longer than look-ups may take.
LEASE = timedelta(seconds=20)
_LOOKED_AT = 20
_Verb = ConversationEvent.Verb


def route_next(*, now: datetime) -> bool:
    """Ask the rules about the conversation that waits longest for them; say if there was one."""
    with transaction.atomic(durable=True):
        row = _next_due(now)
        if row is None:
            return False
        case = _case_of(row, now=now)
        question = _act_or_ask(case) if case else None
        if question is None:
            return True
        row.route_at = lease = now + LEASE
        write_fields(row, "route_at")
    began = time.monotonic()
    asked = _ask(row, question, now=now)
    later = now + timedelta(seconds=time.monotonic() - began)
    with transaction.atomic(durable=True):
        found = _locked(row.pk, row.thread_id)
        case = _case_of(found, now=later) if found and found.route_at == lease else None
        if case:
            case.asked = asked
            _act_or_ask(case, is_final=True)
    return True


@dataclass(frozen=True)
class _Question:
    """What others are asked before rules can decide, and about whom."""

    names: frozenset[str]
    subject: Subject


def _act_or_ask(case: Case, *, is_final: bool = False) -> _Question | None:
    """Do what rules decide; or return what others are to be asked before, unless they were.

    A fault of ours costs the rules, and not the customer their readers: the whole team gets it.
    """
    row, story = case.row, case.story
    question = None
    is_placed = row.routing == Conversation.Routing.ANSWERING
    try:
        with story.savepoint():
            act = _answer if is_placed else _decide
            question = act(case, is_final=is_final)
    except Exception:
        logger.exception("routing failed for conversation %s: the whole team gets it", row.pk)
        row.refresh_from_db()
        rules_are_done(row)
        row.is_team_wide = row.is_team_wide if is_placed else row.owner_id is None
        write_fields(row)
        story.conversation_updated(row, "audience")
    announce(story.announcements(), now=story.now)
    return question


def _decide(case: Case, *, is_final: bool) -> _Question | None:
    decision = case.decide()
    if decision.plan.needs and is_final:
        # Not answered in time, or rules were published meanwhile that want to know more.
        decision = case.decide_without(decision.plan.needs)
    if decision.plan.needs:
        return _Question(decision.plan.needs, subject_of(case, decision))
    if case.is_again and decision.plan.has_nobody:
        ask_rules_later(case.row, case.trigger or Trigger.NEW, now=case.story.now)
        write_fields(case.row)
    else:
        case.act(decision)
    return None


def _answer(case: Case, *, is_final: bool) -> _Question | None:
    needs = case.answer_owed(is_final=is_final)
    return _Question(needs, case.who_asks()) if needs else None


def _ask(row: Conversation, question: _Question, *, now: datetime) -> Mapping[str, Asked]:
    """Ask others. A fault of ours in it is an answer that did not come."""
    try:
        return ask(question.names, account_id=row.account_id, subject=question.subject, now=now)
    except Exception:
        logger.exception("nobody could be asked about conversation %s", row.pk)
        return {}


def _next_due(now: datetime) -> Conversation | None:
    """Lock the next conversation that rules are to be asked about and that nobody holds."""
    due = Conversation.objects.filter(route_at__lte=now).order_by(
        F("waiting_since").asc(nulls_last=True), "pk"
    )
    for pk, thread in due.values_list("pk", "thread")[:_LOOKED_AT]:
        row = _locked(pk, thread, is_patient=False)
        if row and row.route_at and row.route_at <= now:
            return row
    return None


def _locked(pk: int, thread: int, *, is_patient: bool = True) -> Conversation | None:
    """Lock a conversation that waits for rules, its thread first; None if it does not any more.

    Who is not patient gets None too while somebody else holds the thread.
    """
    threads = Thread.objects.select_for_update(no_key=True, skip_locked=not is_patient)
    if threads.filter(pk=thread).first() is None:
        return None
    Conversation.objects.select_for_update(no_key=True).get(pk=pk)
    row = Conversation.objects.select_related(
        "inbox__account", "owner", "contact", "thread__sender", "thread__address", "thread__contact"
    ).get(pk=pk)
    return row if row.route_at is not None else None


def _case_of(row: Conversation, *, now: datetime) -> Case | None:
    """Return what rules are to be asked; None, and it is written down, if nothing is for now."""
    if row.routing == Conversation.Routing.ANSWERING:
        return _owed(row, now=now)
    trigger = Trigger(row.routing_trigger or Trigger.NEW)
    message = _message_of(row, trigger)
    if row.owner_id is not None or message is None or _is_answered(row):
        rules_are_done(row)
        row.is_team_wide = row.owner_id is None
        write_fields(row)
        return None
    message.thread = row.thread
    story, came = Story(now=now), arrived(message, row)
    if row.status != Conversation.Status.OPEN or not may_act(came, story):
        if row.routing == Conversation.Routing.ASKING:
            # Meanwhile the team has what was kept back for the answers of others.
            row.is_team_wide = True
            story.conversation_updated(row, "audience")
        ask_rules_later(row, trigger, now=now)
        write_fields(row)
        announce(story.announcements(), now=now)
        return None
    is_again = row.routing == Conversation.Routing.NOBODY
    return Case(came, trigger, rules_for(row.inbox, now=now), story, is_again=is_again)


def _owed(row: Conversation, *, now: datetime) -> Case | None:
    """Return the message that is owed an answer; None, and it is over, if nothing may act."""
    message = Message.objects.filter(conversation=row, seq=row.answer_seq or 0).first()
    story = Story(now=now)
    if message:
        message.thread = row.thread
        came, trigger = arrived(message, row), row.routing_trigger
        if row.status == Conversation.Status.OPEN and may_act(came, story):
            rules = rules_for(row.inbox, now=now)
            return Case(came, Trigger(trigger) if trigger else None, rules, story)
    rules_are_done(row)
    write_fields(row)
    return None


def _is_answered(row: Conversation) -> bool:
    """Say whether somebody of the team wrote since rules found nobody: it is theirs then."""
    if row.routing != Conversation.Routing.NOBODY:
        return False
    asked = RoutingTrace.objects.filter(conversation=row).order_by("-id")
    at = asked.values_list("at", flat=True).first()
    said = Message.objects.filter(
        conversation=row, direction=Message.Direction.OUT, kind=Message.Kind.TEXT
    )
    return at is not None and said.filter(created_at__gt=at).exists()


def _message_of(row: Conversation, trigger: Trigger) -> Message | None:
    """Return the message that rules are asked about: the one that began or reopened it.

    After a transfer it is the customer's last.
    """
    theirs = Message.objects.filter(
        conversation=row, direction=Message.Direction.IN, kind=Message.Kind.TEXT
    )
    if trigger is Trigger.TRANSFERRED:
        return theirs.order_by("-seq").first()
    began = ConversationEvent.objects.filter(
        conversation=row, verb__in=[_Verb.OPENED, _Verb.REOPENED]
    ).order_by("-pk")
    after = began.values_list("after_seq", flat=True).first()
    return theirs.filter(seq__gt=after or 0).order_by("seq").first()
