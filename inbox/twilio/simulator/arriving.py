"""What does the product hear when a customer writes?"""

import json
from dataclasses import asdict, dataclass, field

from inbox.twilio.simulator import optout, segments
from inbox.twilio.simulator.addresses import bare, country_of, geography, is_business_scoped
from inbox.twilio.simulator.faults import Facts, Fault
from inbox.twilio.simulator.lifecycle import Lifecycle, segments_of
from inbox.twilio.simulator.model import Account, Media, Message, Sender, Service
from inbox.twilio.simulator.parts import Parts
from inbox.twilio.simulator.reading import BadInputError
from inbox.twilio.simulator.sids import derived
from inbox.twilio.simulator.twiml import Reply, read_answer
from inbox.twilio.simulator.webhooks import Delivery

KINDS = {"image": "image", "audio": "audio", "video": "video"}


@dataclass(slots=True)
class Letter:
    """What a customer sends."""

    from_: str
    to: str
    body: str = ""
    files: list[tuple[str, bytes]] = field(default_factory=list)
    profile_name: str = ""
    location: dict[str, str] = field(default_factory=dict)
    button_text: str = ""
    button_payload: str = ""
    reply_to: str = ""
    reaction: str = ""
    is_contact: bool = False
    extra: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Arrival:
    """What became of a letter: the message, and every webhook it caused."""

    message: Message
    deliveries: list[Delivery] = field(default_factory=list)
    keyword: str = ""
    outcome: str = "delivered"

    def as_json(self) -> dict[str, object]:
        """Return the arrival for a control answer."""
        last = self.deliveries[-1] if self.deliveries else None
        attempts = [asdict(one) for delivery in self.deliveries for one in delivery.attempts]
        return {
            "message_sid": self.message.sid,
            "outcome": self.outcome,
            "keyword": self.keyword,
            "webhook": last.as_json() if last else None,
            "attempts": attempts,
        }


