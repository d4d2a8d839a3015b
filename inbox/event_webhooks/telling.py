"""How are webhooks told what they are owed: in order, one at a time, and again for a day?

One process holds a webhook while it tells it, so that events reach it in the order in which they
happened as long as it answers. What it did not take is told again later, under the same id, and
holds up nothing: `seq` says what came first. Calls go through the one door to hosts that admins
name, with nothing held in the database.
"""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.db import transaction
from django.db.models import F, Min, OuterRef, Q, Subquery

from accounts.audit import record
from accounts.english import noop
from accounts.secrets import SecretUnreadableError
from inbox.event_webhooks.bodies import body_of, test_body
from inbox.event_webhooks.owing import told_accounts
from inbox.lookups.breakers import breakers
from inbox.lookups.calling import CallError, call, is_internal
from inbox.lookups.signing import signed_headers
from inbox.models import EventDelivery, EventWebhook
from inbox.models.ids import public_id
from routing import crm
from routing.lookup_models import LONGEST_FAILURE

logger = logging.getLogger(__name__)

# Longer than a round and its last call take.
HELD = timedelta(seconds=30)
ROUND = timedelta(seconds=10)
AT_ONCE = 100
# How many webhooks are told at one time, in all processes: others of these send to customers.
MOST_TOLD = 4
# Another process asks it just now whether it is well again.
ASKED_NOW = timedelta(seconds=5)
PAUSES = (
    timedelta(seconds=5),
    *(timedelta(minutes=minutes) for minutes in (1, 5, 30)),
    *(timedelta(hours=hours) for hours in (2, 5, 8, 9)),
)
# For how long it may fail at everything before it is switched off, and how often at least: a single
# event that it never takes says nothing of it.
PATIENCE = timedelta(days=1)
LEAST_FAILURES = 20
NOTED_EVERY = timedelta(seconds=10)
GONE = 410
OWED, TOLD, FAILED = EventDelivery.Status
NOBODY_ANSWERED = noop("It did not take a single event for a day.")
SAID_GONE = noop("It answered that it is gone for good (410).")
WAS_OFF = noop("It was switched off before it was told.")


@dataclass(frozen=True)
class Outcome:
    """What came of telling. Blank `failure`: it took it. `answer` is a status, if there was one."""

    failure: str = ""
    answer: int | None = None
    took_ms: int = 0


def tell_next(*, now: datetime) -> bool:
    """Tell the webhook that is owed something for longest; say whether there was one."""
    webhook = _hold_next(now)
    if webhook is None:
        return False
    with _given_back(webhook):
        _tell_all(webhook, now=now)
    return True


def tell_test(webhook: EventWebhook, *, now: datetime) -> Outcome:
    """Tell a webhook, on or off, that somebody tries it. Nothing is kept of it."""
    event_id = f"test_{public_id()}"
    body = test_body(account_id=webhook.account_id, event_id=event_id, now=now)
    return _put(webhook, event_id, body, now=now)


def is_open_to_all(url: str) -> bool:
    """Say whether what is told there could be read on its way: it must not be."""
    parts = urlsplit(url)
    return parts.scheme != "https" and not is_internal(parts.hostname or "")


def forget_deliveries(*, before: datetime) -> int:
    """Forget what happened before a moment; returns how much of it there was."""
    deleted, _ = EventDelivery.objects.filter(happened_at__lt=before).delete()
    return deleted


def give_up_all(webhook: EventWebhook, words: str) -> None:
    """Let nothing be owed to a webhook any more; it may still be sent again by hand."""
    webhook.deliveries.filter(status=OWED).update(status=FAILED, next_at=None, failure=words)


# --- One webhook ---


def _hold_next(now: datetime) -> EventWebhook | None:
    due = EventDelivery.objects.filter(webhook=OuterRef("pk"), status=OWED, next_at__lte=now)
    first = due.order_by().values("webhook").annotate(at=Min("next_at")).values("at")
    with transaction.atomic(durable=True):
        if EventWebhook.objects.filter(held_until__gt=now).count() >= MOST_TOLD:
            return None
        free = Q(held_until=None) | Q(held_until__lte=now)
        rows = EventWebhook.objects.filter(free, is_on=True, account__in=told_accounts(now=now))
        rows = rows.annotate(owed_since=Subquery(first)).exclude(owed_since=None)
        rows = rows.select_for_update(of=("self",), skip_locked=True)
        webhook = rows.order_by("owed_since", "pk").first()
        if webhook is not None:
            webhook.held_until = now + HELD
            webhook.save(update_fields=["held_until"])
    return webhook


@contextmanager
def _given_back(webhook: EventWebhook) -> Iterator[None]:
    try:
        yield
    finally:
        mine = EventWebhook.objects.filter(pk=webhook.pk, held_until=webhook.held_until)
        mine.update(held_until=None)


def _tell_all(webhook: EventWebhook, *, now: datetime) -> None:
    """Tell what is due, in order, until it fails or others should have their turn."""
    began = time.monotonic()
    due = webhook.deliveries.filter(status=OWED, next_at__lte=now).select_related(
        "webhook",
        "inbox",
        *(f"conversation__{one}" for one in ("inbox", "owner", "contact", "thread__address")),
        "conversation__thread__sender",
    )
    for delivery in due.order_by("next_at", "pk")[:AT_ONCE]:
        at = now + timedelta(seconds=time.monotonic() - began)
        if at >= now + ROUND or not _is_as_it_was(webhook) or not _may_tell(webhook, at):
            return
        outcome = _tell(delivery, now=at)
        later = now + timedelta(seconds=time.monotonic() - began)
        _settle(delivery, outcome, now=later)
        breakers().note(_circuit(webhook), is_good=not outcome.failure, now=later)
        if not _follow(webhook, outcome, now=later) or outcome.failure:
            return


