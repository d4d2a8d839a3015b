"""Which handler answers this API request?"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from inbox.twilio.simulator.api import (
    accounts,
    channels,
    consents,
    content,
    lookups,
    media,
    messages,
    numbers,
    registrations,
    services,
)
from inbox.twilio.simulator.api.calls import Call, acting_account, authenticate
from inbox.twilio.simulator.errors import refuse
from inbox.twilio.simulator.exchange import Request, Response
from inbox.twilio.simulator.faults import Facts
from inbox.twilio.simulator.simulator import Simulator

Handler = Callable[[Call], Response]

ACCOUNT = r"/2010-04-01/Accounts/(?P<account>AC[0-9a-fA-F]{32})"
MESSAGE = rf"{ACCOUNT}/Messages/(?P<message_sid>(?:SM|MM)[0-9a-fA-F]{{32}})"
SERVICE = r"/v1/Services/(?P<sid>MG[0-9a-fA-F]{32})"
MEMBERS = rf"{SERVICE}/(?P<members>PhoneNumbers|ChannelSenders)"


@dataclass(frozen=True, slots=True)
class Route:
    """One address pattern with the methods that it answers."""

    host: str
    pattern: re.Pattern[str]
    kind: str
    handlers: dict[str, Handler]


def _route(host: str, pattern: str, kind: str, **handlers: Handler) -> Route:
    return Route(f"{host}.twilio.com", re.compile(f"^{pattern}$"), kind, handlers)


ROUTES = (
    _route(
        "api",
        rf"{ACCOUNT}/Messages(?:\.json)?",
        "messages",
        POST=messages.create,
        GET=messages.listing,
    ),
    _route(
        "api",
        rf"{ACCOUNT}/Messages/(?P<sid>(?:SM|MM)[0-9a-fA-F]{{32}})(?:\.json)?",
        "message",
        GET=messages.fetch,
        POST=messages.update,
        DELETE=messages.delete,
    ),
    _route("api", rf"{MESSAGE}/Media(?:\.json)?", "media", GET=media.listing),
    _route(
        "api",
        rf"{MESSAGE}/Media/(?P<sid>ME[0-9a-fA-F]{{32}})(?P<suffix>\.json)?",
        "media",
        GET=media.fetch,
        HEAD=media.fetch,
        DELETE=media.delete,
    ),
    _route(
        "api",
        r"/2010-04-01/Accounts(?:\.json)?",
        "accounts",
        POST=accounts.create,
        GET=accounts.listing,
    ),
    _route("api", rf"{ACCOUNT}(?:\.json)?", "accounts", GET=accounts.fetch, POST=accounts.update),
    _route(
        "api",
        rf"{ACCOUNT}/AvailablePhoneNumbers/(?P<country>[A-Z]{{2}})"
        r"/(?P<kind>Local|Mobile|TollFree)(?:\.json)?",
        "numbers",
        GET=numbers.available,
    ),
    _route(
        "api",
        rf"{ACCOUNT}/IncomingPhoneNumbers(?:\.json)?",
        "numbers",
        POST=numbers.create,
        GET=numbers.listing,
    ),
    _route(
        "api",
        rf"{ACCOUNT}/IncomingPhoneNumbers/(?P<sid>PN[0-9a-fA-F]{{32}})(?:\.json)?",
        "numbers",
        GET=numbers.fetch,
        POST=numbers.update,
        DELETE=numbers.delete,
    ),
    _route("api", rf"{ACCOUNT}/SMS/ShortCodes(?:\.json)?", "short_codes", GET=numbers.short_codes),
    _route(
        "api",
        rf"{ACCOUNT}/SMS/ShortCodes/(?P<sid>SC[0-9a-fA-F]{{32}})(?:\.json)?",
        "short_codes",
        GET=numbers.short_code,
        POST=numbers.short_code,
    ),
    _route(
        "messaging",
        rf"{SERVICE}/Compliance/Usa2p",
        "registrations",
        GET=registrations.campaigns,
    ),
    _route("messaging", r"/v1/a2p/BrandRegistrations", "registrations", GET=registrations.brands),
    _route(
        "messaging",
        r"/v1/Tollfree/Verifications",
        "registrations",
        GET=registrations.verifications,
    ),
    _route("messaging", r"/v1/Services", "services", POST=services.create, GET=services.listing),
    _route(
        "messaging",
        SERVICE,
        "services",
        GET=services.fetch,
        POST=services.update,
        DELETE=services.delete,
    ),
    _route("messaging", MEMBERS, "services", GET=services.members, POST=services.add_member),
    _route(
        "messaging",
        rf"{MEMBERS}/(?P<member_sid>(?:PN|XE)[0-9a-fA-F]{{32}})",
        "services",
        GET=services.member,
        DELETE=services.remove_member,
    ),
    _route("messaging", r"/v2/Channels/Senders", "senders", GET=channels.listing),
    _route(
        "messaging",
        r"/v2/Channels/Senders/(?P<sid>XE[0-9a-fA-F]{32})",
        "senders",
        GET=channels.fetch,
        POST=channels.update,
    ),
    _route("accounts", r"/v1/Consents/Bulk", "consents", POST=consents.bulk),
    _route("lookups", r"/v2/PhoneNumbers/(?P<number>\+[0-9]{7,15})", "lookups", GET=lookups.fetch),
    _route("content", r"/v1/Content", "content", GET=content.listing),
    _route("content", r"/v1/ContentAndApprovals", "content", GET=content.listing_with_approvals),
    _route("content", r"/v1/Content/(?P<sid>HX[0-9a-fA-F]{32})", "content", GET=content.fetch),
    _route(
        "content",
        r"/v1/Content/(?P<sid>HX[0-9a-fA-F]{32})/ApprovalRequests",
        "content",
        GET=content.approvals,
    ),
)


def answer(simulator: Simulator, request: Request) -> Response:
    """Answer an API request. Raises TwilioError for every refusal."""
    caller = authenticate(simulator.parts, request)
    host = request.twilio_host
    for route in ROUTES:
        found = route.pattern.match(request.path)
        if found is None or (host and host != route.host):
            continue
        handler = route.handlers.get(request.method)
        if handler is None:
            raise refuse(20004)
        path = {name: value for name, value in found.groupdict().items() if value is not None}
        account = acting_account(
            simulator.parts, caller, path.get("account"), owner=route.kind == "accounts"
        )
        call = Call(simulator, request, caller, account, path)
        if handler is messages.create:
            return handler(call)
        facts = Facts(account.sid, on=f"{route.kind} {request.method}")
        messages.fail_before(simulator.parts.faults.take("before", facts))
        response = handler(call)
        return messages.fail_after(simulator.parts.faults.take("after", facts)) or response
    raise refuse(20404, request.path)
