"""Who lets an opt-in count for somebody who opted out? A second person, where the account says so.

Only what somebody reports for a person waits here; what the person does themselves needs nobody.
Product behaviour, not legal advice.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import Account, User
from compliance.addresses import Address, masked, parse_address
from compliance.evidence import EventKind, Evidence, Source, Wording
from compliance.models import Consent, ConsentEvent, ConsentState
from compliance.recording import record_consent
from compliance.standing import lock_addresses
from inbox.broadcast import announce
from inbox.models import OptInApproval
from inbox.opting_in import tell_of
from inbox.refusals import RefusedError
from inbox.story import Story

_Outcome = OptInApproval.Outcome


@dataclass(frozen=True)
class Proposed:
    """One opt-in that waits or was decided, with what was reported; nobody's number is whole.

    `event` says nothing personal any more once the person is erased.
    """

    row: OptInApproval
    event: ConsentEvent
    whose: str


class NothingWaitsError(RefusedError):
    """There is no such opt-in, or somebody decided it before."""


def proposals(rows: Iterable[OptInApproval]) -> list[Proposed]:
    """Return opt-ins with what was reported of them. Two queries for rows of one account."""
    every = list(rows)
    events = _events(every)
    return [Proposed(row, events[row.proposed], _whose(events[row.proposed])) for row in every]


def _events(rows: list[OptInApproval]) -> Mapping[int, ConsentEvent]:
    if not rows:
        return {}
    numbers = [row.proposed for row in rows]
    found = ConsentEvent.objects.filter(account=rows[0].account_id, seq__in=numbers)
    return {event.seq: event for event in found.select_related("details__key")}


def _whose(event: ConsentEvent) -> str:
    key = event.address
    return f"{event.family} {masked(parse_address(key).consent_key)}" if key else _("erased")


def refuse(*, account: Account, proposed: int, by: User, now: datetime) -> OptInApproval:
    """Let an opt-in count for nothing. Raises what `approve` raises."""
    with transaction.atomic(durable=True):
        row = _waiting(account, proposed, by)
        _settle(row, _Outcome.REFUSED, by, now=now)
    return row


def approve(*, account: Account, proposed: int, by: User, now: datetime) -> OptInApproval:
    """Let an opt-in count that somebody else reported; it is `outdated` if they opted out since.

    Where they are not opted out any more it is `moot`; so are the others that wait for the same
    person and programme once this one counts, except what `by` reported themselves.

    Raises NothingWaitsError, and RefusedError for who reported it themselves. Locks the row, the
    person's consents and the ledger, in this order.
    """
    story = Story(now=now, actor=by)
    with transaction.atomic(durable=True):
        row = _waiting(account, proposed, by)
        event = _events([row])[proposed]
        address = parse_address(event.address) if event.address else None
        ends: str = _Outcome.OUTDATED
        if address is not None:
            ends = _ends(account.pk, address, event, now=now)
        if address is None or ends != _Outcome.APPROVED:
            _settle(row, ends, by, now=now)
            return row
        evidence = replace(_evidence(event), recorded_by=by.pk)
        recorded = record_consent(
            account_id=account.pk, address=address, evidence=evidence, now=now
        )
        row.event = recorded.event.seq
        _settle(row, _Outcome.APPROVED, by, now=now)
        _end_others(account, event, by, now=now)
        tell_of(account.pk, address, recorded.state, story)
        announce(story.announcements(), now=now)
    return row


def _waiting(account: Account, proposed: int, by: User) -> OptInApproval:
    rows = OptInApproval.objects.select_for_update(of=("self",))
    row = rows.filter(account=account, proposed=proposed).first()
    if row is None or row.outcome:
        raise NothingWaitsError(_("Somebody decided this before, or it is not there."))
    if row.asked_by_id == by.pk:
        raise RefusedError(_("You reported this yourself: somebody else decides it."))
    return row


def _ends(account_id: int, address: Address, event: ConsentEvent, *, now: datetime) -> str:
    """Return how a proposal ends: approved, unless something later counts for more."""
    [held] = lock_addresses(account_id, [address], now=now)
    rows: list[Consent] = [one for one in held.rows if one.programme == event.programme]
    stand = rows[0] if rows else held.consent
    if stand.state_at(now) != ConsentState.OPTED_OUT:
        # They came back by themselves, or another proof was approved: this adds nothing.
        return _Outcome.MOOT
    is_newer = stand.opted_out_at is None or event.occurred_at > stand.opted_out_at
    return _Outcome.APPROVED if is_newer else _Outcome.OUTDATED


def _end_others(account: Account, event: ConsentEvent, by: User, *, now: datetime) -> None:
    """End what else waits for the same person and programme.

    Whoever decides one of them now holds it, and finds it moot by themselves.
    """
    rows = OptInApproval.objects.select_for_update(of=("self",), skip_locked=True)
    waiting = list(rows.filter(account=account, outcome="").exclude(asked_by=by).order_by("pk"))
    told = _events(waiting)
    for row in waiting:
        other = told[row.proposed]
        if (other.address, other.programme) == (event.address, event.programme):
            _settle(row, _Outcome.MOOT, by, now=now)


def _evidence(event: ConsentEvent) -> Evidence:
    """Return the consent that an event proposed, with everything that proves it."""
    said = event.personal
    shown = Wording(
        event.wording_id, event.wording_version, event.wording_language, said.wording_text
    )
    return Evidence(
        EventKind.GRANT,
        Source(event.source),
        occurred_at=event.occurred_at,
        programme=event.programme,
        basis=event.basis,
        quality=event.quality,
        expires_at=event.expires_at,
        wording=shown,
        file_sha256=event.file_sha256,
        page_url=said.page_url,
        ip=event.web.ip,
        user_agent=event.web.user_agent,
        jurisdiction=event.jurisdiction,
        pack_version=event.pack_version,
        note=" · ".join(filter(None, (f"event {event.seq}, approved", said.note))),
    )


def _settle(row: OptInApproval, outcome: str, by: User, *, now: datetime) -> None:
    row.outcome, row.decided_by, row.decided_at = outcome, by, now
    row.save()
    audit.record(
        action="opt_in_decided",
        subject=str(row),
        actor=by,
        account_id=row.account_id,
        now=now,
        proposed=row.proposed,
        outcome=outcome,
        asked_by=row.asked_by_id,
    )
