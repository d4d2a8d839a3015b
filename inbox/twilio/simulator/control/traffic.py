"""What do the pretend customers send, once or many times?"""

import base64
import binascii
import json
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from inbox.twilio.simulator.addresses import AREAS, bare, is_business_scoped
from inbox.twilio.simulator.arriving import Letter
from inbox.twilio.simulator.exchange import Request, Response, json_response
from inbox.twilio.simulator.model import Persona, Sender
from inbox.twilio.simulator.parts import Parts
from inbox.twilio.simulator.reading import BadInputError, Fields
from inbox.twilio.simulator.samples import contact_card, sample
from inbox.twilio.simulator.simulator import Simulator
from inbox.twilio.simulator.webhooks import Delivery

T = TypeVar("T")
R = TypeVar("R")
LIMIT = 5_000
CONCURRENCY = 32
NAMES = ("Ava", "Ben", "Chloe", "Dan", "Ella", "Finn", "Grace", "Hugo", "Iris", "Jack")
SENTENCES = (
    "Hi, is my order on its way?",
    "Can I move my appointment to Friday?",
    "The parcel arrived but one piece is missing",
    "What are your opening hours this weekend?",
    "My card was charged twice, please help",
    "Do you deliver to the north side?",
    "Thanks, that worked! 🙌",
    "Could someone call me back today?",
    "Where do I find my invoice?",
    "I would like to return the blue one",
)


def inbound(simulator: Simulator, request: Request) -> Response:
    """Send one message, or the same one several times, from a customer to a sender."""
    fields = request.json()
    fields.refuse_unknown(
        "from",
        "to",
        "body",
        "media",
        "profile_name",
        "location",
        "button",
        "reply_to",
        "reaction",
        "contact_card",
        "extra_params",
        "repeat",
        "concurrency",
    )
    times = _count(fields, "repeat", 1)
    letters = [_letter(simulator, fields) for _ in range(times)]
    arrivals = _in_parallel(letters, simulator.arriving.receive, fields.integer("concurrency", 1))
    first = arrivals[0].as_json()
    if times > 1:
        first["results"] = [arrival.as_json() for arrival in arrivals]
    return json_response(first)


def burst(simulator: Simulator, request: Request) -> Response:
    """Let many people write at once; answers when every webhook has been called."""
    fields = request.json()
    fields.refuse_unknown("messages", "people", "senders", "concurrency")
    count, people = _count(fields, "messages", 50), _count(fields, "people", 20)
    store = simulator.parts.store
    addresses = fields.texts("senders") or list(store.senders)
    unknown = [one for one in addresses if one not in store.senders]
    if unknown or not addresses:
        raise BadInputError(f"no sender has the address {', '.join(unknown) or '(none set)'}")
    senders = [store.senders[one] for one in addresses]
    letters = [_crowd_letter(index, people, senders) for index in range(count)]
    began = time.monotonic()
    arrivals = _in_parallel(letters, simulator.arriving.receive, fields.integer("concurrency", 8))
    return json_response(
        {
            "sent": len(arrivals),
            "people": people,
            "seconds": round(time.monotonic() - began, 3),
            "outcomes": Counter(one.outcome for one in arrivals),
            "message_sids": [one.message.sid for one in arrivals],
        }
    )


def replay(simulator: Simulator, request: Request) -> Response:
    """Post something again: an earlier message, a known payload, or given parameters."""
    fields = request.json()
    fields.refuse_unknown(
        "message_sid", "payload", "params", "sender", "fresh_sid", "times", "concurrency", "url"
    )
    times = _count(fields, "times", 1)
    jobs = [_replay_job(simulator, fields) for _ in range(times)]
    results = _in_parallel(jobs, lambda job: job(), fields.integer("concurrency", 1))
    return json_response({"results": results})


def payloads(simulator: Simulator, request: Request) -> Response:
    """List the payloads that can be replayed."""
    found = _known_payloads(simulator)
    return json_response(
        {"payloads": [{"id": key, "params": value} for key, value in found.items()]}
    )


def _replay_job(simulator: Simulator, fields: Fields) -> Callable[[], dict[str, object]]:
    parts = simulator.parts
    sid = fields.text("message_sid")
    if sid:
        message = parts.store.messages.get(sid)
        if message is None or not message.webhook_params:
            raise BadInputError(f"no inbound message {sid}")
        return lambda: simulator.arriving.replay(message).as_json()
    params = fields.strings("params") or dict(_payload(simulator, fields.required("payload")))
    sender = _replay_sender(parts, fields, params)
    account = parts.store.accounts[sender.account_sid]
    params |= {"AccountSid": account.sid, "To": sender.address}
    if fields.flag("fresh_sid"):
        new = parts.sids.new("SM")
        params |= {"MessageSid": new, "SmsSid": new, "SmsMessageSid": new}
    url = fields.text("url") or sender.webhook_url

    def post() -> dict[str, object]:
        delivery = parts.webhooks.deliver(account, url, params, kind="webhook")
        return _replayed(params, delivery)

    return post


