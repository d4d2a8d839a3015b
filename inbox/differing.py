"""Where do our opt-outs and Twilio's side differ, and what do we make of it? Once a day each.

Twilio has no list of who is blocked that can be read: what it shows are refusals (21610) in its log
of messages, whoever sent them, and what it says to what we share. Somebody whom we think is in and
Twilio refuses is opted out here too. Nobody is opted in by what a list says (section 12, edge 31).
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from accounts import audit
from accounts.english import noop
from accounts.models import TwilioAccount
from accounts.secrets import SecretUnreadableError
from compliance.addresses import SMS, Address, is_toll_free, parse_address
from compliance.consent import consent_of
from compliance.evidence import EventKind, Evidence, Source
from compliance.ledger import handle_of
from compliance.models import (
    Consent,
    ConsentComparison,
    ConsentDifference,
    ConsentEvent,
    ConsentSharing,
    ConsentState,
    ProviderBlock,
    SharedConsent,
)
from inbox.carrier import CarrierAwayError, RemoteMessage
from inbox.models import Message, Sender
from inbox.opting_out import opt_out
from inbox.sending import carrier_for
from inbox.sharing import places_of

logger = logging.getLogger(__name__)

EVERY = timedelta(days=1)
AGAIN = timedelta(hours=1)
LEASE = timedelta(minutes=10)
# Twilio writes a message down some time after it was asked to send it.
OVERLAP = timedelta(hours=2)
LOOK_BACK = timedelta(days=2)
MOST_MESSAGES = 20_000
MOST_DIFFERENCES = 500
AWAY = noop("Twilio did not answer for one of the accounts: it is asked again.")
REFUSED, BLOCKED = "21610", "30004"
_Kind = ConsentDifference.Kind


def compare_next(*, now: datetime) -> bool:
    """Compare the account that was not compared for longest, if its day is over."""
    in_use = Sender.objects.in_use().filter(account=OuterRef("account_id"))
    _begin_all(now)
    is_due = Q(compared_at=None) | Q(compared_at__lte=now - EVERY)
    is_free = Q(comparing_until=None) | Q(comparing_until__lte=now)
    due = ConsentSharing.objects.filter(is_due, is_free, Exists(in_use))
    row = due.order_by("compared_at", "pk").first()
    if row is None:
        return False
    mine = ConsentSharing.objects.filter(is_due, is_free, pk=row.pk)
    if mine.update(comparing_until=now + LEASE):
        compare(row.account_id, now=now)
    return True


def _begin_all(now: datetime) -> None:
    """Let every account with senders have a row."""
    has_row = ConsentSharing.objects.filter(account=OuterRef("account"))
    new = Sender.objects.in_use().exclude(Exists(has_row)).order_by()
    accounts = new.values_list("account", flat=True).distinct()
    rows = [ConsentSharing(account_id=one) for one in accounts]
    ConsentSharing.objects.bulk_create(rows, ignore_conflicts=True)


@dataclass
class _Look:
    """One comparison while it is made."""

    run: ConsentComparison
    found: list[ConsentDifference] = field(default_factory=list)
    was_away: bool = False

    def note(self, kind: str, address: Address, ours: str, done: str, *, sid: str = "") -> None:
        if len(self.found) >= MOST_DIFFERENCES:
            return
        self.found.append(
            ConsentDifference(
                account_id=self.run.account_id,
                comparison=self.run,
                kind=kind,
                handle=handle_of(self.run.account_id, address) or "",
                ending=address.key[-2:],
                our_address=ours,
                message_sid=sid,
                done=done,
            )
        )


def compare(account_id: int, *, now: datetime) -> ConsentComparison:
    """Compare one account now, and keep what was found. What Twilio does not answer is said."""
    whole = ConsentComparison.objects.filter(account=account_id, ended_at__isnull=False)
    last = whole.exclude(problem=AWAY).first()
    since = max(last.begun_at - OVERLAP, now - 5 * LOOK_BACK) if last else now - LOOK_BACK
    run = ConsentComparison.objects.create(account_id=account_id, begun_at=now, since=since)
    look = _Look(run)
    for account in _twilio_accounts(account_id):
        try:
            sent = carrier_for(account).list_outbound(since=since, most=MOST_MESSAGES)
        except (CarrierAwayError, SecretUnreadableError) as error:
            logger.warning("account %s not compared with Twilio: %s", account_id, error)
            run.problem = AWAY
            look.was_away = True
            continue
        run.messages += len(sent)
        if len(sent) >= MOST_MESSAGES and not run.problem:
            run.problem = noop(
                "There were more than %(most_messages)s messages: the newest were read."
            ) % {"most_messages": f"{MOST_MESSAGES:,}"}
        _messages(look, sent, now=now)
    _blocks(look)
    _unshared(look)
    return _finish(look, now=now)


def _twilio_accounts(account_id: int) -> Sequence[TwilioAccount]:
    used = Sender.objects.in_use().filter(account=account_id)
    pks = used.values_list("twilio_account", flat=True).distinct()
    return list(TwilioAccount.objects.filter(pk__in=pks).order_by("pk"))


def _finish(look: _Look, *, now: datetime) -> ConsentComparison:
    run = look.run
    with transaction.atomic(durable=True):
        run.opted_out = Consent.objects.filter(
            account=run.account_id, programme="*", state=ConsentState.OPTED_OUT
        ).count()
        run.blocks = ProviderBlock.objects.filter(account=run.account_id, cleared_at=None).count()
        run.ended_at = now
        run.save()
        ConsentDifference.objects.bulk_create(look.found)
        ConsentSharing.objects.filter(account=run.account_id).update(
            # What Twilio did not answer is asked for again in an hour.
            compared_at=now - EVERY + AGAIN if look.was_away else now,
            comparing_until=None,
        )
        if run.adopted:
            audit.alarm(
                action="consent_drift_adopted",
                subject=f"{run.adopted} opt-outs",
                words=noop("Twilio refuses messages to people not opted out here: now they are."),
                account_id=run.account_id,
                now=now,
                comparison=run.pk,
            )
    return run


# --- What the log of messages shows ---------------------------------------------------------------


def _messages(look: _Look, sent: Sequence[RemoteMessage], *, now: datetime) -> None:
    ours = _ours(look.run.account_id)
    sids = [one.sid for one in sent]
    from_here = set(
        Message.objects.filter(account=look.run.account_id, provider_sid__in=sids).values_list(
            "provider_sid", flat=True
        )
    )
    for message in sorted(sent, key=lambda one: one.created_at or now):
        address = parse_address(message.recipient)
        if address.consent_family != SMS or not address.phone:
            continue
        if message.sender_address not in ours and _service(message) not in ours:
            continue
        if message.error_code == REFUSED:
            _refused(look, message, address, now=now)
        elif message.error_code == BLOCKED and is_toll_free(message.sender_address):
            _toll_free(look, message, address)
        elif message.sid not in from_here:
            _written_to(look, message, address)


def _ours(account_id: int) -> set[str]:
    return {name for place in places_of(account_id) for name in (place.sender_id, *place.addresses)}


def _service(message: RemoteMessage) -> str:
    return message.form.get("MessagingServiceSid", "")


def _refused(look: _Look, message: RemoteMessage, address: Address, *, now: datetime) -> None:
    """Twilio refused a message: who is in here is out there, and from now on here too."""
    account_id = look.run.account_id
    if ConsentEvent.objects.filter(account=account_id, message_sid=message.sid).exists():
        return
    consent = consent_of(account_id, address)
    at = min(message.created_at or now, now)
    if consent is not None and consent.state == ConsentState.OPTED_OUT:
        _block(look, message, address, at)
        return
    if _said_yes_since(account_id, address, at):
        return
    evidence = Evidence(
        EventKind.OPT_OUT,
        Source.PROVIDER_REFUSAL,
        occurred_at=at,
        message_sid=message.sid,
        note=noop("found in the log of Twilio"),
    )
    opt_out(account_id=account_id, address=address, evidence=evidence, now=now)
    _block(look, message, address, at)
    look.run.adopted += 1
    done = noop("Opted out here too. Only they can undo it, by texting START.")
    look.note(_Kind.REFUSED_THERE, address, message.sender_address, done, sid=message.sid)


def _said_yes_since(account_id: int, address: Address, at: datetime) -> bool:
    """Say whether they asked for messages again after that."""
    known = handle_of(account_id, address)
    yes = ConsentEvent.objects.filter(account=account_id, handle=known, kind=EventKind.OPT_IN)
    return bool(known) and yes.filter(occurred_at__gt=at).exists()


def _block(look: _Look, message: RemoteMessage, address: Address, at: datetime) -> None:
    if not message.sender_address:
        return
    ProviderBlock.objects.get_or_create(
        account_id=look.run.account_id,
        our_address=message.sender_address,
        address=address.consent_key,
        cleared_at=None,
        defaults={"since": at},
    )


def _toll_free(look: _Look, message: RemoteMessage, address: Address) -> None:
    """Note 30004 on a toll-free number: it may be a STOP that only the network knows."""
    consent = consent_of(look.run.account_id, address)
    if consent is not None and consent.state == ConsentState.OPTED_OUT:
        return
    done = noop("Nothing changed: 30004 has other reasons too. Ask them, or let them text UNSTOP.")
    look.note(_Kind.TOLL_FREE, address, message.sender_address, done, sid=message.sid)


def _written_to(look: _Look, message: RemoteMessage, address: Address) -> None:
    consent = consent_of(look.run.account_id, address)
    if consent is None or consent.state != ConsentState.OPTED_OUT:
        return
    at = message.created_at
    if at is None or consent.opted_out_at is None or at <= consent.opted_out_at:
        return
    if message.error_code or message.status in ("failed", "undelivered", "canceled"):
        return
    done = noop("It was not sent from here: another system that uses this number must stop too.")
    look.note(_Kind.WRITTEN_TO, address, message.sender_address, done, sid=message.sid)


# --- What we know of Twilio's side ----------------------------------------------------------------


def _blocks(look: _Look) -> None:
    """Who is refused there and not opted out here: nothing of ours lifts that, they do."""
    for block in _standing(look.run.account_id):
        address = parse_address(block.address)
        consent = consent_of(look.run.account_id, address)
        if consent is None or consent.state != ConsentState.OPTED_OUT:
            done = noop("Nobody is opted in by a list: they must text START to this number.")
            look.note(_Kind.ONLY_THERE, address, block.our_address, done)


def _standing(account_id: int) -> Iterator[ProviderBlock]:
    out = Consent.objects.filter(
        account=account_id,
        address=OuterRef("address"),
        programme="*",
        state=ConsentState.OPTED_OUT,
    )
    rows = ProviderBlock.objects.filter(account=account_id, cleared_at=None)
    return iter(rows.exclude(Exists(out)).order_by("pk")[:MOST_DIFFERENCES])


def _unshared(look: _Look) -> None:
    rows = SharedConsent.objects.filter(
        account=look.run.account_id, state=SharedConsent.State.REFUSED, status="opt-out"
    )
    for row in rows.order_by("-pk")[:MOST_DIFFERENCES]:
        event = ConsentEvent.objects.filter(account=row.account_id, seq=row.seq).first()
        if event is None or not event.address:
            continue
        address = parse_address(event.address)
        consent = consent_of(row.account_id, address)
        if consent is not None and consent.state == ConsentState.OPTED_OUT:
            done = noop("Refused with %(value)s. Our gate alone keeps it.") % {
                "value": row.error_code or "no code"
            }
            look.note(_Kind.NOT_SHARED, address, row.sender_id, done)
