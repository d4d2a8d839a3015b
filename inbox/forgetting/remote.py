"""How does Twilio forget a message: asked again until it did, and said where it does not?

No transaction is open while Twilio is asked, and nothing here waits for it.
"""

import logging
from datetime import datetime, timedelta

from django.db import transaction

from inbox.carrier import CarrierAwayError
from inbox.models import Erasure, Message, RemoteDeletion
from inbox.nudges import nudge_on_commit
from inbox.sending import delete_message

logger = logging.getLogger(__name__)

LEASE = timedelta(minutes=2)
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=6)
MOST_ATTEMPTS = 12
_State = RemoteDeletion.State
BATCH = 1000


def owe_deletions(erasure: Erasure, *, now: datetime) -> None:
    """Note every message of a person that Twilio knows and was not told of yet."""
    told = RemoteDeletion.objects.filter(erasure=erasure).values("message_sid")
    rows = (
        Message.objects.filter(thread__contact=erasure.contact_id, thread__contact__isnull=False)
        .exclude(provider_sid=None)
        .exclude(provider_sid__in=told)
        .values_list("provider_sid", "thread__sender__twilio_account")
    )
    RemoteDeletion.objects.bulk_create(
        (
            RemoteDeletion(
                account_id=erasure.account_id,
                erasure=erasure,
                twilio_account_id=twilio_account,
                message_sid=str(sid),
                next_attempt_at=now,
            )
            for sid, twilio_account in rows.iterator(BATCH)
        ),
        batch_size=BATCH,
        ignore_conflicts=True,
    )


def delete_next(*, now: datetime) -> bool:
    """Ask for one deletion that is due; say whether any was."""
    row = _taken(now=now)
    if row is None:
        return False
    try:
        files = delete_message(row.twilio_account, row.message_sid)
    except CarrierAwayError as error:
        _note_failure(row, str(error), now=now)
        return True
    except Exception as error:
        logger.exception("deletion %s broke off", row.pk)
        _note_failure(row, type(error).__name__, now=now)
        return True
    row.state, row.files, row.problem = _State.DONE, files, ""
    row.next_attempt_at, row.done_at = None, now
    row.save()
    _look_again(row, now=now)
    return True


def _taken(*, now: datetime) -> RemoteDeletion | None:
    with transaction.atomic():
        row = (
            RemoteDeletion.objects.select_for_update(skip_locked=True, of=("self",))
            .select_related("twilio_account")
            .filter(state=_State.OWED, next_attempt_at__lte=now)
            .order_by("next_attempt_at", "pk")
            .first()
        )
        if row:
            row.attempts += 1
            row.next_attempt_at = now + LEASE
            row.save(update_fields=["attempts", "next_attempt_at"])
    return row


def _note_failure(row: RemoteDeletion, problem: str, *, now: datetime) -> None:
    row.problem = problem[:200]
    if row.attempts >= MOST_ATTEMPTS:
        row.state, row.next_attempt_at = _State.FAILED, None
        logger.warning("message of deletion %s stays at the carrier: %s", row.pk, row.problem)
    else:
        pause = min(FIRST_PAUSE * 2 ** (row.attempts - 1), LONGEST_PAUSE)
        row.next_attempt_at = now + pause
    row.save()
    _look_again(row, now=now)


def _look_again(row: RemoteDeletion, *, now: datetime) -> None:
    """Let the erasure that it is for, if any, see whether this was the last."""
    if row.erasure is None or row.erasure.deletions.filter(state=_State.OWED).exists():
        return
    Erasure.objects.filter(pk=row.erasure.pk, state=Erasure.State.OUTSIDE).update(next_at=now)


def try_again(erasure: Erasure, *, now: datetime) -> int:
    """Ask again for what Twilio did not delete; return how many that are."""
    with transaction.atomic(durable=True):
        failed = RemoteDeletion.objects.filter(erasure=erasure, state=_State.FAILED)
        count = failed.update(state=_State.OWED, attempts=0, next_attempt_at=now, problem="")
        Erasure.objects.filter(pk=erasure.pk, state=Erasure.State.OUTSIDE).update(next_at=now)
        nudge_on_commit("sweep_deletions")
    return count
