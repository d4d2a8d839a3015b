"""Does any order of licence, pool and grant operations ever let too many people see anything?

A clock moves, people are given and lose seats, pools grow and shrink, the feature comes and goes,
by act and by themselves. After every step no moment, past, present or future, has more holders than
seats, and nobody sees anything through any door without a licence and the feature: page, search,
counts, API, socket and list of readers.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import IntegrityError, connection, transaction
from django.test import Client
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from accounts.access import entitlement_marks, is_licensed, viewer_of
from accounts.granting import Terms, change_grant_end, end_grant, switch_on
from accounts.licences import (
    assign_licenses,
    change_license_end,
    end_licenses,
    hand_over_license,
)
from accounts.models import Account, FeatureGrant, License, LicensePool, User
from accounts.pools import add_pool, change_pool
from accounts.refusals import RefusedError
from accounts.suspending import resume_account, suspend_account
from inbox.access import conversations_of, inboxes_of, readers_of
from inbox.conversations import claim_conversation, release_ineligible
from inbox.models import Conversation
from inbox.refusals import RefusedError as NotDoneError
from inbox.setup.expiring import note_expiries
from inbox.watch import marks_of
from tests.factories import make_account, make_inbox, make_sender, make_user
from tests.twilio import text_in

BEGIN = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
SECRET = "Kryptonite"
WHY = "a reason"
hours = st.integers(min_value=-48, max_value=96)
ahead = st.one_of(st.none(), st.integers(min_value=0, max_value=96))


class Entitlements(RuleBasedStateMachine):
    """One account, five people, and everything that may happen to what they are entitled to."""

    @initialize()
    def begin(self) -> None:
        self.bracket = transaction.Atomic(connection.alias, savepoint=True, durable=False)
        # As of the test case's own: the stories' durable transactions may open inside.
        self.bracket._from_testcase = True  # type: ignore[attr-defined]
        self.bracket.__enter__()
        self.clock = time_machine.travel(BEGIN, tick=False)
        self.traveller = self.clock.start()
        self.account = make_account("Acme")
        self.account.license_pools.all().delete()
        self.inbox = make_inbox(self.account, "Support")
        self.people = [
            make_user(self.account, f"Person {n}", team=self.inbox.team, is_licensed=False)
            for n in range(5)
        ]
        self.by = make_user(self.account, "Ada", is_licensed=False)
        text_in(Client(), make_sender(self.inbox), "+14155550100", SECRET)
        self.row = Conversation.objects.get(account=self.account)
        self.clients = [_browser(user) for user in self.people]

    def teardown(self) -> None:
        if hasattr(self, "bracket"):
            self.clock.stop()
            transaction.set_rollback(True)
            self.bracket.__exit__(None, None, None)

    @property
    def now(self) -> datetime:
        return datetime.now(tz=UTC)

    def at(self, hours: int | None) -> datetime | None:
        return None if hours is None else self.now + timedelta(hours=hours)

    # --- seats ------------------------------------------------------------------------------------

    @rule(n=hours)
    def time_passes(self, n: int) -> None:
        self.traveller.shift(timedelta(hours=max(n, 1) / 4))

    @rule(seats=st.integers(0, 4), start=hours, end=ahead)
    def seats_are_bought(self, seats: int, start: int, end: int | None) -> None:
        add = {"account": self.account, "plan": "pro_cx", "by": self.by, "now": self.now}
        starts_at = self.now + timedelta(hours=start)
        _try(add_pool, **add, seats=seats, starts_at=starts_at, ends_at=self.at(end))

    @rule(pick=st.integers(0, 9), seats=st.integers(0, 4), end=ahead)
    def a_pool_changes(self, pick: int, seats: int, end: int | None) -> None:
        if pool := _one_of(self.account.license_pools.order_by("pk"), pick):
            ask = {"pool": pool, "seats": seats, "starts_at": pool.starts_at}
            _try(change_pool, **ask, ends_at=self.at(end), by=self.by, now=self.now)

    @rule(
        pick=st.integers(0, 9),
        who=st.sets(st.integers(0, 4), min_size=1),
        start=st.one_of(st.none(), hours),
        end=ahead,
    )
    def seats_are_given(self, pick: int, who: set[int], start: int | None, end: int | None) -> None:
        if pool := _one_of(self.account.license_pools.order_by("pk"), pick):
            before = License.objects.count()
            holders = [self.people[n] for n in sorted(who)]
            give = {"pool": pool, "holders": holders, "by": self.by, "now": self.now}
            given = _try(assign_licenses, **give, starts_at=self.at(start), ends_at=self.at(end))
            assert License.objects.count() - before == (len(holders) if given else 0)

    @rule(pick=st.integers(0, 9), end=ahead)
    def a_licence_ends_or_moves(self, pick: int, end: int | None) -> None:
        if row := _one_of(self._licences(), pick):
            if end == 0:
                end_licenses(licenses=[row], by=self.by, reason=WHY, now=self.now)
            else:
                _try(
                    change_license_end,
                    license=row,
                    ends_at=self.at(end),
                    by=self.by,
                    reason=WHY,
                    now=self.now,
                )

    @rule(pick=st.integers(0, 9), to=st.integers(0, 4))
    def a_seat_is_handed_over(self, pick: int, to: int) -> None:
        if row := _one_of(self._licences(), pick):
            ask = {"license": row, "to": self.people[to], "by": self.by, "reason": WHY}
            if _try(hand_over_license, **ask, now=self.now):
                assert is_licensed(self.people[to].pk, now=self.now)

    @rule(pick=st.integers(0, 9), to=st.integers(0, 4))
    def somebody_writes_past_the_stories(self, pick: int, to: int) -> None:
        """PostgreSQL alone must hold against whoever forgets to ask."""
        if pool := _one_of(self.account.license_pools.order_by("pk"), pick):
            with suppress(IntegrityError), transaction.atomic():
                License.objects.create(pool=pool, holder=self.people[to], starts_at=self.now)

    # --- the feature ------------------------------------------------------------------------------

    @rule(start=hours, end=ahead)
    def the_feature_is_granted(self, start: int, end: int | None) -> None:
        starts_at = self.now + timedelta(hours=start)
        terms = Terms(self.account, "team_inbox", starts_at, self.at(end), WHY)
        _try(switch_on, terms=terms, by=self.by, now=self.now)

    @rule(pick=st.integers(0, 9), end=ahead)
    def a_grant_ends_or_moves(self, pick: int, end: int | None) -> None:
        grants = FeatureGrant.objects.filter(account=self.account, feature="team_inbox")
        if grant := _one_of(grants.order_by("pk"), pick):
            ask = {"grant": grant, "by": self.by, "reason": WHY, "now": self.now}
            if end == 0:
                _try(end_grant, **ask)
            else:
                _try(change_grant_end, **ask, ends_at=self.at(end))

    @rule(is_off=st.booleans())
    def the_account_is_suspended_or_goes_on(self, is_off: bool) -> None:
        if is_off:
            suspend_account(account=self.account, by=self.by, reason=WHY, now=self.now)
        else:
            resume_account(account=self.account, by=self.by, now=self.now)

    # --- work -------------------------------------------------------------------------------------

    @rule(n=st.integers(0, 4))
    def somebody_claims(self, n: int) -> None:
        user = self.people[n]
        viewer = viewer_of(user, now=self.now)
        may = self._may_see(user)
        try:
            claim_conversation(conversation=self.row, by=viewer, user=user, now=self.now)
        except NotDoneError:
            return
        assert may, "who sees nothing claims nothing"

    @rule()
    def the_clock_sweeps(self) -> None:
        release_ineligible(now=self.now)
        note_expiries(now=self.now)
        owner = Conversation.objects.get(pk=self.row.pk).owner
        is_on = self._feature_is_on(even_if_suspended=True)
        assert owner is None or (is_on and self._has_licence(owner))

    # --- what must hold ---------------------------------------------------------------------------

    @invariant()
    def no_moment_has_more_holders_than_seats(self) -> None:
        if not hasattr(self, "account"):
            return
        for pool in self.account.license_pools.all():
            spans = [_span(row) for row in pool.licenses.all()]
            spans = [(start, end) for start, end in spans if start < end]
            for moment in [start for start, _end in spans]:
                taken = sum(start <= moment < end for start, end in spans)
                assert taken <= pool.seats, f"{taken} of {pool.seats} at {moment}"
            assert all(start >= pool.starts_at for start, _end in spans)
            assert all(end <= (pool.ends_at or FOREVER) for _start, end in spans)
        for user in self.people:
            mine = sorted(_span(row) for row in user.licenses.all() if _is_some_time(row))
            assert all(one[1] <= two[0] for one, two in zip(mine, mine[1:], strict=False))

    @invariant()
    def nobody_sees_anything_without_a_licence_and_the_feature(self) -> None:
        if not hasattr(self, "account"):
            return
        now = self.now
        readers = readers_of(Conversation.objects.get(pk=self.row.pk), now=now)
        marks = entitlement_marks([user.pk for user in self.people], now=now)
        for user in self.people:
            may = self._may_see(user)
            viewer = viewer_of(user, now=now)
            assert viewer.may_see == may
            assert bool(inboxes_of(viewer)) == may
            assert conversations_of(viewer).exists() <= may
            assert (user.pk in readers) <= may
            entitled = f"|{self._has_licence(user)}|{self._feature_is_on()}|"
            assert marks[user.pk].startswith(f"{user.role}{entitled}")
            assert marks_of([user], now=now)[user.pk].startswith(marks[user.pk])
        n = now.hour % len(self.people)
        self._try_every_door(self.people[n], self.clients[n])

    def _try_every_door(self, user: User, browser: Client) -> None:
        may, here = self._may_see(user), f"/inbox/{self.inbox.slug}"
        inbox = self.inbox.public_id
        for door in (
            f"{here}/",
            f"{here}/?q={SECRET}",
            f"{here}/counts/",
            f"{here}/c/{self.row.public_id}/",
            f"/c/{self.row.public_id}/thread/",
            f"/c/{self.row.public_id}/messages/",
            f"/c/{self.row.public_id}/panel/",
            f"/api/v1/inboxes/{inbox}/events/?after=0",
        ):
            answer = browser.get(door)
            if not may:
                assert (
                    answer.status_code != 200
                    or "Pro-CX" in answer.text
                    or ("not switched on" in answer.text)
                ), door
                assert SECRET not in answer.text.replace(f"q={SECRET}", ""), door
                assert self.row.public_id not in answer.text or door.startswith("/c/"), door

    # --- the model --------------------------------------------------------------------------------

    def _licences(self) -> Any:
        return License.objects.filter(pool__account=self.account).order_by("pk")

    def _has_licence(self, user: User) -> bool:
        rows = License.objects.filter(holder=user).select_related("pool")
        return any(_holds(row, self.now) and _holds(row.pool, self.now) for row in rows)

    def _feature_is_on(self, *, even_if_suspended: bool = False) -> bool:
        grants = FeatureGrant.objects.filter(account=self.account, feature="team_inbox")
        is_active = Account.objects.get(pk=self.account.pk).status == "active"
        granted = any(_holds(grant, self.now) for grant in grants)
        return granted and (is_active or even_if_suspended)

    def _may_see(self, user: User) -> bool:
        return self._has_licence(user) and self._feature_is_on()


FOREVER = datetime(9999, 1, 1, tzinfo=UTC)


def _span(row: License) -> tuple[datetime, datetime]:
    return row.starts_at, row.ends_at or FOREVER


def _is_some_time(row: License) -> bool:
    start, end = _span(row)
    return start < end


def _holds(row: License | LicensePool | FeatureGrant, at: datetime) -> bool:
    return row.starts_at <= at < (row.ends_at or FOREVER)


def _one_of(rows: Iterable[Any], pick: int) -> Any:
    found = list(rows)
    return found[pick % len(found)] if found else None


def _try(story: Any, **ask: Any) -> Any:
    """Do it, or hear no in words; what was refused half-way is taken back."""
    try:
        with transaction.atomic():
            return story(**ask) or True
    except RefusedError:
        return None


def _browser(user: User) -> Client:
    browser = Client()
    browser.force_login(user, backend="accounts.backends.AuthenticationBackend")
    return browser


@pytest.mark.slow
@pytest.mark.django_db
def test_no_order_of_operations_lets_too_many_see() -> None:
    run_state_machine_as_test(
        Entitlements,
        settings=settings(
            max_examples=12,
            stateful_step_count=25,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
