"""Which Messaging Services are there, and who sends for them?"""

from inbox.twilio.simulator.api.calls import Call
from inbox.twilio.simulator.api.paging import modern_page
from inbox.twilio.simulator.errors import refuse
from inbox.twilio.simulator.exchange import Form, Response, empty_response, json_response
from inbox.twilio.simulator.model import Sender, Service
from inbox.twilio.simulator.rendering import (
    service_channel_json,
    service_json,
    service_number_json,
)

HOST = "messaging.twilio.com"
MEMBERS = {
    "PhoneNumbers": ("sms", "phone_numbers", "PhoneNumberSid", service_number_json),
    "ChannelSenders": ("whatsapp", "senders", "Sid", service_channel_json),
}


def create(call: Call) -> Response:
    """Create a service."""
    if not call.form.get("FriendlyName"):
        raise refuse(20001, "FriendlyName")
    now = call.parts.clock.timestamp()
    service = Service(call.parts.sids.new("MG"), call.account.sid, created_at=now)
    _change(service, call.form, now)
    call.parts.store.services[service.sid] = service
    return json_response(service_json(service), 201)


def fetch(call: Call) -> Response:
    """Return a service."""
    return json_response(service_json(service_of(call)))


def update(call: Call) -> Response:
    """Change a service."""
    service = service_of(call)
    _change(service, call.form, call.parts.clock.timestamp())
    return json_response(service_json(service))


def delete(call: Call) -> Response:
    """Delete a service; its senders stay and stand alone."""
    service = service_of(call)
    with call.parts.store.lock:
        for sender in call.parts.store.senders_of(call.account.sid):
            if sender.service_sid == service.sid:
                sender.service_sid = ""
        del call.parts.store.services[service.sid]
    return empty_response()


def listing(call: Call) -> Response:
    """Return the services of the account."""
    services = list(call.parts.store.services.values())
    found = [one for one in services if one.account_sid == call.account.sid]
    return modern_page(call.request, HOST, found, "services", service_json)


def members(call: Call) -> Response:
    """Return the numbers or WhatsApp senders of a service."""
    channel, key, _, render = MEMBERS[call.path["members"]]
    found = call.parts.store.pool_of(service_of(call).sid, channel)
    return modern_page(call.request, HOST, found, key, render)


def member(call: Call) -> Response:
    """Return one sender of a service."""
    render = MEMBERS[call.path["members"]][3]
    return json_response(render(_member(call)))


def add_member(call: Call) -> Response:
    """Put a sender of the account into a service."""
    channel, _, parameter, render = MEMBERS[call.path["members"]]
    service, sid = service_of(call), call.form.get(parameter)
    for sender in call.parts.store.senders_of(call.account.sid):
        if sender.sid != sid or sender.channel != channel:
            continue
        if sender.service_sid:
            raise refuse(21710 if sender.service_sid == service.sid else 21712)
        sender.service_sid = service.sid
        call.parts.journal.publish("config", {})
        return json_response(render(sender), 201)
    raise refuse(20404, sid)


def remove_member(call: Call) -> Response:
    """Take a sender out of a service."""
    _member(call).service_sid = ""
    call.parts.journal.publish("config", {})
    return empty_response()


def service_of(call: Call) -> Service:
    """Return the service that the path names, if it is the account's own. Raises 20404."""
    service = call.parts.store.services.get(call.path["sid"])
    if service is None or service.account_sid != call.account.sid:
        raise refuse(20404, call.request.path)
    return service


def _member(call: Call) -> Sender:
    channel = MEMBERS[call.path["members"]][0]
    for sender in call.parts.store.pool_of(service_of(call).sid, channel):
        if sender.sid == call.path["member_sid"]:
            return sender
    raise refuse(20404, call.request.path)


def _change(service: Service, form: Form, now: float) -> None:
    service.friendly_name = form.get("FriendlyName", service.friendly_name)
    if "InboundRequestUrl" in form:
        service.inbound_request_url = form.get("InboundRequestUrl") or None
    if "FallbackUrl" in form:
        service.fallback_url = form.get("FallbackUrl") or None
    if "StatusCallback" in form:
        service.status_callback = form.get("StatusCallback") or None
    service.inbound_method = form.get("InboundMethod", service.inbound_method)
    service.fallback_method = form.get("FallbackMethod", service.fallback_method)
    service.use_inbound_webhook_on_number = form.flag(
        "UseInboundWebhookOnNumber", service.use_inbound_webhook_on_number
    )
    service.sticky_sender = form.flag("StickySender", service.sticky_sender)
    service.smart_encoding = form.flag("SmartEncoding", service.smart_encoding)
    service.usecase = form.get("Usecase", service.usecase)
    if form.get("ValidityPeriod").isdecimal():
        service.validity_period = int(form.get("ValidityPeriod"))
    service.updated_at = now
