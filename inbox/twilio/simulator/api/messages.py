"""What does Twilio do with a request for messages?"""

import re
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from inbox.twilio.simulator.addresses import channel_of, normalise
from inbox.twilio.simulator.api.calls import Call
from inbox.twilio.simulator.api.paging import classic_page
from inbox.twilio.simulator.errors import TwilioError, refuse
from inbox.twilio.simulator.exchange import (
    ConnectionDroppedError,
    Response,
    empty_response,
    error_response,
    json_response,
)
from inbox.twilio.simulator.faults import Facts, Fault
from inbox.twilio.simulator.journal import LedgerEntry
from inbox.twilio.simulator.lifecycle import segments_of
from inbox.twilio.simulator.model import IN_PROGRESS, Message
from inbox.twilio.simulator.refusals import Draft, check
from inbox.twilio.simulator.rendering import message_json
from inbox.twilio.simulator.segments import measure

DATE_ONLY = re.compile(r"^\d{4}-\d{2}-\d{2}$")
_waiting = threading.Event()


def create(call: Call) -> Response:
    """Accept or refuse a message; every request is entered in the ledger, whatever comes of it."""
    form = call.form
    entry = call.parts.journal.enter(
        LedgerEntry(
            call.parts.clock.timestamp(),
            call.account.sid,
            form.get("To"),
            form.get("From"),
            form.get("MessagingServiceSid"),
            form.get("Body"),
            form.all("MediaUrl"),
            form.get("ContentSid"),
            form.get("StatusCallback"),
        )
    )
    facts = Facts(
        call.account.sid,
        normalise(form.get("To")),
        normalise(form.get("From")) or form.get("MessagingServiceSid"),
    )
    try:
        fail_before(call.parts.faults.take("before", facts), entry)
        draft = check(call.parts, call.account, form)
    except TwilioError as error:
        entry.status, entry.error_code = error.status, error.code
        raise
    return _accept(call, draft, entry, facts)


def fail_before(fault: Fault | None, entry: LedgerEntry | None = None) -> None:
    """Let a fault act before anything is accepted."""
    if fault is None:
        return
    if entry is not None:
        entry.fault = fault.kind
    match fault.kind:
        case "rate_limit":
            error = refuse(20429)
            error.retry_after = fault.retry_after
            raise error
        case "server_error":
            raise refuse(20500)
        case "reject":
            raise refuse(fault.code, *((entry.to, entry.from_) if entry else ()))
        case "hang_before":
            _waiting.wait(fault.seconds)
    raise ConnectionDroppedError


def fail_after(fault: Fault | None) -> Response | None:
    """Let a fault act on the answer to what was done; None lets it pass."""
    match fault.kind if fault else "":
        case "server_error_after":
            return error_response(refuse(20500))
        case "reset_after":
            raise ConnectionDroppedError
        case "html_after":
            return _page(fault)
        case "hang_after":
            _waiting.wait(fault.seconds if fault else 0)
    return None


def _accept(call: Call, draft: Draft, entry: LedgerEntry, facts: Facts) -> Response:
    message = _message(call, draft)
    call.parts.store.add_message(message)
    reply = message_json(message)
    if draft.template is not None and not draft.from_given:
        # Twilio leaves the text of a template out here; it is there when fetched.
        reply["body"] = ""
    entry.accepted, entry.sid = True, message.sid
    fault = call.parts.faults.take("after", facts)
    kind = fault.kind if fault else ""
    call.parts.journal.publish("message", {"sid": message.sid, "direction": message.direction})
    call.simulator.lifecycle.start(
        message, draft.sender, before_reply=kind == "callback_before_reply"
    )
    entry.fault, entry.status = kind, 201
    if fault is not None and kind == "hang_after":
        entry.status = None
        _waiting.wait(fault.seconds)
    elif kind == "reset_after":
        entry.status = None
        raise ConnectionDroppedError
    elif kind == "server_error_after":
        entry.status = 500
        return error_response(refuse(20500))
    elif kind == "html_after":
        return _page(fault)
    return json_response(reply, 201)


def _page(fault: Fault | None) -> Response:
    """Return a page instead of JSON, with any status, as from a proxy on the way."""
    status = fault.code if fault and fault.code else 200
    return Response(status, b"<html><body>Sorry</body></html>", "text/html")


