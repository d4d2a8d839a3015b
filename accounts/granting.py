"""Who switches a feature on for an account, who asked for it, and who must agree?

A grant is in force from a moment until another. Where a partner wants two people to agree, what the
first one fills in is a proposal: there is no grant, and nothing is on, until a second one approves.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.audit import Snapshot, changes, record_row, snapshot
from accounts.models import (
    Account,
    Feature,
    FeatureGrant,
    FeatureRequest,
    GrantProposal,
    Package,
    Partner,
    User,
    in_force,
    sharing_time,
)
from accounts.refusals import RefusedError, broken_rule, in_words
from accounts.seats import check_years, day_words, local_words, not_before

_RACES = {
    "one_grant_of_a_feature_at_a_time": gettext_lazy("Somebody else switched this on meanwhile."),
    "one_pending_proposal_per_feature": gettext_lazy(
        "The same is proposed already and waits for a second person."
    ),
}
_TOLD = {
    FeatureGrant: ("feature", "package", "starts_at", "ends_at", "reason"),
    FeatureRequest: ("feature", "words", "answer"),
    GrantProposal: ("feature", "package", "starts_at", "ends_at", "reason", "decision_reason"),
}


@dataclass(frozen=True)
class Terms:
    """What is to be switched on, from when until when, why, and with which package."""

    account: Account
    feature: str
    starts_at: datetime
    ends_at: datetime | None
    reason: str
    package: Package | None = None


# --- Switching on ---------------------------------------------------------------------------------


def switch_on(
    *, terms: Terms, by: User, now: datetime, request: FeatureRequest | None = None
) -> FeatureGrant | GrantProposal:
    """Grant a feature; where the partner wants a second person to agree, propose it instead.

    What the account asked for is answered by it. Raises RefusedError without a reason, if it ends
    before it starts, or naming what it overlaps.
    """
    with _one_at_a_time(terms.account), in_words(_RACES):
        check_terms(terms)
        request = request or _what_was_asked(terms)
        if _needs_two(terms.account):
            return _propose(terms, by=by, now=now, request=request)
        grant = _grant(terms, by=by, now=now)
        if request:
            _accept(request, grant, by=by, now=now)
    return grant


def approve_proposal(*, proposal: GrantProposal, by: User, now: datetime) -> FeatureGrant:
    """Agree to what a colleague proposed: now it is granted, and what was asked for is answered.

    Raises RefusedError to who proposed it, or if it was decided already, overlaps meanwhile, or is
    no longer waited for.
    """
    with _one_at_a_time(proposal.account):
        row = _pending(proposal)
        if row.proposed_by_id == by.pk:
            raise RefusedError(_("Somebody else must approve what you proposed."))
        terms = _terms_from_now(row, now=now)
        with in_words(_RACES):
            _check_overlap(terms)
            grant = _grant(terms, by=row.proposed_by, now=now, approved_by=by)
        row.grant = grant
        _decide(row, GrantProposal.State.APPROVED, by=by, now=now)
        if row.request:
            _accept(row.request, grant, by=by, now=now)
    return grant


def reject_proposal(*, proposal: GrantProposal, by: User, reason: str, now: datetime) -> None:
    """Say no to a proposal, or withdraw one's own. Raises RefusedError without a reason."""
    if not reason.strip():
        raise RefusedError(_("Say why."), field="reason")
    with transaction.atomic():
        row = _pending(proposal)
        is_own = row.proposed_by_id == by.pk
        state = GrantProposal.State.WITHDRAWN if is_own else GrantProposal.State.REJECTED
        row.decision_reason = reason.strip()[:200]
        _decide(row, state, by=by, now=now)


# --- Switching off --------------------------------------------------------------------------------


def end_grant(*, grant: FeatureGrant, by: User, reason: str, now: datetime) -> FeatureGrant:
    """Switch a feature off at once, for a reason; one that has not begun never begins.

    Raises RefusedError without a reason, or if it has ended already.
    """
    return change_grant_end(grant=grant, ends_at=now, by=by, reason=reason, now=now)


def change_grant_end(
    *,
    grant: FeatureGrant,
    ends_at: datetime | None,
    by: User,
    reason: str,
    now: datetime,
) -> FeatureGrant:
    """Let a grant end at another moment, for a reason; None: for good.

    Raises RefusedError without a reason, if it has ended, if it would overlap the next grant, or if
    a later end is not for one person alone to give.
    """
    why = reason.strip()[:200]
    if not why:
        raise RefusedError(_("Say why."), field="reason")
    with _one_at_a_time(grant.account):
        row = FeatureGrant.objects.select_for_update(no_key=True).get(pk=grant.pk)
        row.account = grant.account
        if row.ends_at and row.ends_at <= now:
            raise RefusedError(_("It has ended already. Grant it anew."), field="ends_at")
        check_years(ends_at=ends_at)
        end = _end_of(row, not_before(ends_at, now), now) if ends_at else None
        _check_later_end(row, end)
        before, row.ends_at = snapshot(row), end
        is_over = end is not None and end <= max(now, row.starts_at)
        row.ended_by, row.end_reason = (by, why) if is_over else (None, "")
        terms = _terms_of(row)
        with in_words(_RACES):
            _check_overlap(terms, but=row)
            row.save(update_fields=["ends_at", "ended_by", "end_reason"])
        action = "featuregrant_ended" if is_over else "featuregrant_changed"
        _note(action, row, by=by, now=now, before=before, why=why)
    return row


