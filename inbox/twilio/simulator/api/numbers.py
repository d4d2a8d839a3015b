"""Which phone numbers can be had, and which does the account have?"""

import random
import re

from inbox.twilio.simulator.addresses import AREAS, TOLL_FREE, is_reachable, normalise
from inbox.twilio.simulator.api.calls import Call
from inbox.twilio.simulator.api.paging import classic_page
from inbox.twilio.simulator.errors import refuse
from inbox.twilio.simulator.exchange import Form, Response, empty_response, json_response
from inbox.twilio.simulator.model import CAPABILITIES, Sender
from inbox.twilio.simulator.rendering import (
    API,
    capabilities_json,
    number_json,
    short_code_json,
)

COUNTRY_PREFIXES = {"US": "+1", "CA": "+1", "GB": "+44", "MX": "+52", "IN": "+91", "BR": "+55"}
OFFERED = 20
TAKEN, INVALID = "+15005550000", "+15005550001"


def available(call: Call) -> Response:
    """Return numbers that could be bought: always the same ones for the same question."""
    country, kind = call.path["country"], call.path["kind"]
    prefix = COUNTRY_PREFIXES.get(country)
    if prefix is None:
        raise refuse(20404, call.request.path)
    query = call.request.query
    area = query.get("AreaCode") or next(iter(AREAS))
    pattern = _pattern(query.get("Contains"))
    raw = query.get("PageSize")
    size = min(OFFERED, int(raw)) if raw.isdecimal() else OFFERED
    numbers = [
        number
        for number in _candidates(country, prefix, kind, area)
        if number not in call.parts.store.senders and pattern.search(number)
    ]
    able = _able(country, kind)
    if query.get("SmsEnabled") == "true" and "sms" not in able:
        numbers = []
    offers = [_offer(number, country, able) for number in numbers[:size]]
    uri = f"{API}/{call.account.sid}/AvailablePhoneNumbers/{country}/{kind}.json"
    return json_response({"available_phone_numbers": offers, "uri": uri})


def create(call: Call) -> Response:
    """Buy a number: by PhoneNumber, or any in an AreaCode."""
    number = normalise(call.form.get("PhoneNumber"))
    if not number and call.form.get("AreaCode"):
        area = call.form.get("AreaCode")
        number = _free(call, _candidates("US", "+1", "Local", area))
    if number == INVALID or not is_reachable(number):
        raise refuse(21421, number)
    now = call.parts.clock.timestamp()
    with call.parts.store.lock:
        if number == TAKEN or number in call.parts.store.senders:
            raise refuse(21422, number)
        sender = Sender(
            call.parts.sids.new("PN"), call.account.sid, number, created_at=now, updated_at=now
        )
        _change(sender, call.form)
        call.parts.store.senders[number] = sender
    call.parts.journal.publish("config", {})
    return json_response(number_json(sender), 201)


def fetch(call: Call) -> Response:
    """Return one number of the account."""
    return json_response(number_json(_number(call)))


def update(call: Call) -> Response:
    """Change the name or the webhooks of a number."""
    sender = _number(call)
    _change(sender, call.form)
    sender.updated_at = call.parts.clock.timestamp()
    call.parts.journal.publish("config", {})
    return json_response(number_json(sender))


def delete(call: Call) -> Response:
    """Release a number."""
    del call.parts.store.senders[_number(call).address]
    call.parts.journal.publish("config", {})
    return empty_response()


def listing(call: Call) -> Response:
    """Return the numbers of the account."""
    query = call.request.query
    found = [one for one in call.parts.store.senders_of(call.account.sid) if _is_number(one)]
    if query.get("PhoneNumber"):
        pattern = _pattern(query.get("PhoneNumber"))
        found = [one for one in found if pattern.search(one.address)]
    if query.get("FriendlyName"):
        found = [one for one in found if one.friendly_name == query.get("FriendlyName")]
    return classic_page(
        call.request, found, "incoming_phone_numbers", number_json, lambda one: one.sid
    )


def short_codes(call: Call) -> Response:
    """Return the short codes of the account."""
    query = call.request.query
    found = [one for one in call.parts.store.senders_of(call.account.sid) if _is_short_code(one)]
    if query.get("ShortCode"):
        found = [one for one in found if one.address == query.get("ShortCode")]
    return classic_page(call.request, found, "short_codes", short_code_json, lambda one: one.sid)


def short_code(call: Call) -> Response:
    """Return a short code, or change its webhooks."""
    for sender in call.parts.store.senders_of(call.account.sid):
        if sender.sid == call.path["sid"] and _is_short_code(sender):
            if call.request.method == "POST":
                _change(sender, call.form)
                sender.updated_at = call.parts.clock.timestamp()
                call.parts.journal.publish("config", {})
            return json_response(short_code_json(sender))
    raise refuse(20404, call.request.path)


def _is_short_code(sender: Sender) -> bool:
    return sender.channel == "sms" and sender.address.isdecimal()


def _is_number(sender: Sender) -> bool:
    return sender.channel == "sms" and sender.address.startswith("+")


def _number(call: Call) -> Sender:
    for sender in call.parts.store.senders_of(call.account.sid):
        if sender.sid == call.path["sid"] and _is_number(sender):
            return sender
    raise refuse(20404, call.request.path)


def _change(sender: Sender, form: Form) -> None:
    sender.friendly_name = form.get("FriendlyName", sender.friendly_name)
    sender.application_sid = form.get("SmsApplicationSid", sender.application_sid)
    sender.webhook_url = form.get("SmsUrl", sender.webhook_url)
    sender.webhook_method = form.get("SmsMethod", sender.webhook_method)
    sender.fallback_url = form.get("SmsFallbackUrl", sender.fallback_url)
    sender.fallback_method = form.get("SmsFallbackMethod", sender.fallback_method)
    sender.status_url = form.get("StatusCallback", sender.status_url)
    sender.status_method = form.get("StatusCallbackMethod", sender.status_method)


def _free(call: Call, numbers: list[str]) -> str:
    return next((one for one in numbers if one not in call.parts.store.senders), "")


def _candidates(country: str, prefix: str, kind: str, area: str) -> list[str]:
    # Not for secrets: the same question must always get the same numbers.
    rng = random.Random(f"{country}{kind}{area}")  # noqa: S311
    if kind == "TollFree":
        return [f"{prefix}{rng.choice(TOLL_FREE)}555{n:04d}" for n in rng.sample(range(9999), 40)]
    if prefix == "+1":
        return [f"+1{area}555{n:04d}" for n in rng.sample(range(9999), 40)]
    start = "7700" if prefix == "+44" else "55"
    return [f"{prefix}{start}{n:06d}" for n in rng.sample(range(999999), 40)]


def _pattern(raw: str) -> re.Pattern[str]:
    digits = re.sub(r"[^\d*]", "", raw)
    return re.compile(digits.replace("*", r"\d"))


def _able(country: str, kind: str) -> tuple[str, ...]:
    """Return what numbers of a kind can do: in Britain local ones are for calls only."""
    return ("voice",) if (country, kind) == ("GB", "Local") else CAPABILITIES


def _offer(number: str, country: str, able: tuple[str, ...]) -> dict[str, object]:
    city, region, postcode = AREAS.get(number[2:5], (None, None, None))
    return {
        "address_requirements": "none",
        "beta": False,
        "capabilities": capabilities_json(able),
        "friendly_name": number,
        "iso_country": country,
        "lata": None,
        "latitude": None,
        "locality": city,
        "longitude": None,
        "phone_number": number,
        "postal_code": postcode,
        "rate_center": None,
        "region": region,
    }
