"""Who switches a feature on for an account, who asked for it, and who must agree?

A grant is in force from a moment until another. Where a partner wants two people to agree, what the
first one fills in is a proposal: there is no grant, and nothing is on, until a second one approves.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.audit import Snapshot, changes, record, snapshot
from accounts.models import (
    Account,
    Feature,
    FeatureGrant,
    FeatureRequest,
    GrantProposal,
    Package,
    Partner,
    User,
    sharing_time,
)
from accounts.refusals import RefusedError
from accounts.seats import day_words, moment_text, not_before


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

    Raises RefusedError without a reason, if it ends before it starts, or naming what it overlaps.
    """
    check_terms(terms)
    with transaction.atomic(), _in_words(terms):
        if _needs_two(terms.account):
            return _propose(terms, by=by, now=now, request=request)
        grant = _grant(terms, by=by, now=now)
        if request:
            _accept(request, grant, by=by, now=now)
    return grant


def approve_proposal(*, proposal: GrantProposal, by: User, now: datetime) -> FeatureGrant:
    """Agree to what a colleague proposed: now it is granted, and what was asked for is answered.

    Raises RefusedError to who proposed it, or if it was decided already or overlaps meanwhile.
    """
    with transaction.atomic():
        row = _pending(proposal)
        if row.proposed_by_id == by.pk:
            raise RefusedError(_("Somebody else must approve what you proposed."))
        terms = Terms(
            row.account,
            row.feature,
            # What should have begun while it waited begins now: nothing is on in the past.
            max(row.starts_at, now),
            row.ends_at,
            row.reason,
            row.package,
        )
        if row.ends_at and row.ends_at <= terms.starts_at:
            raise RefusedError(_("Its time is over. Reject it, and propose another."))
        with _in_words(terms):
            _check_overlap(terms)
            grant = _grant(terms, by=row.proposed_by, now=now, approved_by=by)
        row.grant = grant
        _decide(row, GrantProposal.State.APPROVED, by=by, now=now)
        if row.request and row.request.state == FeatureRequest.State.OPEN:
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
    with transaction.atomic():
        row = FeatureGrant.objects.select_for_update(no_key=True).get(pk=grant.pk)
        row.account = grant.account
        if row.ends_at and row.ends_at <= now:
            raise RefusedError(_("It has ended already. Grant it anew."), field="ends_at")
        end = max(not_before(ends_at, now), row.starts_at) if ends_at else None
        _check_later_end(row, end)
        before, row.ends_at = snapshot(row), end
        is_over = end is not None and end <= max(now, row.starts_at)
        row.ended_by, row.end_reason = (by, why) if is_over else (None, "")
        terms = _terms_of(row)
        with _in_words(terms):
            _check_overlap(terms, but=row)
            row.save(update_fields=["ends_at", "ended_by", "end_reason"])
        action = "featuregrant_ended" if is_over else "featuregrant_changed"
        _note(action, row, by=by, now=now, before=before, why=why)
    return row


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
    is_on_for_good = FeatureGrant.objects.filter(account=account, feature=feature, ends_at=None)
    if is_on_for_good.exists():
        raise RefusedError(_("This is switched on already."))
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
            _note_request("featurerequest_asked", request, by=by, now=now)
    except IntegrityError as error:
        if _rule_of(error) != "one_open_request_per_feature":
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


# --- Steps ----------------------------------------------------------------------------------------


def _needs_two(account: Account) -> bool:
    partners = Partner.objects.filter(pk=account.partner_id, needs_second_approval=True)
    return partners.exists()


def check_terms(terms: Terms) -> None:
    """Raise RefusedError if a grant on these terms could not be made."""
    if not terms.reason.strip():
        raise RefusedError(_("Say why."), field="reason")
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
    _note_proposal("grantproposal_added", proposal, by=by, now=now)
    return proposal


def _pending(proposal: GrantProposal) -> GrantProposal:
    row = GrantProposal.objects.select_for_update(no_key=True).get(pk=proposal.pk)
    if row.state != GrantProposal.State.PENDING:
        words = _("Somebody decided already: %s.") % row.get_state_display().lower()
        raise RefusedError(words)
    return row


def _decide(row: GrantProposal, state: str, *, by: User, now: datetime) -> None:
    before = snapshot(GrantProposal.objects.get(pk=row.pk))
    row.state, row.decided_by, row.decided_at = state, by, now
    row.save()
    _note_proposal(f"grantproposal_{state}", row, by=by, now=now, before=before)


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
    _note_request(f"featurerequest_{state}", row, by=by, now=now, before=before)


def _terms_of(row: FeatureGrant) -> Terms:
    return Terms(row.account, row.feature, row.starts_at, row.ends_at, row.reason, row.package)


def _note(
    action: str,
    row: FeatureGrant,
    *,
    by: User,
    now: datetime,
    before: Snapshot | None = None,
    **more: str,
) -> None:
    record(
        action=action,
        subject=str(row),
        now=now,
        actor=by,
        account_id=row.account_id,
        row=str(row.pk),
        values={
            "feature": row.feature,
            "package": str(row.package) if row.package else None,
            "starts_at": moment_text(row.starts_at),
            "ends_at": moment_text(row.ends_at),
            "reason": row.reason,
        },
        changes=changes(before, row),
        more=more,
    )


def _note_request(
    action: str, row: FeatureRequest, *, by: User, now: datetime, before: Snapshot | None = None
) -> None:
    record(
        action=action,
        subject=str(row),
        now=now,
        actor=by,
        account_id=row.account_id,
        row=str(row.pk),
        values={"feature": row.feature, "words": row.words, "answer": row.answer},
        changes=changes(before, row),
    )


def _note_proposal(
    action: str, row: GrantProposal, *, by: User, now: datetime, before: Snapshot | None = None
) -> None:
    record(
        action=action,
        subject=str(row),
        now=now,
        actor=by,
        account_id=row.account_id,
        row=str(row.pk),
        values={
            "feature": row.feature,
            "starts_at": moment_text(row.starts_at),
            "ends_at": moment_text(row.ends_at),
            "reason": row.reason,
            "decision_reason": row.decision_reason,
        },
        changes=changes(before, row),
    )


def _rule_of(error: IntegrityError) -> str:
    diagnosis = getattr(error.__cause__, "diag", None)
    return getattr(diagnosis, "constraint_name", None) or ""


@contextmanager
def _in_words(terms: Terms) -> Iterator[None]:
    """Tell in words what only the database could see: another one was quicker."""
    try:
        yield
    except IntegrityError as error:
        words = {
            "one_grant_of_a_feature_at_a_time": _("Somebody else switched this on meanwhile."),
            "one_pending_proposal_per_feature": _(
                "The same is proposed already and waits for a second person."
            ),
        }.get(_rule_of(error))
        if words is None:
            raise
        raise RefusedError(words) from error