def _end_of(row: FeatureGrant, wanted: datetime, now: datetime) -> datetime:
    if now < wanted <= row.starts_at:
        words = _("It must end after it starts. If it is not to begin at all, switch it off now.")
        raise RefusedError(words, field="ends_at")
    return max(wanted, row.starts_at)


def _check_later_end(row: FeatureGrant, end: datetime | None) -> None:
    if row.ends_at is None or (end and end <= row.ends_at):
        return
    if _needs_two(row.account):
        words = _(
            "A second person must agree to more time: grant the feature anew from %s on."
        ) % day_words(row.ends_at)
        raise RefusedError(words, field="ends_at")


# --- Asking ---------------------------------------------------------------------------------------


def ask_for_feature(
    *, account: Account, feature: str, words: str, by: User, now: datetime
) -> FeatureRequest:
    """Ask the partner to switch a feature on.

    Raises RefusedError if it is on for good already, or if the same is asked already.
    """
    for_good = FeatureGrant.objects.filter(account=account, feature=feature, ends_at=None).first()
    if for_good and for_good.starts_at <= now:
        raise RefusedError(_("This is switched on already."))
    if for_good:
        begins = local_words(for_good.starts_at, account.time_zone)
        raise RefusedError(_("This is granted already: it is switched on on %s.") % begins)
    label = Feature(feature).label
    try:
        with transaction.atomic():
            request = FeatureRequest.objects.create(
                account=account,
                feature=feature,
                words=words.strip()[:500],
                asked_by=by,
                asked_at=now,
            )
            _note("featurerequest_asked", request, by=by, now=now)
    except IntegrityError as error:
        if broken_rule(error) != "one_open_request_per_feature":
            raise
        reason = _("%s was asked for already: your partner has not answered yet.") % label
        raise RefusedError(reason) from error
    return request


def withdraw_request(*, request: FeatureRequest, by: User, now: datetime) -> None:
    """Take back what was asked. Raises RefusedError if it was answered meanwhile."""
    with transaction.atomic():
        row = _open(request)
        _answer(row, FeatureRequest.State.WITHDRAWN, by=by, now=now)


def decline_request(*, request: FeatureRequest, by: User, reason: str, now: datetime) -> None:
    """Say no to an account, and why. Raises RefusedError without a reason or if it is answered."""
    if not reason.strip():
        raise RefusedError(_("Say why: the account reads it."), field="reason")
    with transaction.atomic():
        row = _open(request)
        row.answer = reason.strip()[:300]
        _answer(row, FeatureRequest.State.DECLINED, by=by, now=now)


def runs_until(account: Account, feature: str, *, now: datetime) -> datetime | None:
    """Return when the grant in force now ends; None where there is none, or it has no end."""
    grant = FeatureGrant.objects.filter(in_force(now), account=account, feature=feature).first()
    return grant.ends_at if grant else None


# --- Steps ----------------------------------------------------------------------------------------


@contextmanager
def _one_at_a_time(account: Account) -> Iterator[None]:
    """Begin a transaction in which nobody else switches anything on or off for the account.

    The exclusion constraint alone would refuse the second, but PostgreSQL may do so as a deadlock:
    each has written its row and waits for the other's.
    """
    with transaction.atomic():
        Account.objects.select_for_update(no_key=True).get(pk=account.pk)
        yield


def _what_was_asked(terms: Terms) -> FeatureRequest | None:
    asked = FeatureRequest.objects.filter(account=terms.account, feature=terms.feature)
    return asked.filter(state=FeatureRequest.State.OPEN).first()


def _needs_two(account: Account) -> bool:
    partners = Partner.objects.filter(pk=account.partner_id, needs_second_approval=True)
    return partners.exists()


def check_terms(terms: Terms) -> None:
    """Raise RefusedError if a grant on these terms could not be made."""
    if not terms.reason.strip():
        raise RefusedError(_("Say why."), field="reason")
    check_years(starts_at=terms.starts_at, ends_at=terms.ends_at)
    if terms.ends_at and terms.ends_at <= terms.starts_at:
        raise RefusedError(_("It must end after it starts."), field="ends_at")
    _check_overlap(terms)