def _message(call: Call, draft: Draft) -> Message:
    timestamp = call.parts.clock.timestamp()
    has_files = bool(draft.media_urls or draft.template)
    status = "accepted" if draft.service else "queued"
    message = Message(
        call.parts.sids.new("MM" if has_files else "SM"),
        call.account.sid,
        draft.sender.address if draft.from_given else "",
        draft.to,
        "outbound-api",
        draft.body,
        "scheduled" if draft.send_at is not None else status,
        channel_of(draft.sender.address),
        draft.service.sid if draft.service else "",
        media_urls=draft.media_urls,
        status_callback=draft.status_callback,
        content_sid=draft.content_sid,
        send_at=draft.send_at or 0.0,
        created_at=timestamp,
        updated_at=timestamp,
    )
    if draft.template is not None:
        message.buttons = [
            {"text": text, "payload": payload} for text, payload in draft.template.buttons
        ]
    if not draft.from_given:
        message.segments = 0
    elif call.form.flag("SmartEncoded"):
        message.segments = measure(message.body, smart=True).segments
    else:
        message.segments = segments_of(message)
    return message


def fetch(call: Call) -> Response:
    """Return one message."""
    return json_response(message_json(call.message()))


def update(call: Call) -> Response:
    """Redact a finished message (Body=) or cancel a scheduled one (Status=canceled)."""
    message, form = call.message(), call.form
    if form.get("Status") == "canceled":
        with call.parts.store.lock:
            if message.status != "scheduled":
                raise refuse(30409)
            call.simulator.lifecycle.cancel(message)
    elif "Body" in form:
        if form.get("Body"):
            raise refuse(20001, "Body can only be emptied")
        _require_finished(message)
        message.body = ""
        message.updated_at = call.parts.clock.timestamp()
    return json_response(message_json(message))


def delete(call: Call) -> Response:
    """Delete a finished message with its files."""
    message = call.message()
    _require_finished(message)
    call.parts.store.drop_message(message.sid)
    return empty_response()


def _require_finished(message: Message) -> None:
    if message.status in IN_PROGRESS:
        raise refuse(20009)


def listing(call: Call) -> Response:
    """Return a page of messages, newest first, filtered by To, From and DateSent."""
    query = call.request.query
    tests: list[Callable[[Message], bool]] = []
    if query.get("To"):
        to = normalise(query.get("To"))
        tests.append(lambda one: one.to_address == to)
    if query.get("From"):
        from_ = normalise(query.get("From"))
        tests.append(lambda one: one.from_address == from_)
    if query.get("DateSent"):
        low, high = _day(query.get("DateSent"))
        tests.append(lambda one: low <= _sent(one) < high)
    after, before = query.get("DateSent>"), query.get("DateSent<")
    if after:
        earliest = _span(after)[0]
        tests.append(lambda one: _sent(one) >= earliest)
    if before:
        latest = _span(before)[1]
        tests.append(lambda one: _sent(one) < latest)
    everything = call.parts.store.messages_of(call.account.sid)
    found = [one for one in everything if all(test(one) for test in tests)]
    return classic_page(call.request, found, "messages", message_json, lambda one: one.sid)


def _sent(message: Message) -> float:
    # Twilio writes whole seconds, and a message on its way has no DateSent yet.
    return float(int(message.sent_at or message.created_at))


def _day(raw: str) -> tuple[float, float]:
    """Return the GMT day of a date: equality is about days, whatever the client adds to them."""
    return _span(_moment(raw).astimezone(UTC).strftime("%Y-%m-%d"))


def _span(raw: str) -> tuple[float, float]:
    """Return the first moment that a date means and the first after it."""
    if DATE_ONLY.match(raw):
        day = datetime.fromisoformat(raw).replace(tzinfo=UTC)
        return day.timestamp(), (day + timedelta(days=1)).timestamp()
    moment = _moment(raw)
    return moment.timestamp(), moment.timestamp() + 1


def _moment(raw: str) -> datetime:
    try:
        moment = datetime.fromisoformat(raw)
    except ValueError:
        try:
            moment = parsedate_to_datetime(raw)
        except ValueError as error:
            raise refuse(20001, "DateSent") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
