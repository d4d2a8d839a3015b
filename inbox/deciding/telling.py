"""Who is told that a rule acted? The Data Action that it names as its webhook.

The trace of the decision says that it is owed, and a sweep pays it: after the commit, outside of
every transaction, again after a failure, each time under the same id. What is answered is not read:
nothing hangs on it, and nobody waits for it.
"""

import logging
import time
from dataclasses import replace
from datetime import datetime, timedelta

from django.db import transaction

from accounts.english import noop
from inbox.deciding.case import Case, Decision
from inbox.deciding.questions import subject_of
from inbox.directory import directory_of_account
from inbox.lookups.asking import Subject, ask
from inbox.models import RoutingTrace
from inbox.routing_facts import arrived
from inbox.rulebooks import NONE
from inbox.story import Story
from routing.data_action import RULE
from routing.deciding import Plan
from routing.facts import Trigger
from routing.traces import read_facts

logger = logging.getLogger(__name__)

# Longer than a call may take.
LEASE = timedelta(seconds=20)
PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 120))
_WITH_ALL = ("conversation__inbox", "conversation__contact", "message__thread__sender")


def tell_next(*, now: datetime) -> bool:
    """Call the webhook that is owed longest; say if there was one.

    Told at least once; given up after as many tries as there are pauses, and one.
    """
    with transaction.atomic(durable=True):
        trace = _next(now)
        if trace is None:
            return False
        trace.webhook_at, trace.webhook_tries = now + LEASE, trace.webhook_tries + 1
        trace.save(update_fields=["webhook_at", "webhook_tries"])
    began = time.monotonic()
    problem = _tell(trace, now=now)
    later = now + timedelta(seconds=time.monotonic() - began)
    mine = RoutingTrace.objects.filter(pk=trace.pk, webhook_at=trace.webhook_at)
    again = _again(trace.webhook_tries, later) if problem else None
    mine.update(webhook_at=again, webhook_problem=problem[:200])
    return True


def _tell(trace: RoutingTrace, *, now: datetime) -> str:
    """Call it; return why it did not hear, or blank."""
    try:
        name = trace.plan["webhooks"][0]
        subject = _subject(trace, now=now)
        asked = ask([name], account_id=trace.account_id, subject=subject, now=now)
    except Exception:
        # A fault of ours in one takes no other along.
        logger.exception("nobody could be told of decision %s", trace.pk)
        return noop("It could not be told; the operators know.")
    return asked[name].answer.failure


def _next(now: datetime) -> RoutingTrace | None:
    owed = RoutingTrace.objects.filter(webhook_at__lte=now, message__isnull=False)
    owed = owed.select_for_update(of=("self",), no_key=True, skip_locked=True)
    return owed.select_related(*_WITH_ALL).order_by("webhook_at", "pk").first()


def _again(tries: int, now: datetime) -> datetime | None:
    return now + PAUSES[tries - 1] if tries <= len(PAUSES) else None


def _subject(trace: RoutingTrace, *, now: datetime) -> Subject:
    """Return what is told: the message as it was when the rule acted, and who is there now."""
    row, message = trace.conversation, trace.message
    assert message is not None
    facts = read_facts(trace.facts, body=message.body)
    case = Case(arrived(message, row), Trigger(trace.trigger), NONE, Story(now=now))
    everybody = directory_of_account(trace.account_id, team=row.inbox_id, now=now)
    subject = subject_of(case, Decision(Plan(0), facts, everybody))
    assert subject.question is not None
    names = {one["rule"]: one["name"] for one in trace.rules}
    told = replace(
        subject.question,
        id=f"{subject.question.id}.{RULE}",
        type=RULE,
        rule=names.get(trace.rule, trace.rule),
    )
    return replace(subject, question=told)
