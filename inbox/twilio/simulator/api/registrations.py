"""Is an account registered to write to American phones? Brand, campaigns, toll-free numbers."""

from inbox.twilio.simulator.addresses import is_toll_free
from inbox.twilio.simulator.api.calls import Call
from inbox.twilio.simulator.api.paging import modern_page
from inbox.twilio.simulator.api.services import HOST, service_of
from inbox.twilio.simulator.exchange import Response
from inbox.twilio.simulator.rendering import brand_json, campaign_json, verification_json


def brands(call: Call) -> Response:
    """Return the brand of the account, if it has one."""
    found = [call.account] if call.account.brand_status else []
    return modern_page(call.request, HOST, found, "data", brand_json)


def campaigns(call: Call) -> Response:
    """Return the campaign of a Messaging Service, if it has one."""
    service = service_of(call)
    found = [service] if service.campaign_status else []
    return modern_page(call.request, HOST, found, "compliance", campaign_json)


def verifications(call: Call) -> Response:
    """Return what was submitted for the toll-free numbers of the account."""
    sid = call.request.query.get("TollfreePhoneNumberSid")
    found = [
        one
        for one in call.parts.store.senders_of(call.account.sid)
        if is_toll_free(one.address) and one.verification_status and sid in ("", one.sid)
    ]
    return modern_page(call.request, HOST, found, "verifications", verification_json)
