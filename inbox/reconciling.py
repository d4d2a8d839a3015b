"""Did every message Twilio received reach us? Ask its own list, and take in what was lost."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from urllib.parse import urlencode

from inbox.carrier import CarrierAwayError, RemoteMessage
from inbox.models import Receipt, Sender
from inbox.receiving import Arrival, accept, process
from inbox.sending import carrier_for
from inbox.twilio.parsing import RECONCILED_KEY

logger = logging.getLogger(__name__)

LOOK_BACK = timedelta(hours=26)


def find_lost(*, now: datetime) -> int:
    """Take in every inbound message of the last day that has no receipt; return how many.

    Each sender is asked about by itself, in no order: neither trouble with one nor an end of time
    keeps the same others from ever being asked about.
    """
    senders = Sender.objects.in_use().order_by("?").values_list("pk", flat=True)
    return sum(_find_lost_of(pk, now=now) for pk in list(senders))


def _find_lost_of(sender_id: int, *, now: datetime) -> int:
    try:
        sender = Sender.objects.select_related("twilio_account").get(pk=sender_id)
        lost = _lost(sender, now=now)
    except CarrierAwayError as error:
        logger.warning("sender %s not reconciled: %s", sender_id, error)
        return 0
    except Exception:
        logger.exception("sender %s not reconciled", sender_id)
        return 0
    return sum(_take_in(sender, message, now=now) for message in lost)


def _lost(sender: Sender, *, now: datetime) -> list[RemoteMessage]:
    """Return what Twilio received for a sender and we have no receipt of, the oldest first."""
    # Twilio writes whole seconds.
    since = max(now - LOOK_BACK, sender.created_at).replace(microsecond=0)
    remote = _received_by(sender, since=since)
    known = _known_among([message.sid for message in remote], sender)
    return sorted(
        (one for one in reversed(remote) if one.sid not in known and _at(one, now) >= since),
        key=lambda one: _at(one, now),
    )


def _received_by(sender: Sender, *, since: datetime) -> list[RemoteMessage]:
    carrier = carrier_for(sender.twilio_account)
    if sender.kind != Sender.Kind.SERVICE:
        return carrier.list_inbound(recipient=sender.address, since=since)
    service = sender.messaging_service_sid or sender.address
    # A number of the service that is a sender itself has its messages to itself, as in webhooks.
    others = set(sender.twilio_account.senders.values_list("address", flat=True))
    return [
        message
        for message in carrier.list_inbound(recipient="", since=since)
        if message.form.get("MessagingServiceSid") == service and message.recipient not in others
    ]


def _known_among(sids: Sequence[str], sender: Sender) -> set[str]:
    known = Receipt.objects.filter(
        account_sid=sender.twilio_account.account_sid,
        kind=Receipt.Kind.INBOUND,
        message_sid__in=sids,
    )
    return set(known.values_list("message_sid", flat=True))


def _at(message: RemoteMessage, now: datetime) -> datetime:
    return message.created_at or now


def _take_in(sender: Sender, message: RemoteMessage, *, now: datetime) -> bool:
    """Write the receipt that the webhook would have made, dated when Twilio received it.

    Says whether that was done; if Twilio does not tell the files now, it is done another time.
    """
    form = {**message.form, RECONCILED_KEY: "1"}
    if message.created_at:
        form["Timestamp"] = message.created_at.isoformat()
    try:
        media = carrier_for(sender.twilio_account).media_of(message.sid) if _has_media(form) else []
    except CarrierAwayError as error:
        logger.warning("files of message %s not listed: %s", message.sid, error)
        return False
    for i, (url, content_type) in enumerate(media):
        form[f"MediaUrl{i}"], form[f"MediaContentType{i}"] = url, content_type
    arrival = Arrival(
        kind=Receipt.Kind.INBOUND,
        account_id=sender.account_id,
        twilio_account_id=sender.twilio_account_id,
        sender_id=sender.pk,
        account_sid=sender.twilio_account.account_sid,
        message_sid=message.sid,
        status="",
        form=urlencode(form).encode(),
    )
    receipt_id, is_new = accept(arrival, now=_at(message, now))
    if is_new:
        logger.warning("message %s was lost on its way and taken in now", message.sid)
        process(receipt_id, now=now)
    return is_new


def _has_media(form: dict[str, str]) -> bool:
    return form.get("NumMedia", "0") not in {"", "0"}
