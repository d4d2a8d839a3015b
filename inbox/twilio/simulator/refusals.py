"""Would Twilio accept this message, and if not, with which code does it refuse?"""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import urlsplit

from inbox.twilio.simulator import optout
from inbox.twilio.simulator.addresses import (
    channel_of,
    is_business_scoped,
    is_reachable,
    is_sender_like,
    normalise,
)
from inbox.twilio.simulator.content import Template, parse_variables
from inbox.twilio.simulator.errors import refuse
from inbox.twilio.simulator.exchange import Form
from inbox.twilio.simulator.faults import TEST_SENDER
from inbox.twilio.simulator.model import Account, Sender, Service
from inbox.twilio.simulator.parts import Parts

BODY_LIMIT = 1600
MEDIA_LIMIT = 10
SCHEDULE_SECONDS = (900, 35 * 24 * 3600)
SERVICE_SID = re.compile(r"^MG[0-9a-fA-F]{32}$")


@dataclass(slots=True)
class Draft:
    """A create request that may be sent."""

    to: str
    sender: Sender
    service: Service | None
    body: str
    media_urls: list[str] = field(default_factory=list)
    template: Template | None = None
    content_sid: str = ""
    status_callback: str = ""
    send_at: float | None = None
    from_given: bool = True


def check(parts: Parts, account: Account, form: Form) -> Draft:
    """Read a create request. Raises TwilioError with the code that Twilio would give."""
    to, from_, service_sid = form.get("To"), form.get("From"), form.get("MessagingServiceSid")
    if not to.strip():
        raise refuse(21604)
    if not from_.strip() and not service_sid:
        raise refuse(21603)
    to, from_ = normalise(to), normalise(from_)
    body, template = _content(parts, account, form)
    media_urls = _media(form)
    _require_content(form, body, media_urls, template)
    if not is_reachable(to):
        raise refuse(21211, form.get("To"))
    _check_callback(form.get("StatusCallback"))
    service = _service(parts, account, service_sid)
    sender = _sender(parts, account, from_, to, service)
    _check_pair(parts, sender, to)
    return Draft(
        to,
        sender,
        service,
        body,
        media_urls,
        template,
        form.get("ContentSid"),
        form.get("StatusCallback"),
        _send_at(parts, form, service),
        bool(from_),
    )


def _content(parts: Parts, account: Account, form: Form) -> tuple[str, Template | None]:
    sid = form.get("ContentSid")
    if not sid:
        body = form.get("Body")
        if len(body) > BODY_LIMIT:
            raise refuse(21617)
        return body, None
    template = parts.store.shelf.template(account.sid, sid)
    if template is None:
        raise refuse(21655, sid)
    values = parse_variables(form.get("ContentVariables"))
    if values is None:
        raise refuse(21656)
    return template.fill(values), template


def _media(form: Form) -> list[str]:
    urls = form.all("MediaUrl")
    if len(urls) > MEDIA_LIMIT:
        raise refuse(21623)
    if not all(_is_web_address(url) for url in urls):
        raise refuse(21620)
    return urls


def _require_content(form: Form, body: str, media: list[str], template: Template | None) -> None:
    if template is not None or media or body.strip():
        return
    # An empty Body has its own code; leaving everything out has another.
    raise refuse(21602 if "Body" in form else 21619)


def _check_callback(url: str) -> None:
    if url and (not _is_web_address(url) or "_" in (urlsplit(url).hostname or "")):
        raise refuse(21609, url)


def _service(parts: Parts, account: Account, sid: str) -> Service | None:
    if not sid:
        return None
    service = parts.store.services.get(sid)
    if not SERVICE_SID.match(sid) or service is None or service.account_sid != account.sid:
        raise refuse(21701, sid)
    return service


def _sender(parts: Parts, account: Account, from_: str, to: str, service: Service | None) -> Sender:
    if not from_ and service is not None:
        return _from_pool(parts, service, to)
    if SERVICE_SID.match(from_):
        raise refuse(21212, from_)
    if not is_sender_like(from_):
        raise refuse(21212, from_)
    if from_ == to:
        raise refuse(21266, to)
    sender = parts.store.senders.get(from_)
    if from_ == TEST_SENDER and sender is None:
        return Sender("PN" + "0" * 32, account.sid, TEST_SENDER)
    if sender is None or sender.account_sid != account.sid:
        raise refuse(63007 if channel_of(from_) == "whatsapp" else 21606, from_)
    if "sms" not in sender.capabilities:
        raise refuse(21606, from_)
    if service is not None and sender.service_sid != service.sid:
        raise refuse(21606, from_)
    return sender


def _from_pool(parts: Parts, service: Service, to: str) -> Sender:
    pool = parts.store.pool_of(service.sid, channel_of(to))
    if not pool:
        raise refuse(21703, service.sid)
    known = parts.store.sticky.get((service.sid, to)) if service.sticky_sender else None
    chosen = next((one for one in pool if one.address == known), pool[0])
    parts.store.sticky[service.sid, to] = chosen.address
    return chosen


def _check_pair(parts: Parts, sender: Sender, to: str) -> None:
    if channel_of(sender.address) != channel_of(to):
        raise refuse(21910)
    if is_business_scoped(to) and channel_of(to) != "whatsapp":
        raise refuse(21211, to)
    if any(to.startswith(prefix) for prefix in parts.settings.blocked_prefixes):
        raise refuse(21408, to)
    if optout.is_opted_out(parts.store, sender, to):
        raise refuse(21610)


def _send_at(parts: Parts, form: Form, service: Service | None) -> float | None:
    if not form.get("SendAt") and not form.get("ScheduleType"):
        return None
    if service is None:
        raise refuse(35118)
    if not form.get("SendAt"):
        raise refuse(35111)
    try:
        moment = datetime.fromisoformat(form.get("SendAt"))
    except ValueError as error:
        raise refuse(35114) from error
    timestamp = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    low, high = SCHEDULE_SECONDS
    if not low <= timestamp - parts.clock.timestamp() <= high:
        raise refuse(35114)
    return timestamp


def _is_web_address(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in ("http", "https") and bool(parts.hostname)
