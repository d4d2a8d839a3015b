"""How does a test speak as Twilio does? Signed forms through the real view."""

import itertools
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.test import Client
from twilio.request_validator import RequestValidator

from inbox.models import Message, Sender
from inbox.status_urls import status_url

_sids = itertools.count(1)
FORM = "application/x-www-form-urlencoded"


def new_sid(prefix: str = "SM") -> str:
    """Return a message SID nobody used yet in this run."""
    return f"{prefix}{next(_sids):032x}"


def post_signed(client: Client, url: str, form: Mapping[str, str], token: str, **extra: Any) -> Any:
    """POST a form to one of our addresses with the signature of `token`."""
    path = url.removeprefix(settings.PUBLIC_BASE_URL)
    signature = RequestValidator(token).compute_signature(
        f"{settings.PUBLIC_BASE_URL}{path}", dict(form)
    )
    headers = {"X-Twilio-Signature": signature, **extra.pop("headers", {})}
    return client.post(path, urlencode(form), content_type=FORM, headers=headers, **extra)


def inbound_form(sender: Sender, customer: str, body: str = "", **fields: str) -> dict[str, str]:
    """Return the form Twilio posts for a text from a customer."""
    return {
        "MessageSid": new_sid(),
        "AccountSid": sender.twilio_account.account_sid,
        "From": customer,
        "To": sender.address,
        "Body": body,
        "NumMedia": "0",
        "NumSegments": "1",
        "SmsStatus": "received",
        "ApiVersion": "2010-04-01",
        **fields,
    }


def text_in(
    client: Client, sender: Sender, customer: str = "+14155550100", body: str = "Hello", **f: str
) -> Message:
    """Let a customer write to a sender; return the message that was stored."""
    form = inbound_form(sender, customer, body, **f)
    answer = post_signed(
        client, f"/hooks/twilio/{sender.path_token}", form, sender.twilio_account.auth_token
    )
    assert answer.status_code == 200, answer.status_code
    return Message.objects.get(provider_sid=form["MessageSid"])


def status_in(
    client: Client, message: Message, status: str, error_code: str = "", sid: str = ""
) -> Any:
    """Let Twilio report a status of one of our messages."""
    sender = message.thread.sender
    form = {
        "MessageSid": sid or message.provider_sid or new_sid(),
        "AccountSid": sender.twilio_account.account_sid,
        "From": sender.address,
        "To": message.thread.customer_address,
        "MessageStatus": status,
        "SmsStatus": status,
        **({"ErrorCode": error_code} if error_code else {}),
    }
    return post_signed(client, status_url(sender, message), form, sender.twilio_account.auth_token)