def _replayed(params: dict[str, str], delivery: Delivery) -> dict[str, object]:
    return {"message_sid": params.get("MessageSid", ""), "webhook": delivery.as_json()}


def _replay_sender(parts: Parts, fields: Fields, params: dict[str, str]) -> Sender:
    address = fields.text("sender") or params.get("To", "")
    sender = parts.store.senders.get(address)
    if sender is None:
        raise BadInputError(f"no sender has the address {address}; name one as sender")
    return sender


def _payload(simulator: Simulator, name: str) -> dict[str, str]:
    found = _known_payloads(simulator)
    if name not in found:
        raise BadInputError(f"unknown payload {name}")
    return found[name]


def _known_payloads(simulator: Simulator) -> dict[str, dict[str, str]]:
    path = simulator.payloads
    if path is None or not path.exists():
        return {}
    return {one["id"]: one["params"] for one in json.loads(path.read_text())["payloads"]}


def _letter(simulator: Simulator, fields: Fields) -> Letter:
    to = fields.required("to")
    from_ = _on_channel(fields.required("from"), to)
    if is_business_scoped(from_) and not from_.startswith("whatsapp:"):
        raise BadInputError(f"{from_} is a WhatsApp user without a number and cannot text {to}")
    location, button = fields.child("location"), fields.child("button")
    reaction = fields.child("reaction")
    letter = Letter(
        from_,
        to,
        fields.text("body"),
        [_file(one) for one in fields.children("media")],
        fields.text("profile_name"),
        reply_to=fields.text("reply_to"),
        extra=fields.strings("extra_params"),
    )
    _add_contact(letter, fields, simulator.parts.store.persona_for(from_))
    if location is not None:
        _add_location(letter, location, to)
    if button is not None:
        letter.button_text = button.required("text")
        letter.button_payload = button.text("payload")
    if reaction is not None:
        letter.reaction = reaction.required("emoji")
        letter.reply_to = reaction.required("message_sid")
    return letter


def _on_channel(from_: str, to: str) -> str:
    # A person writes from the same number on every channel.
    return f"whatsapp:{bare(from_)}" if to.startswith("whatsapp:") else bare(from_)


def _add_contact(letter: Letter, fields: Fields, persona: Persona | None) -> None:
    if not fields.data.get("contact_card"):
        return
    letter.is_contact = True
    if fields.data["contact_card"] is True:
        name, phone = (persona.name, bare(persona.address)) if persona else ("", letter.from_)
    else:
        card = fields.child("contact_card") or Fields({})
        name, phone = card.required("name"), card.text("phone")
    letter.files.append(("text/vcard", contact_card(name, phone)))


def _add_location(letter: Letter, location: Fields, to: str) -> None:
    latitude, longitude = location.number("latitude"), location.number("longitude")
    if not to.startswith("whatsapp:"):
        # A phone's messages app has no location type: it sends a link.
        link = f"https://maps.google.com/?q={latitude},{longitude}"
        letter.body = f"{letter.body} {link}".strip()
        return
    letter.location = {"Latitude": str(latitude), "Longitude": str(longitude)}
    for key, name in (("Address", "address"), ("Label", "label")):
        if location.text(name):
            letter.location[key] = location.text(name)


def _file(fields: Fields) -> tuple[str, bytes]:
    fields.refuse_unknown("sample", "content_type", "data_base64")
    if "sample" in fields:
        return sample(fields.text("sample"))
    try:
        data = base64.b64decode(fields.text("data_base64"), validate=True)
    except binascii.Error as error:
        raise BadInputError(f"{fields.where}.data_base64 is not base64") from error
    return fields.required("content_type"), data


def _crowd_letter(index: int, people: int, senders: list[Sender]) -> Letter:
    person, sender = index % people, senders[index % len(senders)]
    areas = list(AREAS)
    # 0100 to 0199 are the numbers kept for fiction in every area code.
    area, line = areas[person % len(areas)], 100 + (person // len(areas)) % 100
    number = f"+1{area}555{line:04d}"
    return Letter(
        _on_channel(number, sender.address),
        sender.address,
        SENTENCES[index % len(SENTENCES)],
        profile_name=f"{NAMES[person % len(NAMES)]} {person + 1}",
    )


def _count(fields: Fields, name: str, default: int) -> int:
    count = fields.integer(name, default)
    if not 1 <= count <= LIMIT:
        raise BadInputError(f"{name} must be between 1 and {LIMIT}")
    return count


def _in_parallel(items: list[T], job: Callable[[T], R], concurrency: int) -> list[R]:
    if concurrency <= 1 or len(items) == 1:
        return [job(item) for item in items]
    with ThreadPoolExecutor(min(concurrency, CONCURRENCY)) as pool:
        return list(pool.map(job, items))
