"""What does a business tell Twilio of consents? The Consent Management API, a pilot, SMS only.

25 items a request, 100 requests a minute; each item has its own error (30646).
"""

import json
import re
from datetime import datetime

from inbox.twilio.simulator import optout
from inbox.twilio.simulator.addresses import is_toll_free
from inbox.twilio.simulator.api.calls import Call
from inbox.twilio.simulator.errors import refuse
from inbox.twilio.simulator.exchange import Response, json_response

MOST_ITEMS = 25
MOST_REQUESTS, MINUTE = 100, 60.0
REFUSED = 30646
SOURCES = ("website", "offline", "opt-in-message", "opt-out-message", "others")
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_CORRELATION = re.compile(r"[0-9a-fA-F]{32}")


def bulk(call: Call) -> Response:
    """Take a list of consents over, each by itself."""
    _count(call)
    items = call.form.all("Items")
    if not 1 <= len(items) <= MOST_ITEMS:
        raise refuse(20001, "Items")
    return json_response({"items": [_one(call, item) for item in items]}, 201)


def _count(call: Call) -> None:
    store, now = call.parts.store, call.parts.clock.timestamp()
    with store.lock:
        recent = [at for at in store.consent_requests if at > now - MINUTE]
        if len(recent) >= MOST_REQUESTS:
            raise refuse(20429)
        store.consent_requests = [*recent, now]


def _one(call: Call, text: str) -> dict[str, object]:
    try:
        item = json.loads(text)
    except ValueError:
        item = None
    if not isinstance(item, dict):
        return {"correlation_id": "", "error_code": REFUSED, "error_messages": ["no object"]}
    problems = _problems(call, item)
    if not problems:
        _apply(call, item)
    return {
        "correlation_id": str(item.get("correlation_id") or ""),
        "error_code": REFUSED if problems else 0,
        "error_messages": problems,
    }


def _problems(call: Call, item: dict[str, object]) -> list[str]:
    said = {name: str(value or "") for name, value in item.items()}
    problems = []
    if not _E164.fullmatch(said.get("contact_id", "")):
        problems.append("contact_id is not in E.164 format")
    if not _CORRELATION.fullmatch(said.get("correlation_id", "")):
        problems.append("correlation_id is not a UUID of 32 characters")
    if said.get("status") not in ("opt-in", "opt-out"):
        problems.append("status is neither opt-in nor opt-out")
    if said.get("source") not in SOURCES:
        problems.append("source is not known")
    if not _owns(call, said.get("sender_id", "")):
        problems.append("sender_id is no sender of this account")
    if said.get("date_of_consent"):
        try:
            datetime.fromisoformat(said["date_of_consent"])
        except ValueError:
            problems.append("date_of_consent is not in ISO-8601 format")
    return problems


def _owns(call: Call, sender_id: str) -> bool:
    store, account = call.parts.store, call.account.sid
    service = store.services.get(sender_id)
    sender = store.senders.get(sender_id)
    if service is not None:
        return service.account_sid == account
    return sender is not None and sender.account_sid == account and sender.channel == "sms"


def _apply(call: Call, item: dict[str, object]) -> None:
    store = call.parts.store
    sender_id, customer = str(item["sender_id"]), str(item["contact_id"])
    is_out = item["status"] == "opt-out"
    with store.lock:
        store.consents.append({name: str(value) for name, value in item.items()})
        sender = store.senders.get(sender_id)
        if sender is None:
            store.opt_outs[sender_id, customer] = is_out
        elif is_out or not is_toll_free(sender.address):
            # What the toll-free network blocks, only the person lifts.
            optout.set_state(store, sender, customer, is_out)
