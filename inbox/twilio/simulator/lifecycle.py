"""What becomes of an outbound message after Twilio has accepted it?"""

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime

from inbox.twilio.simulator import segments
from inbox.twilio.simulator.addresses import bare, channel_of
from inbox.twilio.simulator.errors import text_of
from inbox.twilio.simulator.faults import Facts, Fault
from inbox.twilio.simulator.fetching import fetch
from inbox.twilio.simulator.model import FAILED, IN_PROGRESS, Media, Message, Sender
from inbox.twilio.simulator.parts import Parts

TERMINAL = FAILED | {"canceled"}


@dataclass(slots=True)
class Outcome:
    """How a message ends."""

    final: str = "delivered"
    code: int | None = None


@dataclass(slots=True)
class Journey:
    """One message on its way: what is still to come and how its callbacks misbehave."""

    message: Message
    sender: Sender
    outcome: Outcome
    statuses: list[str]
    callbacks: Fault | None = None
    held: list[dict[str, str]] = field(default_factory=list)


class Lifecycle:
    """Moves outbound messages along and reports every status after the first."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._lock = threading.Lock()
        self._free_at: dict[str, float] = {}

    def start(self, message: Message, sender: Sender, *, before_reply: bool = False) -> None:
        """Send an accepted message; a scheduled one waits for its time.

        before_reply reports the statuses up to "sent" now, in this thread, so that the callbacks
        reach the product before the answer to its request does.
        """
        if message.status == "scheduled":
            self._parts.timeline.at(message.send_at, lambda: self._queue(message, sender))
        elif before_reply:
            journey = self._prepare(message, sender)
            while journey.statuses and message.status != "sent":
                self._enter(journey, now=True)
            self._continue(journey)
        else:
            self._queue(message, sender)

    def resume(self) -> None:
        """Carry on with what an earlier run left on its way."""
        for message in list(self._parts.store.messages.values()):
            sender = self._sender_of(message)
            if message.status in IN_PROGRESS and not message.inbound and sender is not None:
                self.start(message, sender)

    def cancel(self, message: Message) -> None:
        """Cancel a scheduled message."""
        self._set(message, "canceled")
        self._report(message, self._sender_of(message))

    def mark_read(self, sender: Sender, customer: str) -> int:
        """Report what the customer has now seen, where the channel has read receipts."""
        if sender.channel != "whatsapp" or not self._parts.settings.read_receipts:
            return 0
        thread = self._parts.store.thread(sender.address, customer)
        unread = [one for one in thread if not one.inbound and one.status == "delivered"]
        for message in unread:
            self._set(message, "read")
            self._report(message, sender)
        return len(unread)

    def _sender_of(self, message: Message) -> Sender | None:
        store = self._parts.store
        if message.sender or not message.service_sid:
            return store.senders.get(message.sender)
        pool = store.pool_of(message.service_sid, message.channel)
        return pool[0] if pool else None

    def _queue(self, message: Message, sender: Sender) -> None:
        # One queue per sender: a slow file of one message holds up the next one.
        self._parts.workers.submit(f"queue {sender.address}", lambda: self._send(message, sender))

    def _send(self, message: Message, sender: Sender) -> None:
        if message.status not in TERMINAL:
            self._continue(self._prepare(message, sender))

    def _prepare(self, message: Message, sender: Sender) -> Journey:
        facts = Facts(message.account_sid, message.customer, sender.address)
        fault = self._parts.faults.take("outcome", facts)
        outcome = self._outcome(message, sender, fault) or self._fetch_media(message) or Outcome()
        callbacks = self._parts.faults.take("callbacks", facts)
        return Journey(message, sender, outcome, _statuses(message, outcome), callbacks)

    def _outcome(self, message: Message, sender: Sender, fault: Fault | None) -> Outcome | None:
        if fault is not None:
            return Outcome(fault.kind, fault.code or None)
        persona = self._parts.store.persona_for(message.customer)
        if persona is not None and persona.kind == "landline" and message.channel == "sms":
            return Outcome("undelivered", 30006)
        closed = message.channel == "whatsapp" and not self.is_window_open(sender, message.customer)
        if closed and not message.content_sid:
            return Outcome("undelivered", 63016)
        return None

    def is_window_open(self, sender: Sender, customer: str) -> bool:
        """Tell whether the customer has written within the WhatsApp window."""
        last = self._parts.store.last_inbound.get((sender.address, customer))
        hours = self._parts.settings.window_hours
        return last is not None and self._parts.clock.timestamp() - last <= hours * 3600

    def _fetch_media(self, message: Message) -> Outcome | None:
        if message.media_sids or not self._parts.settings.fetch_media:
            return None
        for url in message.media_urls:
            fetched = fetch(self._parts.outgoing, url, message.channel)
            if fetched.error_code is not None:
                return Outcome("failed", fetched.error_code)
            sid = self._parts.sids.new("ME")
            message.media_sids.append(sid)
            media = Media(sid, message.account_sid, message.sid, fetched.content_type, fetched.data)
            media.created_at = self._parts.clock.timestamp()
            self._parts.store.add_media(media)
        return None

    def _continue(self, journey: Journey) -> None:
        if not journey.statuses:
            return
        settings, timeline = self._parts.settings, self._parts.timeline
        upcoming = journey.statuses[0]
        delays = {
            "queued": settings.queued_delay,
            "sending": settings.sending_delay,
            "sent": settings.sent_delay,
        }
        delay = delays.get(upcoming, settings.delivered_delay)
        due = self._parts.clock.timestamp() + delay
        if upcoming == "sending":
            due = self._slot(journey, due)
        timeline.at(due, lambda: self._advance(journey))

    def _slot(self, journey: Journey, earliest: float) -> float:
        """Return when the sender's throughput lets this message go, after those before it."""
        rate = self._parts.settings.segments_per_second
        address = journey.sender.address
        with self._lock:
            due = max(earliest, self._free_at.get(address, 0.0))
            needed = journey.message.segments or segments.measure(journey.message.body).segments
            self._free_at[address] = due + (needed / rate if rate > 0 else 0.0)
        return due

    def _advance(self, journey: Journey) -> None:
        if journey.message.status not in TERMINAL:
            self._enter(journey)
            self._continue(journey)

    def _enter(self, journey: Journey, *, now: bool = False) -> None:
        message, status = journey.message, journey.statuses.pop(0)
        if not message.sender:
            self._choose_sender(journey)
        if status in FAILED:
            message.error_code = journey.outcome.code
        self._set(message, status)
        params = callback_params(message, journey.sender, self._parts.clock.now())
        self._call_back(journey, params, now=now)

    def _choose_sender(self, journey: Journey) -> None:
        message = journey.message
        self._parts.store.assign_sender(message, journey.sender.address)
        service = self._parts.store.services.get(message.service_sid)
        smart = service is not None and service.smart_encoding
        message.segments = segments_of(message, smart=smart)

    def _set(self, message: Message, status: str) -> None:
        timestamp = self._parts.clock.timestamp()
        with self._parts.store.lock:
            message.status = status
            message.updated_at = timestamp
            if status == "sent":
                message.sent_at = timestamp
        self._parts.journal.publish("status", {"sid": message.sid, "status": status})

    def _report(self, message: Message, sender: Sender | None) -> None:
        if sender is not None:
            params = callback_params(message, sender, self._parts.clock.now())
            self._submit(message, params)

    def _call_back(self, journey: Journey, params: dict[str, str], *, now: bool) -> None:
        message, fault = journey.message, journey.callbacks
        if now:
            self._post(message, params)
            return
        match fault.kind if fault else "":
            case "no_callback":
                return
            case "late_callback":
                wait = fault.seconds if fault else 0.0
                self._parts.timeline.after(wait, lambda: self._submit(message, params))
            case "duplicate_callback":
                for _ in range(1 + (fault.copies if fault else 0)):
                    self._submit(message, params)
            case "reversed_callbacks":
                journey.held.append(params)
                if not journey.statuses:
                    for held in reversed(journey.held):
                        self._submit(message, held)
            case _:
                self._submit(message, params)

    def _submit(self, message: Message, params: dict[str, str]) -> None:
        self._parts.workers.submit(message.sid, lambda: self._post(message, params))

    def _post(self, message: Message, params: dict[str, str]) -> None:
        store = self._parts.store
        account = store.accounts.get(message.account_sid)
        url = self._callback_url(message)
        if account is not None and url:
            self._parts.webhooks.deliver(account, url, params, kind="callback")

    def _callback_url(self, message: Message) -> str:
        if message.status_callback:
            return message.status_callback
        service = self._parts.store.services.get(message.service_sid)
        if service is not None and service.status_callback:
            return service.status_callback
        # A phone number's StatusCallback is for calls; a WhatsApp sender's is for messages.
        sender = self._parts.store.senders.get(message.sender)
        return sender.status_url if sender is not None and sender.channel == "whatsapp" else ""


