"""How does Twilio reach us? Prove who calls, keep the form, answer fast."""

import hashlib
import logging
import threading
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from redis.exceptions import RedisError

from accounts.prepared import Prepared
from inbox.delivery import OUR_MESSAGE_KEY
from inbox.models import Receipt, Sender
from inbox.nudges import nudge_at_most_every
from inbox.receiving import accept, process
from inbox.status_urls import is_ours
from inbox.twilio.parsing import status_in
from inbox.twilio.signature import is_signed

logger = logging.getLogger(__name__)

EMPTY_TWIML = '<?xml version="1.0" encoding="UTF-8"?><Response/>'
REFUSED_KEY = "webhooks-refused"
# How many stories this process tells inside webhook requests at once; the rest waits for a worker,
# so that an overloaded process still answers quickly.
_story_slots = threading.BoundedSemaphore(settings.INLINE_PROCESSING_LIMIT)


@csrf_exempt
@login_not_required
def webhook(request: HttpRequest, token: str) -> HttpResponse:
    """Take one message or one status callback: the form says which, not the address.

    An address entered in the wrong field at Twilio must not cost a message.
    """
    sender = _sender_of(token)
    if sender is None or not _is_genuine(request, sender):
        return _refuse()
    return _take_status(request, sender) if status_in(_form(request)) else _take(request, sender)


def _take(request: HttpRequest, sender: Sender) -> HttpResponse:
    recipient = _recipient(sender, _form(request))
    if recipient is FORGED:
        return _refuse()
    _keep_and_process(
        request, sender, recipient, kind=Receipt.Kind.INBOUND, status="", form=_raw(request)
    )
    return HttpResponse(EMPTY_TWIML, content_type="text/xml")


def _take_status(request: HttpRequest, sender: Sender) -> HttpResponse:
    message_id = request.GET.get("m", "")
    if message_id and not is_ours(sender, message_id, request.GET.get("h", "")):
        return _refuse()
    form = _form(request)
    raw = _raw(request)
    if message_id:
        raw += b"&" + urlencode({OUR_MESSAGE_KEY: message_id}).encode()
    _keep_and_process(
        request,
        sender,
        sender,
        kind=Receipt.Kind.STATUS,
        status=status_in(form),
        form=raw,
    )
    return HttpResponse(status=204)


class _Forged:
    """The recipient belongs to somebody else."""


FORGED = _Forged()


_SENDER = Prepared(
    lambda token: Sender.objects.select_related("twilio_account", "inbox").filter(path_token=token)
)


def _sender_of(token: str) -> Sender | None:
    return _SENDER.first(token=token)


def _is_genuine(request: HttpRequest, sender: Sender) -> bool:
    """Check signature and AccountSid against the Twilio account that the path token names."""
    account = sender.twilio_account
    if _form(request).get("AccountSid", "") != account.account_sid:
        return False
    return is_signed(
        url=f"{settings.PUBLIC_BASE_URL}{request.get_full_path()}",
        params=request.POST,
        headers=request.headers,
        tokens=[account.auth_token, account.auth_token_next],
        shared_keys={account.shared_key_sid: account.shared_key} if account.shared_key_sid else {},
    )


def _recipient(sender: Sender, form: dict[str, str]) -> "Sender | _Forged | None":
    """Find which of our senders was written to.

    It must belong to the Twilio account that signed. Somebody else's address is a forgery (a BYO
    customer knows their own token and can sign anything with it); an address nobody has goes to
    quarantine, as None.
    """
    to = form.get("To", "").strip()
    service = form.get("MessagingServiceSid", "").strip()
    if sender.address == to:
        return sender
    account = sender.twilio_account_id
    known = Sender.objects.select_related("inbox").filter(address=to)
    own = known.filter(twilio_account=account).first()
    if own:
        return own
    if known.exists():
        return FORGED
    if service:
        return (
            Sender.objects.select_related("inbox")
            .filter(twilio_account=account, kind=Sender.Kind.SERVICE, messaging_service_sid=service)
            .first()
        )
    return None


def _keep_and_process(
    request: HttpRequest,
    endpoint: Sender,
    recipient: "Sender | _Forged | None",
    *,
    kind: str,
    status: str,
    form: bytes,
) -> None:
    now = timezone.now()
    has_slot = _story_slots.acquire(blocking=False)
    try:
        receipt_id, is_new = accept(
            kind=kind,
            account_id=endpoint.account_id,
            twilio_account_id=endpoint.twilio_account_id,
            sender_id=recipient.pk if isinstance(recipient, Sender) else None,
            account_sid=endpoint.twilio_account.account_sid,
            message_sid=_form(request).get("MessageSid", "").strip() or _digest(form),
            status=status,
            form=form,
            now=now,
            is_for_later=not has_slot,
        )
        if is_new and has_slot:
            process(receipt_id, now=now)
    finally:
        if has_slot:
            _story_slots.release()
    if is_new and not has_slot:
        nudge_at_most_every(0.2, "sweep_receipts")


def _digest(form: bytes) -> str:
    """Name a form that names nothing: even that is kept."""
    return hashlib.sha256(form).hexdigest()


def _form(request: HttpRequest) -> dict[str, str]:
    """Return the fields, from the body of a POST or the address of a GET."""
    fields = request.POST if request.method == "POST" else request.GET
    return {key: fields.getlist(key)[0] for key in fields}


def _raw(request: HttpRequest) -> bytes:
    """Return the form as it was received."""
    if request.method == "POST":
        return bytes(request.body)
    return str(request.META.get("QUERY_STRING", "")).encode()


def _refuse() -> HttpResponse:
    """Answer 403 and keep nothing but a count."""
    logger.warning("webhook refused: not genuine")
    try:
        if not cache.add(REFUSED_KEY, 1, None):
            cache.incr(REFUSED_KEY)
    except (RedisError, ValueError):
        logger.info("refusal not counted")
    return HttpResponse(status=403)
