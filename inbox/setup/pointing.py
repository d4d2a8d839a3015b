"""Where do customers' messages go at Twilio? To us, or back to where they went before.

What was there before the first time is remembered, so that it can be put back. Every step looks
first and does nothing that is done already.
"""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import User
from inbox.models import Sender
from inbox.setup.assessing import is_ours, our_pointing, shown
from inbox.setup.refusals import SetUpError
from inbox.setup.twilio import provisioning_for
from inbox.twilio.provisioning import Pointing, Provisioning, RemoteNumber, RemoteService

Remote = RemoteNumber | RemoteService


def point_here(*, sender: Sender, by: User, now: datetime) -> None:
    """Let Twilio send this sender's messages to us; remember where they went before.

    Raises SetUpError when Twilio does not have it, TwilioRefusedError, TwilioAwayError.
    """
    asking = provisioning_for(sender.twilio_account)
    remote = _found(asking, sender)
    wanted = our_pointing(sender)
    is_right = remote.pointing == wanted and not getattr(remote, "is_by_number", False)
    # Remembered before it is changed: after a crash in between, what was there is not lost.
    _remember(sender, remote, now=now)
    if not is_right:
        _point(asking, remote, wanted)
    _note(sender, "addresses_set", by, now, before=shown(remote.pointing.inbound_url))


def free_from_service(*, sender: Sender, by: User, now: datetime) -> None:
    """Let a Messaging Service leave each number's messages to the number's own address.

    It concerns every number of that service. Raises as `point_here`.
    """
    asking = provisioning_for(sender.twilio_account)
    service = asking.holdings().service_of(sender.address)
    if service is None:
        raise SetUpError(_("This number is in no Messaging Service any more."))
    if service.takes_from(sender.address):
        asking.point_service(service.sid, service.pointing, is_by_number=True)
    others = sorted(service.members - {sender.address})
    _note(sender, "service_freed", by, now, service=service.sid, other_numbers=len(others))


def put_back(*, sender: Sender, by: User, now: datetime) -> bool:
    """Let messages go where they went before us; False if they do not come to us any more.

    What somebody set at Twilio meanwhile is theirs and stays. Raises as `point_here`.
    """
    asking = provisioning_for(sender.twilio_account)
    remote = _found(asking, sender)
    before = sender.pointed_before or {}
    is_still_ours = is_ours(sender, remote.pointing.inbound_url)
    if is_still_ours:
        wanted = Pointing(**before.get("pointing", {}))
        _point(asking, remote, wanted, is_by_number=bool(before.get("is_by_number")))
    with transaction.atomic(durable=True):
        Sender.objects.filter(pk=sender.pk).update(pointed_at=None, pointed_before=None)
        audit.record(
            **_line(sender, "addresses_put_back", by, now),
            was_ours=is_still_ours,
            after=shown(before.get("pointing", {}).get("inbound_url", "")),
        )
    return is_still_ours


def _found(asking: Provisioning, sender: Sender) -> Remote:
    if sender.kind == Sender.Kind.SERVICE:
        remote: Remote | None = asking.service(sender.messaging_service_sid or sender.address)
    else:
        remote = asking.find_number(sender.address)
    if remote is None:
        raise SetUpError(
            _("%(number)s is not in the Twilio account any more.") % {"number": sender.address}
        )
    return remote


def _point(
    asking: Provisioning, remote: Remote, wanted: Pointing, *, is_by_number: bool = False
) -> None:
    if isinstance(remote, RemoteService):
        asking.point_service(remote.sid, wanted, is_by_number=is_by_number)
    else:
        asking.point(remote.sid, wanted)


def _remember(sender: Sender, remote: Remote, *, now: datetime) -> None:
    fresh: dict[str, Any] = {"pointed_at": now, "provider_sid": remote.sid}
    if not is_ours(sender, remote.pointing.inbound_url):
        fresh["pointed_before"] = {
            "pointing": asdict(remote.pointing),
            "is_by_number": getattr(remote, "is_by_number", False),
        }
    Sender.objects.filter(pk=sender.pk).update(**fresh)


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
