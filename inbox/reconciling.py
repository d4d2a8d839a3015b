"""Did every message Twilio received reach us? Ask its own list, and take in what was lost."""

import logging
from datetime import datetime, timedelta
from urllib.parse import urlencode

from inbox.carrier import CarrierAwayError, RemoteMessage
from inbox.models import Receipt, Sender
from inbox.receiving import Arrival, accept, process
from inbox.sending import carrier_for

logger = logging.getLogger(__name__)

LOOK_BACK = timedelta(hours=26)


def find_lost(*, now: datetime) -> int:
    """Take in every inbound message of the last day that has no receipt; return how many."""
    found = 0
    for sender in Sender.objects.select_related("twilio_account").exclude(kind=Sender.Kind.SERVICE):
        try:
            found += _find_lost_of(sender, now=now)
        except CarrierAwayError as error:
            logger.warning("sender %s not reconciled: %s", sender.pk, type(error).__name__)
    return found


def _find_lost_of(sender: Sender, *, now: datetime) -> int:
    carrier = carrier_for(sender.twilio_account)
    remote = carrier.list_inbound(recipient=sender.address, since=now - LOOK_BACK)
    known = set(
        Receipt.objects.filter(
            account_sid=sender.twilio_account.account_sid,
            kind=Receipt.Kind.INBOUND,
            message_sid__in=[message.sid for message in remote],
        ).values_list("message_sid", flat=True)
    )
    lost = [message for message in remote if message.sid not in known]
    for message in sorted(lost, key=lambda message: message.created_at or now):
        _take_in(sender, message, now=now)
    return len(lost)


def _take_in(sender: Sender, message: RemoteMessage, *, now: datetime) -> None:
    """Write the receipt that the webhook would have made, dated when Twilio received it."""
    form = dict(message.form)
    if message.created_at:
        form["Timestamp"] = message.created_at.isoformat()
    media = carrier_for(sender.twilio_account).media_of(message.sid) if _has_media(form) else []
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
    receipt_id, is_new = accept(arrival, now=message.created_at or now)
    if is_new:
        logger.warning("message %s was lost on its way and taken in now", message.sid)
        process(receipt_id, now=now)


def _has_media(form: dict[str, str]) -> bool:
    return form.get("NumMedia", "0") not in {"", "0"}
