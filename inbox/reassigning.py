"""Did a number change owner since we last heard from the person? Asked where an account wants it.

Lookup v2 with `reassigned_number`: the day of the last proof of contact goes in. What was consented
before counts no longer then; an opt-out stays. No answer changes nothing: answers to people who
write go on, and what the gate would block it blocks (compliance reference, G7, section 12).
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import F, Max, Q

from accounts.models import Account, TwilioAccount
from accounts.secrets import SecretUnreadableError
from compliance.addresses import SMS, Address, parse_address
from compliance.chain import handle
from compliance.evidence import EventKind, Evidence, Quality, Source
from compliance.ledger import events_of, handle_of, locked_chain
from compliance.models import Consent, ConsentState, ReassignmentCheck, ReassignmentPolicy
from compliance.recording import record_consent
from compliance.state_machine import superseded_in
from compliance.whereabouts import whereabouts
from inbox.models import Message, Sender, Thread
from inbox.nudges import nudge
from inbox.setup.twilio_consents import consents_at
from inbox.twilio.errors import TwilioAwayError, TwilioRefusedError

logger = logging.getLogger(__name__)

COVERED = "US"  # the register of the FCC; https://www.reassigned.us
TRY_AGAIN = timedelta(hours=1)
LEASE = timedelta(minutes=2)
PIECE = 20
_Answer = ReassignmentCheck.Answer
# What shows that the person whom we know had the number then.
_PROOFS = frozenset({EventKind.OPT_IN, EventKind.OPT_OUT, EventKind.GRANT, EventKind.HELP})
_NO_PROOF = frozenset({Source.LINKED, Source.CLOCK, Source.LOOKUP_REASSIGNED})


@dataclass(frozen=True)
class Question:
    """Whose owner is asked about, and since when."""

    account_id: int
    address: Address
    proven_at: datetime


def is_due(account_id: int, address: Address, *, now: datetime) -> bool:
    """Say whether the owner of this number is to be asked about before an offer goes there."""
    policy = ReassignmentPolicy.objects.filter(account=account_id, is_on=True).first()
    if policy is None or not _is_covered(address) or _left(policy, now=now) <= 0:
        return False
    return _question(policy, address, now=now) is not None


def _is_covered(address: Address) -> bool:
    return bool(address.phone) and whereabouts(address).country == COVERED


def _question(policy: ReassignmentPolicy, address: Address, *, now: datetime) -> Question | None:
    consent = Consent.objects.filter(
        account=policy.account_id, address=address.consent_key, reassigned_at__isnull=False
    )
    at = last_proof(policy.account_id, address)
    if at is None or at > now - timedelta(days=policy.older_than_days):
        return None
    if consent.filter(reassigned_at__gte=at).exists():
        return None
    known = handle_of(policy.account_id, address)
    checks = ReassignmentCheck.objects.filter(account=policy.account_id, handle=known)
    fresh = Q(asked_at__gt=now - timedelta(days=policy.again_days)) & ~Q(answer=_Answer.FAILED)
    failed = Q(asked_at__gt=now - TRY_AGAIN, answer=_Answer.FAILED)
    if known and checks.filter(fresh | failed).exists():
        return None
    return Question(policy.account_id, address, at)


def last_proof(account_id: int, address: Address) -> datetime | None:
    """Return when we last heard from whoever has this number, in a message or by a consent.

    A consent without proof counts only where there is nothing better.
    """
    threads = Thread.objects.filter(account=account_id, address__key__in=address.sibling_keys)
    wrote = threads.aggregate(last=Max("last_inbound_at"))["last"]
    events = events_of(account_id, address)
    gone = superseded_in(event.fact for event in events)
    theirs = [
        one
        for one in events
        if one.kind in _PROOFS and one.source not in _NO_PROOF and one.seq not in gone
    ]
    proven = [one.occurred_at for one in theirs if one.quality != Quality.IMPORTED_UNPROVEN]
    rest = [one.occurred_at for one in theirs]
    return max(filter(None, [wrote, *(proven or rest)]), default=None)


# --- Asking ---------------------------------------------------------------------------------------


def check_owner(message_id: int, *, now: datetime) -> None:
    """Ask about the owner of the number that an offer waits for, and let the offer go on."""
    message = Message.objects.select_related("thread__sender__twilio_account").get(pk=message_id)
    policy = ReassignmentPolicy.objects.filter(account=message.account_id, is_on=True).first()
    address = parse_address(message.thread.customer_address)
    question = _question(policy, address, now=now) if policy and _is_covered(address) else None
    if question:
        ask(question, message.thread.sender.twilio_account, now=now)
    nudge("deliver", message_id)


def ask(question: Question, twilio: TwilioAccount, *, now: datetime) -> str:
    """Ask Twilio, within the day's budget; return the answer, blank if there is none left to spend.

    A number that changed owner loses what was consented for it, unless we heard from it meanwhile.
    """
    if not _spend(question.account_id, now=now):
        return ""
    code = ""
    try:
        told = consents_at(twilio).owner(question.address.phone, question.proven_at.date())
        answer, code = told.answer, told.error_code
    except TwilioAwayError:
        answer = _Answer.FAILED.value
    except (TwilioRefusedError, SecretUnreadableError) as error:
        answer, code = _Answer.FAILED.value, getattr(error, "code", "") or "refused"
    _keep(question, answer, code, now=now)
    return answer


def _keep(question: Question, answer: str, code: str, *, now: datetime) -> None:
    account_id, address = question.account_id, question.address
    with transaction.atomic(durable=True):
        if answer == _Answer.YES:
            _reassign(question, now=now)
        pepper = locked_chain(account_id, now=now).pepper
        ReassignmentCheck.objects.create(
            account_id=account_id,
            handle=handle(pepper, address.consent_key),
            verified_on=question.proven_at.date(),
            answer=answer,
            error_code=code[:12],
            asked_at=now,
        )


def _reassign(question: Question, *, now: datetime) -> None:
    heard = last_proof(question.account_id, question.address)
    if heard and heard > question.proven_at:
        logger.info("account %s heard from a number meanwhile", question.account_id)
        return
    evidence = Evidence(
        EventKind.REASSIGNED,
        Source.LOOKUP_REASSIGNED,
        note=f"Twilio Lookup: another owner since {question.proven_at:%Y-%m-%d}",
    )
    record_consent(
        account_id=question.account_id, address=question.address, evidence=evidence, now=now
    )


# --- The budget -----------------------------------------------------------------------------------


def _today(account_id: int, now: datetime) -> date:
    zone = Account.objects.values_list("time_zone", flat=True).get(pk=account_id)
    return now.astimezone(ZoneInfo(zone)).date()


def _left(policy: ReassignmentPolicy, *, now: datetime) -> int:
    """Return how many look-ups may be paid for today."""
    is_today = policy.spent_on == _today(policy.account_id, now)
    return policy.most_a_day - (policy.spent if is_today else 0)


def _spend(account_id: int, *, now: datetime) -> bool:
    today = _today(account_id, now)
    mine = ReassignmentPolicy.objects.filter(account=account_id, is_on=True)
    mine.exclude(spent_on=today).update(spent_on=today, spent=0)
    mine.filter(spent_on=None).update(spent_on=today, spent=0)
    return bool(mine.filter(spent_on=today, spent__lt=F("most_a_day")).update(spent=F("spent") + 1))


# --- By night -------------------------------------------------------------------------------------


def sweep_next(*, now: datetime) -> bool:
    """Ask about some more old consents of an account whose day is not done; say if there was one.

    What the day's budget does not pay for is asked about tomorrow, from there on.
    """
    is_free = Q(leased_until=None) | Q(leased_until__lte=now)
    for policy in ReassignmentPolicy.objects.filter(is_free, is_on=True).order_by("pk"):
        today = _today(policy.account_id, now)
        if policy.swept_on == today:
            continue
        mine = ReassignmentPolicy.objects.filter(is_free, pk=policy.pk)
        if mine.update(leased_until=now + LEASE):
            _sweep(policy, today, now=now)
            return True
    return False


def _sweep(policy: ReassignmentPolicy, today: date, *, now: datetime) -> None:
    rows = _old(policy, now=now)
    sender = Sender.objects.in_use().filter(account=policy.account_id)
    first = sender.exclude(kind=Sender.Kind.WHATSAPP).select_related("twilio_account").first()
    done, is_spent = policy.swept_pk, first is None
    for row in rows if first else ():
        address = parse_address(row.address)
        policy.refresh_from_db(fields=["spent", "spent_on", "most_a_day"])
        question = _question(policy, address, now=now) if _is_covered(address) else None
        if question and first and not ask(question, first.twilio_account, now=now):
            is_spent = True
            break
        done = row.pk
    is_over = is_spent or len(rows) < PIECE
    ReassignmentPolicy.objects.filter(pk=policy.pk).update(
        leased_until=None,
        swept_pk=0 if is_over and not is_spent else done,
        swept_on=today if is_over else policy.swept_on,
    )


def _old(policy: ReassignmentPolicy, *, now: datetime) -> Sequence[Consent]:
    before = now - timedelta(days=policy.older_than_days)
    rows = Consent.objects.filter(
        account=policy.account_id,
        family=SMS,
        state=ConsentState.OPTED_IN,
        address__startswith=f"{SMS}:+1",
        reassigned_at=None,
        last_at__lte=before,
        pk__gt=policy.swept_pk,
    )
    return list(rows.order_by("pk")[:PIECE])
