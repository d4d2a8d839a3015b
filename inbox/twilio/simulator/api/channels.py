"""Which WhatsApp senders does the account have, and which webhooks do they call?"""

from inbox.twilio.simulator.api.calls import Call
from inbox.twilio.simulator.api.paging import modern_page
from inbox.twilio.simulator.errors import refuse
from inbox.twilio.simulator.exchange import Response, json_response
from inbox.twilio.simulator.model import Sender
from inbox.twilio.simulator.rendering import channel_sender_json

HOST = "messaging.twilio.com"


def listing(call: Call) -> Response:
    """Return the WhatsApp senders of the account."""
    channel = call.request.query.get("Channel")
    if not channel:
        raise refuse(20001, "Channel")
    senders = call.parts.store.senders_of(call.account.sid)
    found = [one for one in senders if one.channel == channel == "whatsapp"]
    return modern_page(call.request, HOST, found, "senders", lambda one: _rendered(call, one))


def fetch(call: Call) -> Response:
    """Return one WhatsApp sender."""
    return json_response(_rendered(call, _sender(call)))


def update(call: Call) -> Response:
    """Change the webhooks or the profile name of a WhatsApp sender (a JSON request)."""
    sender, body = _sender(call), call.request.json()
    webhook, profile = body.child("webhook"), body.child("profile")
    if webhook is not None:
        sender.webhook_url = webhook.text("callback_url", sender.webhook_url)
        sender.webhook_method = webhook.text("callback_method", sender.webhook_method)
        sender.fallback_url = webhook.text("fallback_url", sender.fallback_url)
        sender.fallback_method = webhook.text("fallback_method", sender.fallback_method)
        sender.status_url = webhook.text("status_callback_url", sender.status_url)
        sender.status_method = webhook.text("status_callback_method", sender.status_method)
    if profile is not None:
        sender.friendly_name = profile.text("name", sender.friendly_name)
    sender.updated_at = call.parts.clock.timestamp()
    call.parts.journal.publish("config", {})
    return json_response(_rendered(call, sender), 202)


def _rendered(call: Call, sender: Sender) -> dict[str, object]:
    return channel_sender_json(sender, call.parts.store.shelf.state_of(sender.address))


def _sender(call: Call) -> Sender:
    for sender in call.parts.store.senders_of(call.account.sid):
        if sender.sid == call.path["sid"] and sender.channel == "whatsapp":
            return sender
    raise refuse(20404, call.request.path)