def segments_of(message: Message, *, smart: bool = False) -> int:
    """Return what Twilio writes as num_segments once there is a sender."""
    if message.channel != "sms" or message.media_urls or message.media_sids:
        return 1
    return segments.measure(message.body, smart=smart).segments


def callback_params(message: Message, sender: Sender, now: datetime) -> dict[str, str]:
    """Return the form of a status callback as Twilio writes it for the channel."""
    params = {
        "SmsSid": message.sid,
        "SmsStatus": message.status,
        "MessageStatus": message.status,
        "To": message.customer,
        "MessageSid": message.sid,
        "AccountSid": message.account_sid,
        "From": message.sender or sender.address,
        "ApiVersion": "2010-04-01",
    }
    if message.service_sid:
        params["MessagingServiceSid"] = message.service_sid
    if message.error_code and message.status in FAILED:
        params["ErrorCode"] = str(message.error_code)
    if message.channel == "whatsapp":
        params.update(_channel_params(message, sender))
    elif message.status in ("delivered", "undelivered"):
        params["RawDlrDoneDate"] = now.astimezone(UTC).strftime("%y%m%d%H%M")
    return params


def _channel_params(message: Message, sender: Sender) -> dict[str, str]:
    number = bare(message.customer)
    params = {
        "ChannelInstallSid": sender.sid,
        "ChannelPrefix": channel_of(message.customer),
        "ChannelToAddress": f"{number[:-4]}XXXX",
        "StructuredMessage": "true" if message.content_sid else "false",
    }
    if message.status in ("delivered", "undelivered", "read"):
        params["EventType"] = message.status.upper()
    if message.error_code and message.status in FAILED:
        params["ChannelStatusMessage"] = text_of(message.error_code)
        params["Body"] = message.body
    return params


def _statuses(message: Message, outcome: Outcome) -> list[str]:
    start = ["queued"] if message.status in ("accepted", "scheduled") else []
    if message.status != "sending":
        start.append("sending")
    if outcome.final == "failed":
        return [*start, "failed"]
    if outcome.final == "undelivered" and 63000 <= (outcome.code or 0) < 64000:
        return [*start, "undelivered"]
    return [*start, "sent"] if outcome.final == "stuck" else [*start, "sent", outcome.final]
