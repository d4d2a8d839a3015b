"""May a text go to somebody who is only imagined? The gate that every message passes, asked ahead.

Nothing is written, and no decision is kept: nobody is sent anything.
"""

from dataclasses import dataclass
from datetime import datetime

from compliance.addresses import SMS, WHATSAPP, Address
from compliance.cases import Asked, Known
from compliance.gate import Purpose, SendRequest, Settlement, Verdict, check_send
from compliance.judging import Template
from compliance.opt_out_links import carries_link
from compliance.policies import Settled, rules_and_policy
from compliance.wording import names, says_how_to_stop
from inbox.models import Sender
from inbox.sending.asking import has_features, pause_of


@dataclass(frozen=True)
class Supposed:
    """Somebody who may get a message, and when it would be judged.

    `known` is where they stand; `wrote_at` when they wrote last, `confirmed_at` when an opt-out was
    confirmed last, `asked_at` when what is answered came: the moment itself, if none is given.
    """

    address: Address
    at: datetime
    known: Known = Known()
    wrote_at: datetime | None = None
    asked_at: datetime | None = None
    confirmed_at: datetime | None = None
    is_first: bool = False


@dataclass(frozen=True)
class Draft:
    """What would be sent. A body is judged as it stands; without one its words are not judged."""

    purpose: Purpose
    body: str | None = None
    template: Template | None = None


@dataclass(frozen=True)
class Door:
    """One of our numbers as things are now, with what its account settled."""

    sender: Sender
    has_feature: bool
    settled: Settlement


def door_of(sender: Sender, *, now: datetime) -> Door:
    """Read what the gate must know of one of our numbers, once for many questions."""
    family = WHATSAPP if sender.is_whatsapp else SMS
    has_feature = has_features(sender.account_id, family, now=now)
    return Door(sender, has_feature, rules_and_policy(sender.account_id, Settled()))


def verdict_if(door: Door, to: Supposed, draft: Draft) -> Verdict:
    """Ask the gate what it would say if this went out from one of our numbers."""
    sender = door.sender
    request = SendRequest(
        account_id=sender.account_id,
        asked=_asked(sender, to, draft),
        has_feature=door.has_feature,
        is_author_licensed=True,
        is_contact_blocked=False,
        pause=pause_of(sender),
        is_sender_removed=sender.is_removed,
    )
    return check_send(request, known=to.known, settled=door.settled, now=to.at)


def _asked(sender: Sender, to: Supposed, draft: Draft) -> Asked:
    body = draft.body
    return Asked(
        purpose=draft.purpose,
        requested_at=to.asked_at or to.at,
        address=to.address,
        our_address=sender.address,
        last_inbound_at=to.wrote_at,
        last_words_at=to.wrote_at,
        confirmed_at=to.confirmed_at,
        names_us=body is None or names(body, sender.account.name),
        is_first=to.is_first,
        says_how_to_stop=body is None or says_how_to_stop(body),
        has_stop_link=carries_link(body or "", sender.account_id, to.address, now=to.at),
        template=draft.template,
    )
