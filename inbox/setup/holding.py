"""What does an account have at Twilio right now, for somebody who wants to look?"""

from collections.abc import Sequence
from dataclasses import dataclass

from accounts.models import TwilioAccount
from inbox.models import Sender
from inbox.setup.assessing import is_ours, shown
from inbox.setup.refusals import REFUSALS
from inbox.setup.twilio import look_into
from inbox.twilio.provisioning import RemoteService


@dataclass(frozen=True)
class ServiceLine:
    """A Messaging Service: its numbers, and where messages to it go."""

    sid: str
    name: str
    numbers: int
    goes_to: str
    is_here: bool
    is_by_number: bool


@dataclass(frozen=True)
class Held:
    """What one Twilio account has; `problem` says why it could not be looked at."""

    name: str
    status: str = ""
    numbers: int = 0
    brand: str = ""
    services: tuple[ServiceLine, ...] = ()
    problem: str = ""


def what_it_holds(connections: Sequence[TwilioAccount]) -> list[Held]:
    """Ask Twilio what each connected account has."""
    return [_held(connection) for connection in connections]


def _held(connection: TwilioAccount) -> Held:
    try:
        asking, held = look_into(connection)
        brand = asking.brand_status()
    except REFUSALS as error:
        return Held(str(connection), problem=error.reason)
    return Held(
        name=held.account.name,
        status=held.account.status,
        numbers=len(held.numbers),
        brand=brand,
        services=tuple(_line(connection, one) for one in held.services),
    )


def _line(connection: TwilioAccount, service: RemoteService) -> ServiceLine:
    senders = Sender.objects.in_use().filter(twilio_account=connection)
    url = service.pointing.inbound_url
    return ServiceLine(
        sid=service.sid,
        name=service.name,
        numbers=len(service.members),
        goes_to=shown(url),
        is_here=any(is_ours(sender, url) for sender in senders),
        is_by_number=service.is_by_number,
    )
