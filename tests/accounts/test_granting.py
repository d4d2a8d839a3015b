"""Is a feature on exactly while it is granted, and does the database keep the rest?"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
from django.db import IntegrityError, connections, transaction

from accounts.access import feature_is_on
from accounts.granting import (
    Terms,
    approve_proposal,
    ask_for_feature,
    change_grant_end,
    decline_request,
    end_grant,
    reject_proposal,
    switch_on,
    withdraw_request,
)
from accounts.models import (
    Account,
    Feature,
    FeatureGrant,
    FeatureRequest,
    GrantProposal,
    Partner,
    User,
)
from accounts.refusals import RefusedError
from tests.conftest import NOW
from tests.factories import make_account, make_user

DAY = timedelta(days=1)
CUSTOM = Feature.CUSTOM_ROUTING


@pytest.fixture
def account(db: None) -> Account:
    return make_account("Acme")


def partner_user(account: Account, name: str = "Pat") -> User:
    return User.objects.create(
        email=f"{name}@partner.example", name=name, role="partner", partner=account.partner
    )


@pytest.fixture
def pat(account: Account) -> User:
    return partner_user(account)


def terms(account: Account, start: float = 0, end: float | None = None, **more: Any) -> Terms:
    values: dict[str, Any] = {"feature": CUSTOM, "reason": "Order 7", **more}
    return Terms(
        account=account,
        starts_at=NOW + start * DAY,
        ends_at=None if end is None else NOW + end * DAY,
        **values,
    )


def is_on(account: Account, at: datetime) -> bool:
    return feature_is_on(account.pk, CUSTOM, now=at)


def refused(act: Any, **kwargs: Any) -> str:
    with pytest.raises(RefusedError) as no:
        act(**kwargs)
    return no.value.reason


def test_a_grant_for_later_is_on_from_its_moment_until_its_end(account: Account, pat: User) -> None:
    switch_on(terms=terms(account, 2, 4), by=pat, now=NOW)

    tick = timedelta(microseconds=1)
    begin, end = NOW + 2 * DAY, NOW + 4 * DAY
    assert [is_on(account, at) for at in (NOW, begin - tick, begin, end - tick, end)] == [
        False,
        False,
        True,
        True,
        False,
    ]


def test_a_person_says_why_and_what_it_overlaps_is_named(account: Account, pat: User) -> None:
    switch_on(terms=terms(account, 2, 4), by=pat, now=NOW)

    no = refused(switch_on, terms=terms(account, 3, 9), by=pat, now=NOW)

    assert no.startswith("Custom routing is on at that time already: from 25 Nov 2026, 15:00 UTC")
    assert "until 27 Nov 2026" in no
    assert "(Order 7)" in no
    assert refused(switch_on, terms=terms(account, reason=" "), by=pat, now=NOW) == "Say why."
    assert "end after" in refused(switch_on, terms=terms(account, 3, 2), by=pat, now=NOW)
    switch_on(terms=terms(account, 4, 6), by=pat, now=NOW)
    switch_on(terms=terms(account, -3, 2), by=pat, now=NOW)


def test_one_that_is_called_off_before_it_began_was_never_on(account: Account, pat: User) -> None:
    grant = switch_on(terms=terms(account, 2, 4), by=pat, now=NOW)
    assert isinstance(grant, FeatureGrant)

    end_grant(grant=grant, by=pat, reason="A mistake", now=NOW + DAY)
    switch_on(terms=terms(account, 1, 9, feature=CUSTOM), by=pat, now=NOW + DAY)

    grant.refresh_from_db()
    assert grant.ends_at == grant.starts_at
    assert "has ended" in refused(end_grant, grant=grant, by=pat, reason="x", now=NOW + 5 * DAY)


def test_an_end_in_the_past_is_refused(account: Account, pat: User) -> None:
    grant = switch_on(terms=terms(account, -9), by=pat, now=NOW)
    assert isinstance(grant, FeatureGrant)
    move: Any = {"grant": grant, "by": pat, "now": NOW, "reason": "x"}

    assert "in the past" in refused(change_grant_end, ends_at=NOW - DAY, **move)
    assert "Say why" in refused(change_grant_end, ends_at=NOW, **{**move, "reason": ""})
    change_grant_end(ends_at=NOW + DAY, **move)
    assert is_on(account, NOW)
    assert not is_on(account, NOW + DAY)


def test_one_that_begins_later_is_not_called_off_by_a_slip(account: Account, pat: User) -> None:
    grant = switch_on(terms=terms(account, 5, 9), by=pat, now=NOW)
    assert isinstance(grant, FeatureGrant)
    move: Any = {"grant": grant, "by": pat, "now": NOW, "reason": "x"}

    no = refused(change_grant_end, ends_at=NOW + 2 * DAY, **move)

    assert no.startswith("It must end after it starts. If it is not to begin at all, switch it off")
    grant.refresh_from_db()
    assert grant.ends_at == NOW + 9 * DAY
    change_grant_end(ends_at=NOW, **move)
    grant.refresh_from_db()
    assert (grant.ends_at, grant.end_reason) == (grant.starts_at, "x")


@pytest.mark.parametrize("year", [1, 1999, 2200, 9999])
def test_a_year_that_not_every_clock_can_show_is_refused(
    account: Account, pat: User, year: int
) -> None:
    far = datetime(year, 12, 31, 23, 59, tzinfo=NOW.tzinfo)
    wanted = terms(account)

    assert refused(switch_on, terms=replace(wanted, starts_at=far), by=pat, now=NOW).startswith(
        "Choose a year from 2000 to 2199"
    )
    if year > NOW.year:
        no = refused(switch_on, terms=replace(wanted, ends_at=far), by=pat, now=NOW)
        assert no == "Choose a year from 2000 to 2199, or leave it empty."
        grant = switch_on(terms=wanted, by=pat, now=NOW)
        assert isinstance(grant, FeatureGrant)
        assert refused(
            change_grant_end, grant=grant, ends_at=far, by=pat, reason="x", now=NOW
        ).startswith("Choose a year")


def test_what_is_granted_for_later_is_not_asked_for(account: Account, pat: User) -> None:
    ada = make_user(account, "Ada", works_as=User.Role.ACCOUNT_ADMIN)
    account.time_zone = "Europe/Berlin"
    ask: Any = {"account": account, "feature": CUSTOM, "words": "", "by": ada, "now": NOW}
    switch_on(terms=terms(account, 5), by=pat, now=NOW)

    no = refused(ask_for_feature, **ask)

    assert no == "This is granted already: it is switched on on 28 Nov 2026, 16:00 CET."
    assert refused(ask_for_feature, **{**ask, "now": NOW + 6 * DAY}) == (
        "This is switched on already."
    )


def test_a_pending_grant_is_nowhere_in_force(account: Account, pat: User) -> None:
    Partner.objects.update(needs_second_approval=True)
    peer = partner_user(account, "Peer")

    proposal = switch_on(terms=terms(account), by=pat, now=NOW)
    assert isinstance(proposal, GrantProposal)
    assert not is_on(account, NOW + DAY)
    assert "Somebody else" in refused(approve_proposal, proposal=proposal, by=pat, now=NOW)
    grant = approve_proposal(proposal=proposal, by=peer, now=NOW + DAY)

    assert (grant.granted_by, grant.approved_by) == (pat, peer)
    assert not is_on(account, NOW + DAY / 2), "it was not, then"
    assert is_on(account, NOW + DAY)
    assert "decided already" in refused(approve_proposal, proposal=proposal, by=peer, now=NOW)


@pytest.mark.parametrize("end", ["declined", "withdrawn"])
def test_what_an_account_no_longer_waits_for_is_not_approved(
    account: Account, pat: User, end: str
) -> None:
    ada = make_user(account, "Ada", works_as=User.Role.ACCOUNT_ADMIN)
    peer = partner_user(account, "Peer")
    Partner.objects.update(needs_second_approval=True)
    asked = ask_for_feature(account=account, feature=CUSTOM, words="", by=ada, now=NOW)
    proposal = switch_on(terms=terms(account), by=pat, now=NOW, request=asked)
    assert isinstance(proposal, GrantProposal)
    if end == "declined":
        decline_request(request=asked, by=peer, reason="Not in your plan", now=NOW)
    else:
        withdraw_request(request=asked, by=ada, now=NOW)

    no = refused(approve_proposal, proposal=proposal, by=peer, now=NOW)

    assert no.startswith(f"The request that it answers is {end}.")
    assert not is_on(account, NOW)
    reject_proposal(proposal=proposal, by=peer, reason="See there", now=NOW)
    assert isinstance(switch_on(terms=terms(account), by=pat, now=NOW), GrantProposal)


def test_granting_it_anywhere_answers_what_was_asked(account: Account, pat: User) -> None:
    ada = make_user(account, "Ada", works_as=User.Role.ACCOUNT_ADMIN)
    asked = ask_for_feature(account=account, feature=CUSTOM, words="", by=ada, now=NOW)
    other = ask_for_feature(
        account=account, feature=Feature.OPTOUT_COMPLIANCE, words="", by=ada, now=NOW
    )

    grant = switch_on(terms=terms(account), by=pat, now=NOW)

    asked.refresh_from_db()
    other.refresh_from_db()
    assert (asked.state, asked.grant, asked.answered_by) == ("accepted", grant, pat)
    assert other.state == "open"


def test_a_proposal_whose_time_is_over_or_taken_is_not_approved(
    account: Account, pat: User
) -> None:
    peer = partner_user(account, "Peer")
    Partner.objects.update(needs_second_approval=True)
    proposal = switch_on(terms=terms(account, 0, 2), by=pat, now=NOW)
    assert isinstance(proposal, GrantProposal)

    assert "time is over" in refused(
        approve_proposal, proposal=proposal, by=peer, now=NOW + 3 * DAY
    )
    FeatureGrant.objects.create(account=account, feature=CUSTOM, starts_at=NOW + DAY)
    assert "already" in refused(approve_proposal, proposal=proposal, by=peer, now=NOW)
    assert GrantProposal.objects.get().state == "pending"


# --- What PostgreSQL itself refuses ---------------------------------------------------------------


def rule_broken_by(act: Any) -> str:
    with pytest.raises(IntegrityError) as error, transaction.atomic():
        act()
    assert isinstance(error.value.__cause__, psycopg.Error)
    return str(error.value.__cause__.diag.constraint_name)


def test_the_database_keeps_it_by_itself(account: Account, pat: User) -> None:
    rows = FeatureGrant.objects

    def grant(**fields: Any) -> Any:
        values = {"account": account, "feature": CUSTOM, "starts_at": NOW, **fields}
        return lambda: rows.create(**values)

    grant(starts_at=NOW, ends_at=NOW + DAY)()
    grant(starts_at=NOW + DAY)()
    assert rule_broken_by(grant(starts_at=NOW - DAY)) == "one_grant_of_a_feature_at_a_time"
    other = {"account": make_account("Umbrella"), "feature": CUSTOM}
    ends = NOW - DAY
    assert rule_broken_by(grant(**other, ends_at=ends)) == "grant_ends_after_it_starts"
    assert rule_broken_by(grant(**other, ends_at=NOW)) == "grant_ends_after_it_starts"
    assert rule_broken_by(grant(**other, granted_by=pat)) == "a_person_who_grants_says_why"
    silent = grant(**other, ended_by=pat, ends_at=NOW + DAY)
    assert rule_broken_by(silent) == "a_person_who_ends_a_grant_says_why"
    own = grant(**other, granted_by=pat, approved_by=pat, reason="x")
    assert rule_broken_by(own) == "nobody_approves_their_own_grant"
    grant(**other)()


def test_the_database_keeps_requests_and_proposals(account: Account, pat: User) -> None:
    ask_for_feature(account=account, feature=CUSTOM, words="", by=pat, now=NOW)
    asked = {"account": account, "feature": CUSTOM, "asked_by": pat, "asked_at": NOW}
    proposed = {
        "account": account,
        "feature": CUSTOM,
        "starts_at": NOW,
        "reason": "x",
        "proposed_by": pat,
        "proposed_at": NOW,
    }
    GrantProposal.objects.create(**proposed)
    answered = {"answered_by": pat, "answered_at": NOW}

    def ask(**fields: Any) -> Any:
        return lambda: FeatureRequest.objects.create(**{**asked, **fields})

    def propose(**fields: Any) -> Any:
        return lambda: GrantProposal.objects.create(**{**proposed, **fields})

    assert rule_broken_by(ask()) == "one_open_request_per_feature"
    assert rule_broken_by(ask(state="withdrawn")) == "an_answer_says_who_and_when"
    silent = ask(state="declined", **answered)
    assert rule_broken_by(silent) == "who_declines_a_request_says_why"
    assert rule_broken_by(ask(state="accepted", **answered)) == "an_accepted_request_has_its_grant"
    assert rule_broken_by(propose()) == "one_pending_proposal_per_feature"
    grant = FeatureGrant.objects.create(account=account, feature=CUSTOM, starts_at=NOW)
    decided = {"state": "approved", "decided_at": NOW, "grant": grant}
    own = propose(**decided, decided_by=pat)
    assert rule_broken_by(own) == "nobody_approves_their_own_proposal"
    assert rule_broken_by(propose(**decided)) == "a_decision_says_who_and_when"


@pytest.mark.django_db(transaction=True)
def test_two_grants_at_the_same_moment_are_one() -> None:
    account = make_account("Acme")
    pat, peer = partner_user(account), partner_user(account, "Peer")
    together = threading.Barrier(2)

    def grant(by: User) -> str:
        together.wait()
        try:
            switch_on(terms=terms(account), by=by, now=NOW)
        except RefusedError as no:
            return no.reason
        finally:
            connections.close_all()
        return ""

    with ThreadPoolExecutor(max_workers=2) as threads:
        answers = sorted(threads.map(grant, [pat, peer]))

    assert answers[0] == ""
    assert "switched this on meanwhile" in answers[1] or "already" in answers[1]
    assert FeatureGrant.objects.filter(feature=CUSTOM).count() == 1


@pytest.mark.django_db(transaction=True)
def test_asking_twice_at_the_same_moment_is_one_request() -> None:
    account = make_account("Acme")
    ada = make_user(account, "Ada", works_as=User.Role.ACCOUNT_ADMIN)
    together = threading.Barrier(8)

    def ask(_n: int) -> bool:
        together.wait()
        try:
            ask_for_feature(account=account, feature=CUSTOM, words="", by=ada, now=NOW)
        except RefusedError:
            return False
        finally:
            connections.close_all()
        return True

    with ThreadPoolExecutor(max_workers=8) as threads:
        assert sum(threads.map(ask, range(8))) == 1
    assert FeatureRequest.objects.count() == 1