def _is_as_it_was(webhook: EventWebhook) -> bool:
    """Say whether nobody has switched it off, changed or deleted it since."""
    same = EventWebhook.objects.filter(pk=webhook.pk, version=webhook.version, is_on=True)
    return same.exists()


def _circuit(webhook: EventWebhook) -> str:
    """Name its circuit: an address that was corrected gets another chance."""
    return f"eventwebhook:{webhook.pk}:{webhook.version}"


def _may_tell(webhook: EventWebhook, at: datetime) -> bool:
    """Say whether it may be told now; after many failures everything waits for a minute."""
    if breakers().may_ask(_circuit(webhook), now=at):
        return True
    rests = breakers().resting([_circuit(webhook)], now=at)
    until = max([at + ASKED_NOW, *rests.values()])
    webhook.deliveries.filter(status=OWED, next_at__lt=until).update(next_at=until)
    return False


# --- One event ---


def _tell(delivery: EventDelivery, *, now: datetime) -> Outcome:
    try:
        body = body_of(delivery)
    except Exception:
        # A fault of ours in one event takes no other along.
        logger.exception("event delivery %s could not be put together", delivery.pk)
        return Outcome(noop("It could not be told; the operators know."))
    return _put(delivery.webhook, delivery.event_id, body, now=now)


def _put(webhook: EventWebhook, event_id: str, body: bytes, *, now: datetime) -> Outcome:
    began = time.monotonic()
    try:
        headers = signed_headers(
            message_id=event_id, body=body, secrets=webhook.signing_secrets(), now=now
        )
        headers |= {"Content-Type": "application/json", "Accept": "application/json"}
        reply = call(crm.Request("POST", webhook.url, headers, body))
    except (CallError, SecretUnreadableError) as error:
        return Outcome(error.reason, took_ms=_ms_since(began))
    is_good = 200 <= reply.status < 300
    words = "" if is_good else crm.refusal(reply.status)
    return Outcome(words, reply.status, _ms_since(began))


def _ms_since(began: float) -> int:
    return int((time.monotonic() - began) * 1000)


def _settle(delivery: EventDelivery, outcome: Outcome, *, now: datetime) -> None:
    tries = delivery.tries + 1
    facts = {
        "tries": tries,
        "tried_at": now,
        "took_ms": outcome.took_ms,
        "answer": outcome.answer,
        "failure": outcome.failure[:LONGEST_FAILURE],
    }
    if not outcome.failure:
        facts |= {"status": TOLD, "next_at": None}
    elif tries <= len(PAUSES):
        facts |= {"next_at": now + PAUSES[tries - 1]}
    else:
        facts |= {"status": FAILED, "next_at": None}
    # It may have been switched off meanwhile, and what it took is told whatever was said since.
    mine = EventDelivery.objects.filter(pk=delivery.pk)
    (mine.filter(status=OWED) if outcome.failure else mine).update(**facts)
    outcome_words = "failed" if outcome.failure else "told"
    logger.info(
        "event delivery %s: %s (%s) in %s ms",
        delivery.pk,
        outcome_words,
        outcome.answer or "-",
        outcome.took_ms,
    )


def _follow(webhook: EventWebhook, outcome: Outcome, *, now: datetime) -> bool:
    """Remember how the webhook is, as the version that was told; say whether it is still on."""
    mine = EventWebhook.objects.filter(pk=webhook.pk, version=webhook.version, is_on=True)
    if not outcome.failure:
        is_fresh = webhook.answered_at is not None and now - webhook.answered_at < NOTED_EVERY
        if not is_fresh or webhook.failures:
            webhook.answered_at, webhook.failing_since = now, None
            webhook.forget_failures()
            mine.update(answered_at=now, failure="", failures=0, failing_since=None)
        return True
    words = outcome.failure[:LONGEST_FAILURE]
    webhook.failures, webhook.failing_since = webhook.failures + 1, webhook.failing_since or now
    mine.update(
        failed_at=now,
        failure=words,
        failures=F("failures") + 1,
        failing_since=webhook.failing_since,
    )
    if outcome.answer == GONE:
        _switch_off(webhook, SAID_GONE, now=now)
    elif webhook.failures >= LEAST_FAILURES and now - webhook.failing_since >= PATIENCE:
        _switch_off(webhook, NOBODY_ANSWERED, now=now)
    return webhook.is_on


def _switch_off(webhook: EventWebhook, words: str, *, now: datetime) -> None:
    """Nobody is there: stop, and say so where its admins look."""
    with transaction.atomic():
        mine = EventWebhook.objects.filter(pk=webhook.pk, version=webhook.version, is_on=True)
        changed = mine.update(
            is_on=False, switched_off_for=words, version=F("version") + 1, changed_at=now
        )
        if changed:
            give_up_all(webhook, WAS_OFF)
            record(
                action="event_webhook_stopped",
                subject=webhook.name,
                actor=None,
                account_id=webhook.account_id,
                now=now,
                definition=webhook.pk,
                why=words,
            )
    webhook.is_on = False