class Arriving:
    """Takes messages from customers and calls the product's webhook."""

    def __init__(self, parts: Parts, lifecycle: Lifecycle) -> None:
        self._parts = parts
        self._lifecycle = lifecycle

    def receive(self, letter: Letter) -> Arrival:
        """Keep a customer's message, react to keywords, and call the webhook."""
        sender = self._parts.store.senders.get(letter.to)
        if sender is None:
            raise BadInputError(f"no sender has the address {letter.to}")
        message = self._keep(letter, sender)
        verdict = optout.hear(self._parts.store, sender, letter.from_, letter.body)
        message.webhook_params = self._params(letter, message, sender, verdict.opt_out_type)
        self._parts.journal.publish("message", {"sid": message.sid, "direction": "inbound"})
        if verdict.reply:
            self._say(sender, letter.from_, verdict.reply)
        arrival = Arrival(message, keyword=verdict.kind)
        self._notify(arrival, sender)
        return arrival

    def replay(self, message: Message) -> Arrival:
        """Call the webhook once more for a message that was received earlier."""
        arrival = Arrival(message)
        self._notify(arrival, self._parts.store.senders[message.sender])
        return arrival

    def _keep(self, letter: Letter, sender: Sender) -> Message:
        parts, timestamp = self._parts, self._parts.clock.timestamp()
        message = Message(
            parts.sids.new("MM" if letter.files else "SM"),
            sender.account_sid,
            sender.address,
            letter.from_,
            "inbound",
            letter.body or letter.reaction or letter.button_text,
            "received",
            sender.channel,
            sender.service_sid,
            reply_to=letter.reply_to,
            reaction=letter.reaction,
            location=letter.location,
            created_at=timestamp,
            updated_at=timestamp,
            sent_at=timestamp,
        )
        message.segments = segments_of(message) if not letter.files else 1
        with parts.store.lock:
            parts.store.add_message(message)
            parts.store.last_inbound[sender.address, letter.from_] = timestamp
        for content_type, data in letter.files:
            media = Media(parts.sids.new("ME"), sender.account_sid, message.sid, content_type, data)
            media.created_at = timestamp
            message.media_sids.append(media.sid)
            parts.store.add_media(media)
        return message

    def _params(
        self, letter: Letter, message: Message, sender: Sender, opt_out_type: str
    ) -> dict[str, str]:
        sid = message.sid
        params = {
            "SmsMessageSid": sid,
            "NumMedia": str(len(message.media_sids)),
            "SmsSid": sid,
            "SmsStatus": "received",
            "Body": message.body,
            "To": sender.address,
            "NumSegments": str(message.segments),
            "MessageSid": sid,
            "AccountSid": sender.account_sid,
            "From": letter.from_,
            "ApiVersion": "2010-04-01",
        }
        if sender.service_sid:
            params["MessagingServiceSid"] = sender.service_sid
        for index, media_sid in enumerate(message.media_sids):
            path = f"/2010-04-01/Accounts/{sender.account_sid}/Messages/{sid}/Media/{media_sid}"
            params[f"MediaUrl{index}"] = f"https://api.twilio.com{path}"
            media_type = self._parts.store.media[media_sid].content_type
            params[f"MediaContentType{index}"] = media_type
        if sender.channel == "whatsapp":
            params.update(self._whatsapp_params(letter, message))
        else:
            params.update(geography("From", letter.from_))
            params.update(geography("To", sender.address))
        if opt_out_type:
            params["OptOutType"] = opt_out_type
        return {**params, **letter.extra}

    def _whatsapp_params(self, letter: Letter, message: Message) -> dict[str, str]:
        persona = self._parts.store.persona_for(letter.from_)
        number = bare(letter.from_)
        name = letter.profile_name or (persona.name if persona else "")
        params = {
            "ProfileName": name,
            "MessageType": _message_type(letter),
            "ReferralNumMedia": "0",
            "ExternalUserId": external_user_id(letter.from_),
        }
        if is_business_scoped(letter.from_):
            params["ProfileUsername"] = name.lower().replace(" ", ".")
        else:
            params["WaId"] = number.lstrip("+")
        params.update(letter.location)
        context = {"ProfileName": name, "WaId": params.get("WaId", "")}
        if letter.button_text:
            params["ButtonText"] = letter.button_text
            params["ButtonPayload"] = letter.button_payload or letter.button_text
            context["ButtonText"] = letter.button_text
        if letter.reply_to:
            original = self._parts.store.messages.get(letter.reply_to)
            params["OriginalRepliedMessageSid"] = letter.reply_to
            params["OriginalRepliedMessageSender"] = (
                original.from_address if original else message.sender
            )
        metadata = {"type": "whatsapp", "data": {"context": context}}
        params["ChannelMetadata"] = json.dumps(metadata, separators=(",", ":"), ensure_ascii=False)
        return params

    def _notify(self, arrival: Arrival, sender: Sender) -> None:
        message = arrival.message
        account = self._parts.store.accounts[sender.account_sid]
        service = self._parts.store.service_of(sender)
        facts = Facts(account.sid, sender.address, message.customer, "inbound")
        fault = self._parts.faults.take("inbound", facts)
        url, fallback, method, fallback_method = _webhooks_of(sender, service)
        if not url:
            # Twilio drops what a service without a webhook gets: not even its log shows it.
            message.unlisted = service is not None
            arrival.outcome = "dropped"
        elif fault is not None and fault.kind == "lost_webhook":
            arrival.outcome = "lost"
        elif fault is not None and fault.kind == "late_webhook":
            arrival.outcome = "late"
            self._parts.timeline.after(
                fault.seconds,
                lambda: self._parts.workers.submit(
                    message.sid, lambda: self._deliver(Arrival(message), account, sender)
                ),
            )
        else:
            self._call(arrival, account, sender, fault, (url, method), (fallback, fallback_method))

    def _deliver(self, arrival: Arrival, account: Account, sender: Sender) -> None:
        service = self._parts.store.service_of(sender)
        url, fallback, method, fallback_method = _webhooks_of(sender, service)
        self._call(arrival, account, sender, None, (url, method), (fallback, fallback_method))

    def _call(
        self,
        arrival: Arrival,
        account: Account,
        sender: Sender,
        fault: Fault | None,
        primary: tuple[str, str],
        fallback: tuple[str, str],
    ) -> None:
        kind = fault.kind if fault else ""
        params = arrival.message.webhook_params
        copies = 1 + (fault.copies if fault and kind == "duplicate_webhook" else 0)
        url, method = primary
        for _ in range(copies):
            if kind == "webhook_failure":
                delivery = Delivery(url.partition("#")[0], error_code=11200)
            else:
                delivery = self._parts.webhooks.deliver(
                    account, url, params, kind="webhook", method=method
                )
            if kind == "webhook_timeout":
                # The product has answered, but Twilio has already given up waiting.
                delivery.error_code, delivery.body = 11205, b""
            arrival.deliveries.append(delivery)
            self._use_answer(delivery, sender, arrival.message.customer)
        last = arrival.deliveries[-1]
        if last.arrived:
            return
        arrival.outcome = "failed"
        if fallback[0]:
            again = {**params, "ErrorCode": str(last.error_code), "ErrorUrl": last.url}
            second = self._parts.webhooks.deliver(
                account, fallback[0], again, kind="fallback", method=fallback[1]
            )
            arrival.deliveries.append(second)
            self._use_answer(second, sender, arrival.message.customer)
            arrival.outcome = "fallback" if second.arrived else "failed"

    def _use_answer(self, delivery: Delivery, sender: Sender, customer: str) -> None:
        if not delivery.arrived:
            return
        answered = read_answer(delivery.content_type, delivery.body)
        delivery.error_code = answered.error_code
        for reply in answered.replies:
            self._reply(sender, customer, reply)

    def _reply(self, sender: Sender, customer: str, reply: Reply) -> None:
        message = self._outbound(sender, reply.to or customer, reply.body, "outbound-reply")
        if optout.is_opted_out(self._parts.store, sender, message.customer):
            message.status, message.error_code = "failed", 21610
        message.media_urls = list(reply.media_urls)
        message.status_callback = reply.status_callback
        message.segments = segments_of(message)
        self._parts.store.add_message(message)
        if message.error_code is None:
            self._lifecycle.start(message, sender)

    def _say(self, sender: Sender, customer: str, text: str) -> None:
        """Put a text of Twilio's or the network's own on the phone; no log shows it."""
        message = self._outbound(sender, customer, text, "outbound-reply")
        message.unlisted, message.status = True, "delivered"
        message.segments = segments.measure(text).segments
        self._parts.store.add_message(message)
        self._parts.journal.publish("message", {"sid": message.sid, "direction": "network"})

    def _outbound(self, sender: Sender, customer: str, body: str, direction: str) -> Message:
        timestamp = self._parts.clock.timestamp()
        return Message(
            self._parts.sids.new("SM"),
            sender.account_sid,
            sender.address,
            customer,
            direction,
            body,
            channel=sender.channel,
            service_sid=sender.service_sid,
            created_at=timestamp,
            updated_at=timestamp,
        )


def external_user_id(address: str) -> str:
    """Return the business-scoped id of a WhatsApp user; it outlives a change of number."""
    if is_business_scoped(address):
        return address
    digits = int(derived("", address), 16) % 10**16
    return f"whatsapp:{country_of(address) or 'US'}.{digits:016d}"


def _message_type(letter: Letter) -> str:
    if letter.location:
        return "location"
    if letter.reaction:
        return "reaction"
    if letter.button_text:
        return "interactive"
    if letter.is_contact:
        return "contacts"
    if letter.files:
        return KINDS.get(letter.files[0][0].partition("/")[0], "document")
    return "text"


def _webhooks_of(sender: Sender, service: Service | None) -> tuple[str, str, str, str]:
    if service is None or service.use_inbound_webhook_on_number:
        if sender.application_sid:
            # An application has addresses of its own, which count instead; here it has none.
            return "", "", "POST", "POST"
        return (
            sender.webhook_url,
            sender.fallback_url,
            sender.webhook_method,
            sender.fallback_method,
        )
    return (
        service.inbound_request_url or "",
        service.fallback_url or "",
        service.inbound_method,
        service.fallback_method,
    )
