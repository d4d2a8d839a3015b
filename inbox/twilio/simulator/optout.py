"""Has this customer told this sender to stop, and what does Twilio say to them?"""

from dataclasses import dataclass

from inbox.twilio.simulator.addresses import bare, is_toll_free
from inbox.twilio.simulator.model import Sender, Service
from inbox.twilio.simulator.store import Store

STOP = frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"})
START = frozenset({"START", "YES", "UNSTOP"})
HELP = frozenset({"HELP", "INFO"})
TOLL_FREE_STOP = frozenset({"STOP"})
TOLL_FREE_START = frozenset({"START", "UNSTOP"})

DEFAULT_TEXTS = {
    "STOP": "You have successfully been unsubscribed. You will not receive any more messages "
    "from this number. Reply START to resubscribe.",
    "START": "You have successfully been re-subscribed to messages from this number. Reply HELP "
    "for help. Reply STOP to unsubscribe. Msg&Data Rates May Apply.",
    "HELP": "Reply STOP to unsubscribe. Msg&Data Rates May Apply.",
}
NETWORK_TEXTS = {
    "STOP": 'NETWORK MSG: You replied with the word "stop" which blocks all texts sent from this '
    'number. Text back "unstop" to receive messages again.',
    "START": 'NETWORK MSG: You have replied "unstop" and will begin receiving messages again from '
    "this number.",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a keyword did: the word's kind, the marker for the webhook, the text to the phone."""

    kind: str = ""
    opt_out_type: str = ""
    reply: str = ""


def keyword_of(sender: Sender, body: str) -> str:
    """Return STOP, START or HELP if the whole body is a keyword for this sender."""
    word = body.strip().upper()
    if sender.channel == "sms" and is_toll_free(sender.address):
        kinds = {"STOP": TOLL_FREE_STOP, "START": TOLL_FREE_START}
    else:
        kinds = {"STOP": STOP, "START": START, "HELP": HELP}
    return next((kind for kind, words in kinds.items() if word in words), "")


def hear(store: Store, sender: Sender, customer: str, body: str) -> Verdict:
    """Apply an inbound text to the opt-out state and return Twilio's reaction."""
    service = store.service_of(sender)
    advanced = service is not None and service.advanced_opt_out
    if sender.channel == "whatsapp" and not advanced:
        return Verdict()
    kind = keyword_of(sender, body)
    if not kind:
        return Verdict()
    with store.lock:
        before = is_opted_out(store, sender, customer)
        if kind in {"STOP", "START"}:
            store.opt_outs[_scope(sender), customer] = kind == "STOP"
    changed = (kind == "STOP" and not before) or (kind == "START" and before)
    reply = _text(sender, service, kind) if changed or kind == "HELP" else ""
    return Verdict(kind, kind if advanced else "", reply)


def is_opted_out(store: Store, sender: Sender, customer: str) -> bool:
    """Tell whether the next message from this sender would be refused with 21610."""
    state = store.opt_outs.get((_scope(sender), customer))
    if state is not None:
        return state
    persona = store.persona_for(customer)
    return persona is not None and persona.kind == "opted_out" and sender.channel == "sms"


def set_state(store: Store, sender: Sender, customer: str, opted_out: bool) -> None:
    """Set the state without a message, as the console or the consent API would."""
    store.opt_outs[_scope(sender), customer] = opted_out


def _scope(sender: Sender) -> str:
    # Toll-free blocks live in the network, per number, whatever service the number is in.
    if sender.service_sid and not is_toll_free(bare(sender.address)):
        return sender.service_sid
    return sender.address


def _text(sender: Sender, service: Service | None, kind: str) -> str:
    if sender.channel == "sms" and is_toll_free(sender.address):
        return NETWORK_TEXTS.get(kind, "")
    custom = service.opt_out_texts.get(kind) if service and service.advanced_opt_out else None
    return custom or DEFAULT_TEXTS[kind]
