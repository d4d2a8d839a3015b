"""Which question about consent waits for an answer, and which message may answer it?"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from compliance.addresses import Address
from compliance.consent import ConsentChange
from compliance.evidence import Wording
from compliance.models import Consent, ConsentEvent, ConsentState
from inbox.models import ConsentQuestion, Message, Thread

if TYPE_CHECKING:
    from django.db.models import QuerySet

CONFIRM, CLARIFY = ConsentQuestion.Kind.CONFIRM, ConsentQuestion.Kind.CLARIFY
# Which text of ours was shown, as the ledger names wordings.
WORDING = "consent_request"
_Status = Message.Status
DID_NOT_GO = (_Status.FAILED, _Status.BLOCKED, _Status.CANCELED)
_NOT_SEEN = (_Status.QUEUED, *DID_NOT_GO)


def open_questions(thread_ids: Iterable[int], kind: str) -> "QuerySet[ConsentQuestion]":
    """Return the questions of a kind on these threads that nobody has answered."""
    return ConsentQuestion.objects.filter(thread__in=thread_ids, kind=kind, answered_at=None)


def last_asked(account_id: int, addresses: Iterable[Address]) -> dict[tuple[str, str], datetime]:
    """Return when people were last asked to confirm, by the key of their consent and programme.

    A question that did not go is none.
    """
    keys = {key: one.consent_key for one in addresses for key in one.sibling_keys}
    rows = ConsentQuestion.objects.filter(
        account=account_id, thread__address__key__in=keys, kind=CONFIRM
    ).exclude(message__status__in=DID_NOT_GO)
    found: dict[tuple[str, str], datetime] = {}
    for key, programme, at in rows.values_list("thread__address__key", "programme", "asked_at"):
        of = keys[key], programme
        found[of] = max(at, found.get(of, at))
    return found


def answerable(thread: Thread, kind: str, *, now: datetime) -> list[ConsentQuestion]:
    """Return the questions that a message on this thread can be an answer to.

    Only what has left was seen; and a yes to a later question of ours answers that one.
    """
    asked = open_questions([thread.pk], kind).filter(ends_at__gt=now)
    rows = list(asked.exclude(message__status__in=_NOT_SEEN).select_related("message"))
    return [row for row in rows if not _was_overtaken(row)]


def _was_overtaken(row: ConsentQuestion) -> bool:
    """Say whether we asked something else since, or, where they choose, said anything at all."""
    later = Message.objects.filter(
        thread=row.thread_id, direction=Message.Direction.OUT, seq__gt=row.message.seq
    ).exclude(kind=Message.Kind.NOTE)
    later = later.exclude(status__in=_NOT_SEEN)
    if row.kind == CLARIFY:
        return later.exists()
    return any(body.rstrip().endswith("?") for body in later.values_list("body", flat=True))


def wording_of(row: ConsentQuestion) -> Wording:
    """Return the words of a question as the ledger keeps them: exactly what was sent."""
    return Wording(WORDING, f"{row.asked_at:%Y-%m-%d}", row.language, row.message.body)


def is_still_asked(message: Message, address: Address, *, now: datetime) -> bool:
    """Say, at sending time, whether a question whether they consent still waits for an answer."""
    row = ConsentQuestion.objects.filter(message=message).first()
    if row is None or not row.is_open_at(now):
        return False
    consent = Consent.objects.filter(
        account=message.account_id,
        address=address.consent_key,
        family=address.consent_family,
        programme=row.programme,
    ).first()
    return consent is not None and consent.state_at(now) is ConsentState.PENDING


def ends_of(message: Message) -> datetime | None:
    """Return until when a question may be sent; None for what is no question."""
    return ConsentQuestion.objects.filter(message=message).values_list("ends_at", flat=True).first()


def end_questions(account_id: int, addresses: Sequence[Address], *, now: datetime) -> None:
    """They opted out: nothing that they were asked whether they consent waits any more."""
    keys = [key for address in addresses for key in address.sibling_keys]
    ConsentQuestion.objects.filter(
        account=account_id, thread__address__key__in=keys, kind=CONFIRM, answered_at=None
    ).update(answered_at=now, outcome=ConsentQuestion.Outcome.OPTED_OUT)


def settle(
    row: ConsentQuestion, outcome: str, event: ConsentEvent | None, *, now: datetime
) -> bool:
    """Keep the answer to a question; say whether it was the first."""
    unanswered = ConsentQuestion.objects.filter(pk=row.pk, answered_at=None)
    answer = event.seq if event else None
    return bool(unanswered.update(answered_at=now, outcome=outcome, answer=answer))


def settle_confirmed(account_id: int, change: ConsentChange, *, now: datetime) -> None:
    """Keep that they confirmed, of every question about these programmes of theirs."""
    keys = [key for address in change.addresses for key in address.sibling_keys]
    ConsentQuestion.objects.filter(
        account=account_id,
        thread__address__key__in=keys,
        kind=CONFIRM,
        programme__in=change.confirmed,
        answered_at=None,
    ).update(
        answered_at=now,
        outcome=ConsentQuestion.Outcome.YES,
        answer=change.event.seq if change.event else None,
    )


def end_open(thread: Thread, kind: str, programme: str, *, now: datetime) -> None:
    """Nobody answered what was asked before: its time is over, since it is asked anew."""
    open_questions([thread.pk], kind).filter(programme=programme).update(
        answered_at=now, outcome=ConsentQuestion.Outcome.OVER
    )
