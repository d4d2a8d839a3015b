"""May a text go to somebody who is only imagined? The gate that every message passes, asked ahead.

Nothing is written, and no decision is kept: nobody is sent anything.
"""

from dataclasses import dataclass
from datetime import datetime

from compliance.addresses import Address
from compliance.cases import Asked, Known
from compliance.gate import Purpose, SendRequest, Verdict, check_send
from compliance.judging import ACKNOWLEDGED, OFFERS, Template
from compliance.opt_out_links import carries_link
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


def verdict_if(sender: Sender, to: Supposed, draft: Draft) -> Verdict:
    """Ask the gate what it would say if this went out from one of our numbers."""
    purpose, body = draft.purpose, draft.body
    is_judged = body is not None
    must_name_us = is_judged and (to.is_first or purpose in ACKNOWLEDGED or purpose in OFFERS)
    asked = Asked(
        purpose=purpose,
        requested_at=to.asked_at or to.at,
        address=to.address,
        our_address=sender.address,
        last_inbound_at=to.wrote_at,
        last_words_at=to.wrote_at,
        confirmed_at=to.confirmed_at,
        names_us=not must_name_us or names(body or "", sender.account.name),
        is_first=to.is_first,
        says_how_to_stop=not is_judged or says_how_to_stop(body or ""),
        has_stop_link=carries_link(body or "", sender.account_id, to.address, now=to.at),
        template=draft.template,
    )
    request = SendRequest(
        account_id=sender.account_id,
        asked=asked,
        has_feature=has_features(sender.account_id, to.address.family, now=to.at),
        is_author_licensed=True,
        is_contact_blocked=False,
        pause=pause_of(sender),
        is_sender_removed=sender.is_removed,
    )
    return check_send(request, known=to.known, now=to.at)
