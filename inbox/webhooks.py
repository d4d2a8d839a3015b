"""How does Twilio reach us? Prove who calls, keep the form, answer fast.

Contract: design 4, steps 1 and 2. `inbox.edge` is the same door for many callers at once.
"""

import hashlib
import logging
import threading
from dataclasses import replace
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.cache import cache
from django.core.exceptions import BadRequest, RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods
from redis.exceptions import RedisError

from accounts.prepared import Prepared
from inbox.delivery import OUR_MESSAGE_KEY
from inbox.models import Receipt, Sender
from inbox.nudges import nudge_at_most_every
from inbox.receiving import Arrival, accept, process
from inbox.status_urls import is_ours
from inbox.twilio.parsing import first_values, has_ours, sid_in, status_in, without_ours
from inbox.twilio.signature import is_signed

logger = logging.getLogger(__name__)

EMPTY_TWIML = '<?xml version="1.0" encoding="UTF-8"?><Response/>'
METHODS = ("GET", "POST")
REFUSED_KEY = "webhooks-refused"
SWEEP_EVERY_SECONDS = 0.2
# How many stories this process tells inside webhook requests at once; the rest waits for a worker,
# so that an overloaded process still answers quickly.
story_slots = threading.BoundedSemaphore(settings.INLINE_PROCESSING_LIMIT)


class ForgedError(Exception):
    """The call is not from Twilio, or not for the account it claims."""


@csrf_exempt
@login_not_required
@require_http_methods(METHODS)
def webhook(request: HttpRequest, token: str) -> HttpResponse:
    """Take one message or one status callback: the form says which, not the address.

    An address entered in the wrong field at Twilio must not cost a message.
    """
    try:
        arrival = admit(request, sender_of(token))
    except ForgedError:
        count_refusal()
        return HttpResponse(status=403)
    except RequestDataTooBig:
        return HttpResponse(status=413)
    _keep_and_process(arrival)
    if arrival.kind == Receipt.Kind.STATUS:
        return HttpResponse(status=204)
    return HttpResponse(EMPTY_TWIML, content_type="text/xml")


def _keep_and_process(arrival: Arrival) -> None:
    now = timezone.now()
    has_slot = story_slots.acquire(blocking=False)
    try:
        receipt_id, is_due = accept(replace(arrival, is_for_later=not has_slot), now=now)
        if is_due and has_slot:
            process(receipt_id, now=now)
    finally:
        if has_slot:
            story_slots.release()
    if is_due and not has_slot:
        ask_for_sweep()


def ask_for_sweep() -> None:
    """Let a worker tell stories that this process has no room for."""
    nudge_at_most_every(SWEEP_EVERY_SECONDS, "sweep_receipts")


_SENDER = Prepared(
    lambda token: Sender.objects.select_related("twilio_account", "inbox__account").filter(
        path_token=token
    )
)


def sender_of(token: str) -> Sender | None:
    """Find the sender, and its Twilio account, that an address of ours was given to."""
    return None if "\0" in token else _SENDER.first(token=token)


def admit(request: HttpRequest, sender: Sender | None) -> Arrival:
    """Prove a call, and say what is to be kept of it. Raises ForgedError.

    Raises BadRequest for a form in parts: Twilio sends none, and it could not be kept as received.
    Asks the database only when another address was written to than the sender's own.
    """
    if sender is None:
        raise ForgedError
    form = form_of(request)
    if not _is_genuine(request, sender, form):
        raise ForgedError
    if request.content_type == "multipart/form-data":
        raise BadRequest("A webhook is a URL-encoded form.")
    status = status_in(form)
    recipient = sender if status else _recipient(sender, form)
    raw = without_ours(_raw(request)) if has_ours(form) else _raw(request)
    if status:
        raw += _our_message(request, sender)
    return Arrival(
        kind=Receipt.Kind.STATUS if status else Receipt.Kind.INBOUND,
        account_id=sender.account_id,
        twilio_account_id=sender.twilio_account_id,
        sender_id=recipient.pk if recipient else None,
        account_sid=sender.twilio_account.account_sid,
        message_sid=sid_in(form) or _digest(raw),
        status=status,
        form=raw,
    )


def _is_genuine(request: HttpRequest, sender: Sender, form: dict[str, str]) -> bool:
    """Check signature and AccountSid against the Twilio account that the path token names."""
    account = sender.twilio_account
    if form.get("AccountSid", "") != account.account_sid:
        return False
    return is_signed(
        url=f"{settings.PUBLIC_BASE_URL}{request.get_full_path()}",
        params=request.POST,
        headers=request.headers,
        tokens=[account.auth_token, account.auth_token_next],
        shared_keys={account.shared_key_sid: account.shared_key} if account.shared_key_sid else {},
    )


def is_own(sender: Sender, form: dict[str, str]) -> bool:
    """Say whether the form is about the sender itself: nobody else need be looked up."""
    return bool(status_in(form)) or sender.address == form.get("To", "").strip()


def _recipient(sender: Sender, form: dict[str, str]) -> Sender | None:
    """Find which of our senders was written to; None if nobody has that address (any more).

    It must belong to the Twilio account that signed. Somebody else's address is a forgery (a BYO
    customer knows their own token and can sign anything with it): raises ForgedError.
    """
    if is_own(sender, form):
        return None if sender.is_removed else sender
    to = form.get("To", "").strip()
    service = form.get("MessagingServiceSid", "").strip()
    account = sender.twilio_account_id
    known = Sender.objects.in_use().select_related("inbox__account").filter(address=to)
    own = known.filter(twilio_account=account).first()
    if own:
        return own
    if known.exists():
        raise ForgedError
    if service:
        return (
            Sender.objects.in_use()
            .select_related("inbox__account")
            .filter(twilio_account=account, kind=Sender.Kind.SERVICE, messaging_service_sid=service)
            .first()
        )
    return None


def _our_message(request: HttpRequest, sender: Sender) -> bytes:
    """Return what a status callback's address says about the message, to be kept with the form.

    Raises ForgedError if it names a message and cannot prove that we wrote that.
    """
    message_id = request.GET.get("m", "")
    if not message_id:
        return b""
    if not is_ours(sender, message_id, request.GET.get("h", "")):
        raise ForgedError
    return b"&" + urlencode({OUR_MESSAGE_KEY: message_id}).encode()


def _digest(form: bytes) -> str:
    """Name a form that names nothing: even that is kept."""
    return hashlib.sha256(form).hexdigest()


def form_of(request: HttpRequest) -> dict[str, str]:
    """Return the fields, from the body of a POST or the address of a GET."""
    fields = request.POST if request.method == "POST" else request.GET
    return first_values((key, values[0]) for key, values in fields.lists())


def _raw(request: HttpRequest) -> bytes:
    """Return the form as it was received."""
    return bytes(request.body) if request.method == "POST" else request.GET.urlencode().encode()


def count_refusal() -> None:
    """Keep nothing of a call that was refused but a count."""
    logger.warning("webhook refused: not genuine")
    try:
        if not cache.add(REFUSED_KEY, 1, None):
            cache.incr(REFUSED_KEY)
    except (RedisError, ValueError):
        logger.info("refusal not counted")