def _check_overlap(terms: Terms, *, but: FeatureGrant | None = None) -> None:
    same = FeatureGrant.objects.filter(
        sharing_time(terms.starts_at, terms.ends_at), account=terms.account, feature=terms.feature
    )
    if but:
        same = same.exclude(pk=but.pk)
    if other := same.order_by("starts_at").first():
        raise RefusedError(overlap_words(other))


def overlap_words(other: FeatureGrant) -> str:
    """Say which grant is in the way."""
    words = {
        "feature": other.get_feature_display(),
        "start": day_words(other.starts_at),
        "end": day_words(other.ends_at) if other.ends_at else "",
        "reason": other.reason or _("no reason given"),
    }
    if other.ends_at:
        return (
            _(
                "%(feature)s is on at that time already: from %(start)s until %(end)s "
                "(%(reason)s). Begin after that, or end that grant first."
            )
            % words
        )
    return (
        _(
            "%(feature)s is on at that time already: from %(start)s for good (%(reason)s). "
            "End that grant first."
        )
        % words
    )


def _grant(
    terms: Terms, *, by: User, now: datetime, approved_by: User | None = None
) -> FeatureGrant:
    grant = FeatureGrant.objects.create(
        account=terms.account,
        feature=terms.feature,
        package=terms.package,
        starts_at=terms.starts_at,
        ends_at=terms.ends_at,
        reason=terms.reason.strip()[:200],
        granted_by=by,
        approved_by=approved_by,
    )
    _note("featuregrant_added", grant, by=by, now=now)
    return grant


def _propose(
    terms: Terms, *, by: User, now: datetime, request: FeatureRequest | None
) -> GrantProposal:
    proposal = GrantProposal.objects.create(
        account=terms.account,
        feature=terms.feature,
        package=terms.package,
        starts_at=terms.starts_at,
        ends_at=terms.ends_at,
        reason=terms.reason.strip()[:200],
        request=_open(request) if request else None,
        proposed_by=by,
        proposed_at=now,
    )
    _note("grantproposal_added", proposal, by=by, now=now)
    return proposal


def _pending(proposal: GrantProposal) -> GrantProposal:
    row = GrantProposal.objects.select_for_update(no_key=True).get(pk=proposal.pk)
    if row.state != GrantProposal.State.PENDING:
        words = _("Somebody decided already: %s.") % row.get_state_display().lower()
        raise RefusedError(words)
    return row


def _terms_from_now(row: GrantProposal, *, now: datetime) -> Terms:
    # What should have begun while it waited begins now: nothing is on in the past.
    begin = max(row.starts_at, now)
    if row.ends_at and row.ends_at <= begin:
        raise RefusedError(_("Its time is over. Reject it, and propose another."))
    if row.request and row.request.state != FeatureRequest.State.OPEN:
        words = _("The request that it answers is %s. Reject it; propose it anew if need be.")
        raise RefusedError(words % row.request.get_state_display().lower())
    return Terms(row.account, row.feature, begin, row.ends_at, row.reason, row.package)


def _decide(row: GrantProposal, state: str, *, by: User, now: datetime) -> None:
    before = snapshot(GrantProposal.objects.get(pk=row.pk))
    row.state, row.decided_by, row.decided_at = state, by, now
    row.save()
    _note(f"grantproposal_{state}", row, by=by, now=now, before=before)


def _open(request: FeatureRequest) -> FeatureRequest:
    row = FeatureRequest.objects.select_for_update(no_key=True).get(pk=request.pk)
    if row.state != FeatureRequest.State.OPEN:
        words = _("This was answered already: %s.") % row.get_state_display().lower()
        raise RefusedError(words)
    return row


def _accept(request: FeatureRequest, grant: FeatureGrant, *, by: User, now: datetime) -> None:
    row = _open(request)
    row.grant = grant
    _answer(row, FeatureRequest.State.ACCEPTED, by=by, now=now)


def _answer(row: FeatureRequest, state: str, *, by: User, now: datetime) -> None:
    before = snapshot(FeatureRequest.objects.get(pk=row.pk))
    row.state, row.answered_by, row.answered_at = state, by, now
    row.save()
    _note(f"featurerequest_{state}", row, by=by, now=now, before=before)


def _terms_of(row: FeatureGrant) -> Terms:
    return Terms(row.account, row.feature, row.starts_at, row.ends_at, row.reason, row.package)


def _note(
    action: str,
    row: FeatureGrant | FeatureRequest | GrantProposal,
    *,
    by: User,
    now: datetime,
    before: Snapshot | None = None,
    **data: str,
) -> None:
    told: dict[str, Any] = {"changes": changes(before, row), **data}
    shows = _TOLD[type(row)]
    record_row(action, row, shows, by=by, now=now, account_id=row.account_id, **told)
