"""Where do customers' messages go at Twilio? To us, or back to where they went before.

What was there before the first time is remembered, so that it can be put back. Every step looks
first and does nothing that is done already.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import User
from inbox.models import Sender
from inbox.setup.assessing import (
    Remote,
    comes_here,
    is_of_ours,
    is_ours,
    is_overridden,
    our_pointing,
    shown,
)
from inbox.setup.refusals import SetUpError
from inbox.setup.twilio import provisioning_for
from inbox.twilio.provisioning import Pointing, Provisioning, RemoteService, RemoteWhatsApp

URLS = ("inbound_url", "fallback_url")
HERE = "here"


def point_here(*, sender: Sender, by: User, now: datetime) -> str:
    """Let Twilio send this sender's messages to us; remember where they went before.

    Returns what was replaced by that, fit to be shown; blank if there was nothing. Raises
    SetUpError when Twilio does not have it, TwilioRefusedError, TwilioAwayError.
    """
    asking = provisioning_for(sender.twilio_account)
    remote = _found(asking, sender)
    wanted = our_pointing(sender)
    is_right = remote.pointing == wanted and not getattr(remote, "is_by_number", False)
    # Remembered before it is changed: after a crash in between, what was there is not lost.
    _remember(sender, remote, now=now)
    if not is_right:
        _point(asking, remote, wanted)
    before = _replaced(remote)
    told = {"messages_go_to": {"before": before or _said_of(sender, remote), "after": HERE}}
    _note(sender, "addresses_set", by, now, changes=told)
    return before


def free_from_service(*, sender: Sender, by: User, now: datetime) -> None:
    """Let a Messaging Service leave each number's messages to the number's own address.

    It concerns every number of that service. Raises as `point_here`.
    """
    asking = provisioning_for(sender.twilio_account)
    service = asking.holdings(with_whatsapp=sender.is_whatsapp).service_of(sender.address)
    if service is None:
        raise SetUpError(_("This number is in no Messaging Service any more."))
    if service.takes_from(sender.address):
        asking.point_service(service.sid, service.pointing, is_by_number=True)
    others = sorted(service.members - {sender.address})
    _note(sender, "service_freed", by, now, service=service.sid, other_numbers=len(others))


def put_back(*, sender: Sender, by: User, now: datetime) -> bool:
    """Let messages go where they went before us; False if nothing was changed.

    What somebody set at Twilio meanwhile is theirs and stays, and so does what came to us before
    we ever set anything. Raises as `point_here`.
    """
    asking = provisioning_for(sender.twilio_account)
    remote = _found(asking, sender)
    before = _before(sender)
    # One that came here from the start has no before: without our address it would be deaf.
    is_still_ours = bool(before) and comes_here(sender, remote)
    if is_still_ours:
        wanted = Pointing(**before["pointing"])
        _point(asking, remote, wanted, is_by_number=bool(before.get("is_by_number")))
    with transaction.atomic(durable=True):
        forgotten = {"pointed_at": None, "pointed_before": None, "addresses_before": ""}
        Sender.objects.filter(pk=sender.pk).update(**forgotten)
        audit.record(
            **_line(sender, "addresses_put_back", by, now),
            was_ours=is_still_ours,
            after=shown(before.get("pointing", {}).get("inbound_url", "")),
        )
    return is_still_ours


def _found(asking: Provisioning, sender: Sender) -> Remote:
    remote: Remote | None
    if sender.kind == Sender.Kind.SERVICE:
        remote = asking.service(sender.messaging_service_sid or sender.address)
    elif sender.kind == Sender.Kind.WHATSAPP:
        known = (one for one in asking.whatsapp_senders() if one.address == sender.address)
        remote = next(known, None)
    else:
        remote = asking.find_number(sender.address)
    if remote is None:
        raise SetUpError(
            _("%(number)s is not in the Twilio account any more.") % {"number": sender.address}
        )
    return remote


def _said_of(sender: Sender, remote: Remote) -> str:
    """Return where messages go, as the log may say it: our own address holds a token."""
    url = remote.pointing.inbound_url
    return HERE if is_ours(sender, url) else shown(url)


def _point(
    asking: Provisioning, remote: Remote, wanted: Pointing, *, is_by_number: bool = False
) -> None:
    if isinstance(remote, RemoteService):
        asking.point_service(remote.sid, wanted, is_by_number=is_by_number)
    elif isinstance(remote, RemoteWhatsApp):
        asking.point_whatsapp(remote, wanted)
    else:
        asking.point(remote.sid, wanted)


def _remember(sender: Sender, remote: Remote, *, now: datetime) -> None:
    fresh: dict[str, Any] = {"pointed_at": now, "provider_sid": remote.sid}
    # After its addresses were renewed an old one of ours is there: it leads nowhere any more.
    is_old = not is_overridden(remote) and is_of_ours(remote.pointing.inbound_url)
    if not comes_here(sender, remote) and not is_old:
        fresh |= remembered(asdict(remote.pointing), getattr(remote, "is_by_number", False))
    Sender.objects.filter(pk=sender.pk).update(**fresh)


def remembered(pointing: Mapping[str, str], is_by_number: bool) -> dict[str, Any]:
    """Return what is kept of addresses: whole where nobody reads it, and fit to be shown."""
    safe = {name: shown(value) if name in URLS else value for name, value in pointing.items()}
    return {
        "pointed_before": {"pointing": safe, "is_by_number": is_by_number},
        "addresses_before": json.dumps({"pointing": pointing, "is_by_number": is_by_number}),
    }


def _before(sender: Sender) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(sender.addresses_before or "{}")
    return found


def _replaced(remote: Remote) -> str:
    """Name what took the messages before: an application stands above every address.

    An address of ours that leads nowhere any more is nobody's.
    """
    pointing = remote.pointing
    if pointing.application_sid:
        return pointing.application_sid
    return "" if is_of_ours(pointing.inbound_url) else shown(pointing.inbound_url)


def _note(sender: Sender, action: str, by: User, now: datetime, **data: Any) -> None:
    audit.record(**_line(sender, action, by, now), **data)


def _line(sender: Sender, action: str, by: User, now: datetime) -> dict[str, Any]:
    return {
        "action": action,
        "subject": sender.address,
        "actor": by,
        "account_id": sender.account_id,
        "now": now,
        "row": str(sender.pk),
    }
