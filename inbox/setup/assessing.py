"""Is everything at Twilio as we need it? Compares what an account holds with what we know.

Asks nobody and changes nothing: what is found is told as plain values, for the preflight before an
inbox is switched on, and for the daily watch after that.
"""

from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

import phonenumbers

from inbox.models import DriftFinding, Sender
from inbox.status_urls import fallback_url, hooks_url, webhook_url
from inbox.twilio.provisioning import (
    Holdings,
    Pointing,
    Provisioning,
    RemoteNumber,
    RemoteService,
    RemoteWhatsApp,
)

Kind = DriftFinding.Kind
Registration = Sender.Registration
# Twilio tries our address again before it turns to the fallback. Source:
# https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides
RETRIES = "#rc=2&rp=ct,rt,5xx"
REPAIRABLE = frozenset({Kind.WEBHOOK, Kind.FALLBACK, Kind.APPLICATION, Kind.SERVICE})
Remote = RemoteNumber | RemoteService | RemoteWhatsApp


@dataclass(frozen=True)
class Fault:
    """One thing that is not as we need it, and what Twilio has instead."""

    kind: str
    found: str = ""


def our_pointing(sender: Sender) -> Pointing:
    """Return the addresses that Twilio must know for this sender.

    How often to try again is said for numbers and services: of WhatsApp senders Twilio does not
    promise that it heeds it.
    """
    return Pointing(
        inbound_url=webhook_url(sender) + ("" if sender.is_whatsapp else RETRIES),
        inbound_method="POST",
        fallback_url=fallback_url(sender),
        fallback_method="POST",
    )


def is_ours(sender: Sender, url: str) -> bool:
    """Say whether messages that go to this address reach this sender here."""
    return url.partition("#")[0] == webhook_url(sender)


def is_of_ours(url: str) -> bool:
    """Say whether an address is one of this installation's: of another number, or an old one."""
    return url.startswith(hooks_url())


def comes_here(sender: Sender, remote: Remote) -> bool:
    """Say whether what customers write to this sender reaches us as Twilio has it now.

    Our address alone does not do while something stands above it.
    """
    return is_ours(sender, remote.pointing.inbound_url) and not is_overridden(remote)


def is_overridden(remote: Remote) -> bool:
    """Say whether an application, or the numbers of a service, stand above its own address."""
    return bool(remote.pointing.application_sid or getattr(remote, "is_by_number", False))


def is_told_of(sender: Sender, held: Holdings) -> bool:
    """Say whether what Twilio answered tells anything of this sender."""
    if sender.kind == Sender.Kind.WHATSAPP:
        return held.whatsapp is not None
    return sender.kind != Sender.Kind.OTHER


def faults_of(sender: Sender, held: Holdings) -> list[Fault]:
    """Return everything that keeps customers' messages to this sender from us."""
    if not is_told_of(sender, held):
        return []
    if sender.kind == Sender.Kind.SERVICE:
        return _faults_of_service(sender, held)
    remote: RemoteNumber | RemoteWhatsApp | None
    if sender.kind == Sender.Kind.WHATSAPP:
        remote = held.whatsapp_sender(sender.address)
    else:
        remote = held.number(sender.address)
    if remote is None:
        return [Fault(Kind.GONE)]
    is_deaf = isinstance(remote, RemoteNumber) and not remote.can_text
    faults = [Fault(Kind.CANNOT_TEXT)] if is_deaf else []
    service = held.service_of(sender.address)
    if service and service.takes_from(sender.address):
        return faults + _faults_of_taking(sender, service)
    return faults + _faults_of_pointing(sender, remote.pointing)


def _faults_of_taking(sender: Sender, service: RemoteService) -> list[Fault]:
    """Judge a service that takes the messages to one of its numbers: it may be one of ours."""
    if is_ours(sender, service.pointing.inbound_url):
        return []
    ours = Sender.objects.in_use().filter(
        twilio_account=sender.twilio_account_id, messaging_service_sid=service.sid
    )
    if any(is_ours(one, service.pointing.inbound_url) for one in ours):
        return []
    return [Fault(Kind.SERVICE, service.name)]


def _faults_of_service(sender: Sender, held: Holdings) -> list[Fault]:
    service = held.service(sender.messaging_service_sid or sender.address)
    if service is None:
        return [Fault(Kind.GONE)]
    if service.is_by_number:
        return [Fault(Kind.WEBHOOK, "each number's own address")]
    return _faults_of_pointing(sender, service.pointing)


def _faults_of_pointing(sender: Sender, pointing: Pointing) -> list[Fault]:
    if pointing.application_sid:
        return [Fault(Kind.APPLICATION, pointing.application_sid)]
    faults = []
    if not is_ours(sender, pointing.inbound_url):
        faults.append(Fault(Kind.WEBHOOK, shown(pointing.inbound_url)))
    if pointing.fallback_url.partition("#")[0] != fallback_url(sender):
        faults.append(Fault(Kind.FALLBACK, shown(pointing.fallback_url)))
    return faults


def shown(url: str) -> str:
    """Return what a page may show of somebody's address: nothing that may hold a secret.

    Passwords for webhooks are written before the host, tokens into the query, and ours into the
    path.
    """
    if is_of_ours(url):
        return f"{hooks_url()}…"
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", ""))[:300]


def registration_of(number: RemoteNumber, held: Holdings, asking: Provisioning) -> str:
    """Return how far a number's registration with the American carriers is; this asks Twilio.

    Toll-free numbers are verified one by one; other American numbers through the campaign of
    their Messaging Service. Elsewhere, and for short codes, there is nothing to register here.
    """
    if number.is_toll_free:
        return _VERIFICATIONS.get(asking.verification_status(number.sid), Registration.MISSING)
    if not _is_american(number.address):
        return Registration.NOT_NEEDED
    service = held.service_of(number.address)
    if service is None:
        return Registration.MISSING
    return _CAMPAIGNS.get(asking.campaign_status(service.sid), Registration.MISSING)


_VERIFICATIONS: dict[str, str] = {
    "PENDING_REVIEW": Registration.WAITING,
    "IN_REVIEW": Registration.WAITING,
    "TWILIO_APPROVED": Registration.DONE,
    "TWILIO_REJECTED": Registration.REFUSED,
}
_CAMPAIGNS: dict[str, str] = {
    "PENDING": Registration.WAITING,
    "IN_PROGRESS": Registration.WAITING,
    "VERIFIED": Registration.DONE,
    "FAILED": Registration.REFUSED,
    "SUSPENDED": Registration.REFUSED,
}


def _is_american(address: str) -> bool:
    if not address.startswith("+1"):
        return False
    parsed = phonenumbers.parse(address, None)
    # A made-up number has no region; it is treated as what its code says.
    return phonenumbers.region_code_for_number(parsed) in ("US", "PR", None)
