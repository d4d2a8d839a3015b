"""How does Twilio hear of our opt-outs at once? Where an account switched that on; it is a pilot.

The ledger is read on from where it was read to; what is to be told is written down, and told by
and by: 25 a request, 100 requests a minute, again until there is an answer. Told twice is told
once: the correlation id follows from the event and the sender. No transaction is open while Twilio
is asked.
"""

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from accounts.models import TwilioAccount
from accounts.secrets import SecretUnreadableError
from compliance.addresses import SMS, Address, is_toll_free, parse_address
from compliance.consent import consent_of
from compliance.models import (
    ConsentChain,
    ConsentEvent,
    ConsentSharing,
    ConsentState,
    ProviderBlock,
    SharedConsent,
)
from compliance.sealing import UnreadableDetailsError
from compliance.sharing import OPT_IN, OPT_OUT, correlation_id, source_of, status_of
from inbox.models import Sender
from inbox.setup.twilio_consents import consents_at
from inbox.twilio.consents import MOST_A_MINUTE, MOST_ITEMS, ToShare
from inbox.twilio.errors import TwilioAwayError, TwilioRefusedError

logger = logging.getLogger(__name__)

READ_ON = 200
LEASE = timedelta(minutes=2)
MINUTE = timedelta(minutes=1)
AGAIN, LATEST = timedelta(seconds=15), timedelta(hours=1)
MOST_ATTEMPTS = 60
# Twilio counts the last 60 seconds: of two minutes of ours that touch, both count.
MOST_OF_OURS = MOST_A_MINUTE // 2
_State = SharedConsent.State
_Kind = Sender.Kind


@dataclass(frozen=True)
class Place:
    """A list of opt-outs at Twilio: a number's own, or that of the service it is in."""

    sender_id: str
    twilio_account: int
    addresses: tuple[str, ...]

    @property
    def is_toll_free(self) -> bool:
        """Say whether the network keeps the list: only the person takes themselves off it."""
        return is_toll_free(self.sender_id)


def places_of(account_id: int) -> list[Place]:
    """Return the lists that Twilio keeps for an account's SMS senders."""
    kinds = [_Kind.NUMBER, _Kind.SHORT_CODE, _Kind.SERVICE]
    senders = Sender.objects.in_use().filter(account=account_id, kind__in=kinds)
    found: dict[tuple[int, str], list[str]] = defaultdict(list)
    for one in senders.order_by("pk"):
        place = one.messaging_service_sid or one.address
        if is_toll_free(one.address):
            place = one.address
        found[one.twilio_account_id, place].append(one.address)
    return [Place(name, account, tuple(of)) for (account, name), of in found.items()]


# --- What is to be told ---------------------------------------------------------------------------


def read_on_next(*, now: datetime) -> bool:
    """Write down what the next account's new events mean for Twilio; say whether there was any."""
    newer = ConsentChain.objects.filter(account=OuterRef("account"), seq__gt=OuterRef("shared_seq"))
    behind = ConsentSharing.objects.filter(Exists(newer), is_on=True).order_by("pk").first()
    if behind is None:
        return False
    with transaction.atomic(durable=True):
        sharing = ConsentSharing.objects.select_for_update().get(pk=behind.pk)
        if not sharing.is_on:
            return True
        _write_down(sharing, now=now)
    return True


def _write_down(sharing: ConsentSharing, *, now: datetime) -> None:
    events = list(
        ConsentEvent.objects.filter(account=sharing.account_id, seq__gt=sharing.shared_seq)
        .select_related("details__key")
        .order_by("seq")[:READ_ON]
    )
    chain = ConsentChain.objects.get(account=sharing.account_id)
    places = places_of(sharing.account_id)
    rows = [row for event in events for row in _rows(event, places, chain.pepper, now=now)]
    SharedConsent.objects.bulk_create(rows, ignore_conflicts=True)
    if events:
        sharing.shared_seq = events[-1].seq
        sharing.save(update_fields=["shared_seq"])


def _rows(
    event: ConsentEvent, places: Sequence[Place], pepper: str, *, now: datetime
) -> Iterable[SharedConsent]:
    is_out = event.state == ConsentState.OPTED_OUT
    status = status_of(event.kind, event.quality, is_out=is_out)
    address = _address(event) if status and event.family == SMS else None
    if address is None or not address.phone:
        return
    blocked = _blocked(event.account_id, address)
    told = _told_out(event)
    for place in places:
        is_blocked = bool(blocked.intersection(place.addresses))
        if status == OPT_OUT and is_blocked:
            continue
        if status == OPT_IN and (place.is_toll_free or not (is_blocked or place.sender_id in told)):
            continue
        yield SharedConsent(
            account_id=event.account_id,
            seq=event.seq,
            handle=event.handle,
            sender_id=place.sender_id,
            status=status,
            source=source_of(event.source, status),
            correlation_id=correlation_id(pepper, event.seq, place.sender_id),
            due_at=now,
            made_at=now,
        )


def _address(event: ConsentEvent) -> Address | None:
    """Return whose event it is; None if they were erased or it cannot be read."""
    try:
        return parse_address(event.address) if event.address else None
    except (UnreadableDetailsError, SecretUnreadableError):
        logger.warning("the details of consent event %s cannot be read", event.pk)
        return None


def _blocked(account_id: int, address: Address) -> set[str]:
    rows = ProviderBlock.objects.filter(
        account=account_id, address=address.consent_key, cleared_at=None
    )
    return set(rows.values_list("our_address", flat=True))


