"""What happens when somebody opts out elsewhere than in a message: on the page of a link?

As in `receiving`: consent first, and what waits for them is cancelled in the same transaction.
"""

import logging
from dataclasses import replace
from datetime import datetime

from django.db import transaction

from accounts.models import User
from compliance.addresses import Address, masked
from compliance.asking_settings import scope_of
from compliance.consent import consent_of
from compliance.evidence import EventKind, Evidence, OptOutScope, Source
from compliance.models import ConsentEvent, ConsentState
from compliance.recording import record_consent
from compliance.standing import Held, lock_addresses
from inbox.broadcast import announce
from inbox.contacts import address_of
from inbox.linked import reached_by_opt_out
from inbox.models import ContactAddress, Thread
from inbox.reviewing import settle_open
from inbox.sending import follow_consent, recorded_after
from inbox.story import Story

logger = logging.getLogger(__name__)


def opt_out(
    *,
    account_id: int,
    address: Address,
    evidence: Evidence,
    now: datetime,
    by: User | None = None,
) -> bool:
    """Let somebody be opted out from now on; say whether anything was new.

    `evidence` says from where we know it; whatever it says else, it is an opt-out of everything.
    Who did the same before, and nothing since, is not written down again. `by` notes it, if it is
    not they themselves. Locks the person's
    threads, contact, consents, the ledger, their messages and conversations, in this order.
    """
    with transaction.atomic(durable=True):
        return record_opt_out(
            account_id=account_id, address=address, evidence=evidence, now=now, by=by
        )


def record_opt_out(
    *,
    account_id: int,
    address: Address,
    evidence: Evidence,
    now: datetime,
    by: User | None = None,
) -> bool:
    """Do what `opt_out` does, in its caller's transaction."""
    story = Story(now=now, actor=by)
    scope = scope_of(account_id)
    threads, others = _theirs(account_id, address, scope)
    own, *linked = lock_addresses(account_id, (address, *others), now=now)
    if _is_said_already(own, linked, evidence.source):
        return False
    recorded = record_consent(
        account_id=account_id,
        address=address,
        others=others,
        evidence=replace(
            evidence,
            kind=EventKind.OPT_OUT,
            scope=scope.value if scope is OptOutScope.EVERY else "",
        ),
        now=recorded_after(account_id, (address, *others), now=now),
    )
    logger.info("consent of %s is now %s", masked(address.key), recorded.state.value)
    settle_open(account_id, (address, *others), now=now)
    if threads:
        follow_consent(threads[0], None, (address, *others), recorded.state, story)
    announce(story.announcements(), now=now)
    return True


def is_opted_out(account_id: int, address: Address, *, now: datetime) -> bool:
    """Say whether this address gets nothing any more that it could refuse."""
    consent = consent_of(account_id, address)
    return consent is not None and consent.state_at(now) == ConsentState.OPTED_OUT


def _theirs(
    account_id: int, address: Address, scope: OptOutScope
) -> tuple[list[Thread], tuple[Address, ...]]:
    """Return the person's threads of the channel family, locked, and the other addresses that an
    opt-out of this scope counts for."""
    known = ContactAddress.objects.filter(account=account_id, key__in=address.sibling_keys)
    contact_ids = sorted(set(known.values_list("contact_id", flat=True)))
    of_them = Thread.objects.filter(account=account_id, contact__in=contact_ids)
    # The locks first and alone, and in one order: contacts may be joined meanwhile.
    list(of_them.select_for_update(no_key=True).order_by("pk").values_list("pk"))
    others = {
        other.consent_key: other
        for contact_id in contact_ids or (None,)
        for other in reached_by_opt_out(contact_id, address, scope)
    }
    threads = of_them.select_related("sender__inbox", "address", "contact").order_by("pk")
    family = address.consent_family
    return [one for one in threads if address_of(one).consent_family == family], (*others.values(),)


def _is_said_already(own: Held, linked: list[Held], source: Source) -> bool:
    if not all(held.is_out for held in (own, *linked)):
        return False
    last = ConsentEvent.objects.filter(account=own.account_id, seq=own.consent.last_event or 0)
    return last.filter(kind=EventKind.OPT_OUT, source=source).exists()
