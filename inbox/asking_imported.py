"""Who is asked next to confirm an opt-in of a file?

Everybody whose line says so, in the order of the file, so many at a time: a file of ten thousand
is no flood. The line is the promise, and is settled in the transaction that promises the question:
whoever goes on after a crash asks nobody twice.
"""

from datetime import datetime

from django.db import transaction
from django.db.models import F

from accounts.english import noop
from compliance.addresses import Address, parse_address
from compliance.models import ConsentEvent, ConsentImport, ConsentImportLine
from inbox.opting_in import OptedIn, ask_about
from inbox.setup.consent_imports import ASKING_PACE

AT_ONCE = 20
PAUSE = AT_ONCE * ASKING_PACE
_Outcome = ConsentImportLine.Outcome
_OVER = noop("Nothing is to be confirmed any more: they answered, opted out, or it took too long.")


def ask_next(*, now: datetime) -> bool:
    """Ask the next few people of one import to confirm; say whether there was one that was due.

    The next few of the same import are due `PAUSE` later, whatever becomes of these.
    """
    due = ConsentImport.objects.filter(ask_next_at__lte=now)
    row = due.order_by("ask_next_at", "pk").first()
    if row is None:
        return False
    if not due.filter(pk=row.pk).update(ask_next_at=now + PAUSE):
        return True
    waiting = row.lines.filter(outcome=_Outcome.TO_ASK).order_by("pk")
    for line in waiting.values_list("pk", flat=True)[:AT_ONCE]:
        with transaction.atomic(durable=True):
            _ask(row.pk, line, now=now)
    _stop_when_done(row.pk)
    return True


def _stop_when_done(pk: int) -> None:
    """Nobody waits any more. The row is locked: the next piece of the file may add some."""
    with transaction.atomic(durable=True):
        row = ConsentImport.objects.select_for_update().only("pk").get(pk=pk)
        if not row.lines.filter(outcome=_Outcome.TO_ASK).exists():
            ConsentImport.objects.filter(pk=pk).update(ask_next_at=None)


def _ask(pk: int, line_pk: int, *, now: datetime) -> None:
    row = ConsentImport.objects.select_for_update().defer("content").get(pk=pk)
    line = row.lines.filter(pk=line_pk, outcome=_Outcome.TO_ASK).first()
    if line is None or line.event is None:
        return
    event = ConsentEvent.objects.select_related("details__key").get(
        account=row.account_id, seq=line.event
    )
    address = _address(event)
    done = None
    if address:
        pace = row.questions * ASKING_PACE
        done = ask_about(event, account=row.account, address=address, now=now, pace=pace)
    line.outcome, line.reason = _told(done)
    line.save(update_fields=["outcome", "reason"])
    ConsentImport.objects.filter(pk=pk).update(questions=F("questions") + 1)


def _address(event: ConsentEvent) -> Address | None:
    """Return whose it is; None once they are erased."""
    key = event.personal.address
    return parse_address(key) if key else None


def _told(done: OptedIn | None) -> tuple[str, str]:
    if done is None:
        return _Outcome.NOT_ASKED, _OVER
    if done.question is None:
        return _Outcome.NOT_ASKED, done.why_not_asked[:300]
    return _Outcome.ASKED, done.why_not_asked[:300] or noop("It counts after their yes.")