def _told_out(event: ConsentEvent) -> set[str]:
    rows = SharedConsent.objects.filter(
        account=event.account_id, handle=event.handle, status=OPT_OUT, seq__lt=event.seq
    )
    return set(rows.exclude(state=_State.MOOT).values_list("sender_id", flat=True))


# --- Telling --------------------------------------------------------------------------------------


def tell_next(*, now: datetime) -> bool:
    """Tell Twilio of what waits longest, one request; say whether anything was due."""
    waiting = SharedConsent.objects.filter(
        account=OuterRef("account"), state=_State.WAITING, due_at__lte=now
    )
    is_free = Q(leased_until=None) | Q(leased_until__lte=now)
    ready = ConsentSharing.objects.filter(is_free & _has_room(now), Exists(waiting), is_on=True)
    sharing = ready.order_by("window_began_at", "pk").first()
    if sharing is None:
        return False
    mine = ConsentSharing.objects.filter(is_free & _has_room(now), pk=sharing.pk, is_on=True)
    if not mine.update(leased_until=now + LEASE):
        return True
    try:
        _tell_some(sharing, now=now)
    finally:
        ConsentSharing.objects.filter(pk=sharing.pk).update(leased_until=None)
    return True


def _has_room(now: datetime) -> Q:
    is_new = Q(window_began_at=None) | Q(window_began_at__lte=now - MINUTE)
    return is_new | Q(window_requests__lt=MOST_OF_OURS)


def _tell_some(sharing: ConsentSharing, *, now: datetime) -> None:
    places = {one.sender_id: one for one in places_of(sharing.account_id)}
    waiting = SharedConsent.objects.filter(
        account=sharing.account_id, state=_State.WAITING, due_at__lte=now
    )
    rows = list(waiting.order_by("due_at", "pk")[: MOST_ITEMS * 4])
    theirs = [places[one.sender_id].twilio_account for one in rows if one.sender_id in places]
    account = theirs[0] if theirs else 0
    items: dict[str, ToShare] = {}
    for row in rows:
        place = places.get(row.sender_id)
        if place and place.twilio_account != account:
            continue
        item = _item(row) if place else None
        if item is None:
            _settle(row, _State.MOOT, now=now)
        elif len(items) < MOST_ITEMS:
            items[row.correlation_id] = item
    if items:
        asked = [row for row in rows if row.correlation_id in items]
        _ask(sharing, account, asked, items, places, now=now)


def _item(row: SharedConsent) -> ToShare | None:
    """Return what Twilio is told; None where it is no longer so, or nobody is there any more."""
    event = (
        ConsentEvent.objects.select_related("details__key")
        .filter(account=row.account_id, seq=row.seq)
        .first()
    )
    address = _address(event) if event else None
    if event is None or address is None:
        return None
    consent = consent_of(row.account_id, address)
    is_out = consent is not None and consent.state == ConsentState.OPTED_OUT
    if is_out != (row.status == OPT_OUT):
        return None
    return ToShare(
        correlation_id=row.correlation_id,
        contact_id=address.phone,
        sender_id=row.sender_id,
        status=row.status,
        source=row.source,
        at=event.occurred_at,
    )


def _ask(
    sharing: ConsentSharing,
    account_pk: int,
    rows: Sequence[SharedConsent],
    items: Mapping[str, ToShare],
    places: Mapping[str, Place],
    *,
    now: datetime,
) -> None:
    _count(sharing, now=now)
    account = TwilioAccount.objects.get(pk=account_pk)
    try:
        answers = consents_at(account).share(list(items.values()))
    except TwilioAwayError as error:
        logger.warning("consents of account %s not shared: %s", sharing.account_id, error)
        _later(rows, "", now=now)
        return
    except (TwilioRefusedError, SecretUnreadableError) as error:
        code = getattr(error, "code", "") or "refused"
        logger.warning("consents of account %s not shared: %s", sharing.account_id, code)
        _later(rows, code, now=now)
        return
    for row in rows:
        answer = answers.get(row.correlation_id)
        if answer is None:
            _later([row], "", now=now)
        elif answer:
            _settle(row, _State.REFUSED, code=answer, now=now)
        else:
            _settle(row, _State.TOLD, now=now)
            if row.status == OPT_IN:
                _unblock(row, items[row.correlation_id], places[row.sender_id], now=now)


def _count(sharing: ConsentSharing, *, now: datetime) -> None:
    began = sharing.window_began_at
    is_new = began is None or began <= now - MINUTE
    ConsentSharing.objects.filter(pk=sharing.pk).update(
        window_began_at=now if is_new else began,
        window_requests=1 if is_new else sharing.window_requests + 1,
    )


def _later(rows: Iterable[SharedConsent], code: str, *, now: datetime) -> None:
    for row in rows:
        row.attempts += 1
        row.error_code = code[:12]
        wait = min(AGAIN * 2 ** min(row.attempts, 10), LATEST)
        row.due_at = now + wait
        row.state = _State.REFUSED if row.attempts >= MOST_ATTEMPTS else _State.WAITING
        row.save(update_fields=["attempts", "error_code", "due_at", "state"])


def _settle(row: SharedConsent, state: str, *, code: str = "", now: datetime) -> None:
    SharedConsent.objects.filter(pk=row.pk, state=_State.WAITING).update(
        state=state, error_code=code[:12], settled_at=now, attempts=row.attempts + 1
    )


def _unblock(row: SharedConsent, item: ToShare, place: Place, *, now: datetime) -> None:
    """Twilio delivers to them again: it said so (compliance reference, section 12)."""
    ProviderBlock.objects.filter(
        account=row.account_id,
        address=parse_address(item.contact_id).consent_key,
        our_address__in=place.addresses,
        cleared_at=None,
    ).update(cleared_at=now)
