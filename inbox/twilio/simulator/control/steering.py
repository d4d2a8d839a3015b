"""Which rules, clock and faults hold, and what has happened so far?"""

import itertools
import json
import time
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from queue import Empty

from inbox.twilio.simulator import optout, segments
from inbox.twilio.simulator.config import apply_config
from inbox.twilio.simulator.exchange import Request, Response, json_response
from inbox.twilio.simulator.faults import PHASES, fault_from
from inbox.twilio.simulator.model import REACHED, Message, Persona, Sender
from inbox.twilio.simulator.parts import Parts
from inbox.twilio.simulator.reading import BadInputError, Fields
from inbox.twilio.simulator.simulator import Simulator

HEARTBEAT = 15.0


def health(simulator: Simulator, request: Request) -> Response:
    """Tell that the simulator runs, and what it holds."""
    store = simulator.parts.store
    return json_response(
        {
            "status": "ok",
            "now": simulator.parts.clock.now().isoformat(),
            "accounts": len(store.accounts),
            "senders": len(store.senders),
            "messages": len(store.messages),
        }
    )


def config(simulator: Simulator, request: Request) -> Response:
    """Add or change accounts, senders, services, personas and settings."""
    apply_config(simulator.parts, request.json())
    return health(simulator, request)


def reset(simulator: Simulator, request: Request) -> Response:
    """Forget traffic, faults and the log; with everything=true also the configuration."""
    fields = request.json()
    fields.refuse_unknown("everything")
    parts = simulator.parts
    parts.timeline.clear()
    parts.faults.clear()
    parts.journal.clear()
    with parts.store.lock:
        if fields.flag("everything"):
            parts.store.wipe()
        else:
            parts.store.forget_traffic()
    parts.journal.publish("reset", {})
    return health(simulator, request)


def add_fault(simulator: Simulator, request: Request) -> Response:
    """Let something go wrong."""
    fault = simulator.parts.faults.add(fault_from(request.json()))
    simulator.parts.journal.publish("faults", {})
    return json_response(fault.as_json(), 201)


def list_faults(simulator: Simulator, request: Request) -> Response:
    """List what goes wrong now and what could."""
    faults = [fault.as_json() for fault in simulator.parts.faults.listing()]
    return json_response({"faults": faults, "kinds": PHASES})


def clear_faults(simulator: Simulator, request: Request) -> Response:
    """Take back one fault (?id=) or all."""
    wanted = request.query.get("id")
    if wanted.isdecimal():
        simulator.parts.faults.remove(int(wanted))
    else:
        simulator.parts.faults.clear()
    simulator.parts.journal.publish("faults", {})
    return list_faults(simulator, request)


def clock(simulator: Simulator, request: Request) -> Response:
    """Let time pass; what becomes due happens at once."""
    fields = request.json()
    fields.refuse_unknown("advance_seconds")
    seconds = fields.number("advance_seconds")
    if seconds < 0:
        raise BadInputError("advance_seconds must not be negative: time only moves forward")
    simulator.parts.clock.advance(seconds)
    simulator.parts.journal.publish("clock", {})
    return json_response(_clock(simulator.parts))


def opt_out(simulator: Simulator, request: Request) -> Response:
    """Ask or set whether a customer has opted out of a sender."""
    fields = request.json()
    fields.refuse_unknown("sender", "customer", "opted_out")
    store = simulator.parts.store
    sender = _sender(simulator.parts, fields.required("sender"))
    customer = fields.required("customer")
    if "opted_out" in fields:
        optout.set_state(store, sender, customer, fields.flag("opted_out"))
    state = optout.is_opted_out(store, sender, customer)
    return json_response({"sender": sender.address, "customer": customer, "opted_out": state})


def rotate(simulator: Simulator, request: Request) -> Response:
    """Promote the next auth token of an account to its primary one."""
    fields = request.json()
    fields.refuse_unknown("account_sid", "next_auth_token")
    account = simulator.parts.store.accounts.get(fields.required("account_sid"))
    if account is None:
        raise BadInputError("unknown account")
    account.next_auth_token = fields.text("next_auth_token", account.next_auth_token)
    if not account.next_auth_token:
        raise BadInputError("the account has no next_auth_token")
    account.auth_token, account.next_auth_token = account.next_auth_token, ""
    return json_response({"account_sid": account.sid})


def ledger(simulator: Simulator, request: Request) -> Response:
    """List every request to create a message, oldest first."""
    query = request.query
    since = _since(query.get("since"))
    entries = [
        entry.as_json()
        for entry in simulator.parts.journal.ledger()
        if query.get("account_sid") in ("", entry.account_sid)
        and query.get("to") in ("", entry.to)
        and entry.at >= since
    ]
    return json_response({"entries": entries, "count": len(entries)})


def requests(simulator: Simulator, request: Request) -> Response:
    """List the request log, oldest first: ?kind=webhook,callback&since=&limit=&message_sid=."""
    query = request.query
    since, kinds = _since(query.get("since")), set(filter(None, query.get("kind").split(",")))
    found = [
        asdict(one)
        for one in simulator.parts.journal.exchanges()
        if (not kinds or one.kind in kinds)
        and query.get("message_sid") in ("", one.message_sid)
        and one.at >= since
    ]
    limit = int(query.get("limit")) if query.get("limit").isdecimal() else len(found)
    return json_response({"requests": found[-limit:] if limit else []})


def messages(simulator: Simulator, request: Request) -> Response:
    """Show the thread between a customer and a sender, as their phone would."""
    parts, query = simulator.parts, request.query
    sender = _sender(parts, query.get("sender"))
    thread = parts.store.thread(sender.address, query.get("customer"))
    return json_response(
        {
            "messages": [phone_message(parts, message) for message in thread],
            "opted_out": optout.is_opted_out(parts.store, sender, query.get("customer")),
            "window_open": simulator.lifecycle.is_window_open(sender, query.get("customer")),
        }
    )


def read(simulator: Simulator, request: Request) -> Response:
    """Let the customer see what is in the thread; WhatsApp reports it."""
    fields = request.json()
    fields.refuse_unknown("sender", "customer")
    sender = _sender(simulator.parts, fields.required("sender"))
    seen = simulator.lifecycle.mark_read(sender, fields.required("customer"))
    return json_response({"read": seen})


def add_persona(simulator: Simulator, request: Request) -> Response:
    """Add a pretend customer."""
    apply_config(simulator.parts, Fields({"personas": [dict(request.json().data)]}))
    return state(simulator, request)


def settle(simulator: Simulator, request: Request) -> Response:
    """Wait until nothing is due within some seconds and no webhook is under way."""
    fields = request.json()
    fields.refuse_unknown("within", "timeout")
    parts, within = simulator.parts, fields.number("within", 5.0)
    deadline = time.monotonic() + min(60.0, fields.number("timeout", 10.0))
    settled = False
    while not settled and time.monotonic() < deadline:
        settled = parts.timeline.idle_within(within) and parts.workers.idle()
        # A worker may have planned something between the two looks.
        settled = settled and parts.timeline.idle_within(within)
        if not settled:
            time.sleep(0.01)
    return json_response({"settled": settled}, 200 if settled else 504)


def state(simulator: Simulator, request: Request) -> Response:
    """Return what the phone page needs to draw itself; no secrets."""
    parts = simulator.parts
    store = parts.store
    return json_response(
        {
            "clock": _clock(parts),
            "personas": [_persona_json(one) for one in store.personas.values()],
            "senders": [_sender_json(parts, one) for one in store.senders.values()],
            "faults": [fault.as_json() for fault in parts.faults.listing()],
            "kinds": PHASES,
        }
    )


def events(simulator: Simulator, request: Request) -> Response:
    """Stream what happens as server-sent events."""

    def stream() -> Iterator[bytes]:
        with simulator.parts.journal.listening() as listener:
            yield b": connected\n\n"
            for number in itertools.count(1):
                try:
                    event, data = listener.get(timeout=HEARTBEAT)
                except Empty:
                    yield b": still here\n\n"
                    continue
                text = json.dumps(data, ensure_ascii=False)
                yield f"id: {number}\nevent: {event}\ndata: {text}\n\n".encode()

    return Response(200, b"", "text/event-stream", stream=stream)


def phone_message(parts: Parts, message: Message) -> dict[str, object]:
    """Return a message as a phone shows it, with the parts it travelled in."""
    measured = segments.measure(message.body) if message.channel == "sms" else None
    files = [parts.store.media[sid] for sid in message.media_sids if sid in parts.store.media]
    return {
        "sid": message.sid,
        "direction": message.direction,
        "by": "customer" if message.inbound else "network" if message.unlisted else "business",
        "body": message.body,
        "segments": list(measured.parts) if measured and not files else [],
        "encoding": measured.encoding if measured else "",
        "media": [
            {"sid": one.sid, "content_type": one.content_type, "url": f"/_sim/media/{one.sid}"}
            for one in files
        ],
        "status": message.status,
        "reached": message.inbound or message.unlisted or message.status in REACHED,
        "error_code": message.error_code,
        "buttons": message.buttons,
        "reply_to": message.reply_to,
        "reaction": message.reaction,
        "location": message.location,
        "at": message.created_at,
    }


def _clock(parts: Parts) -> dict[str, object]:
    return {"now": parts.clock.now().isoformat(), "offset_seconds": parts.clock.offset}


def _persona_json(persona: Persona) -> dict[str, object]:
    return asdict(persona)


def _sender_json(parts: Parts, sender: Sender) -> dict[str, object]:
    service = parts.store.service_of(sender)
    account = parts.store.accounts.get(sender.account_sid)
    return {
        "address": sender.address,
        "channel": sender.channel,
        "name": sender.friendly_name or sender.address,
        "account": account.friendly_name if account else "",
        "service": service.friendly_name or service.sid if service else "",
        "advanced_opt_out": bool(service and service.advanced_opt_out),
    }


def _sender(parts: Parts, address: str) -> Sender:
    sender = parts.store.senders.get(address)
    if sender is None:
        raise BadInputError(f"no sender has the address {address}")
    return sender


def _since(raw: str) -> float:
    if not raw:
        return 0.0
    try:
        return float(raw)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(raw)
    except ValueError as error:
        raise BadInputError("since must be a time in ISO 8601 or in seconds") from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
