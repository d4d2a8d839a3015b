"""Are there never more holders than seats, and is every refusal a sentence?"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from django.db import IntegrityError, connection, connections, transaction
from django.utils.translation import override

from accounts.access import is_licensed
from accounts.licences import (
    assign_licenses,
    change_license_end,
    end_licenses,
    hand_over_license,
    left_without,
)
from accounts.models import Account, AuditEntry, License, LicensePool, User
from accounts.pools import add_pool, change_pool, foretell_pool_change
from accounts.refusals import RefusedError
from accounts.seats import day_words, local_words
from tests.conftest import NOW
from tests.factories import days, make_account, make_user

DAY = timedelta(days=1)


@pytest.fixture
def account(db: None) -> Account:
    """An account without seats."""
    account = make_account("Acme")
    account.license_pools.all().delete()
    return account


@pytest.fixture
def ada(account: Account) -> User:
    return make_user(account, "Ada", is_licensed=False, works_as=User.Role.ACCOUNT_ADMIN)


def people(account: Account, *names: str) -> list[User]:
    return [make_user(account, name, is_licensed=False) for name in names]


def pool_of(account: Account, seats: int, start: float = -100, end: float | None = None) -> Any:
    return LicensePool.objects.create(
        account=account,
        seats=seats,
        starts_at=NOW + days(start),
        ends_at=None if end is None else NOW + days(end),
    )


def refused(act: Any, *args: Any, **kwargs: Any) -> str:
    with pytest.raises(RefusedError) as no:
        act(*args, **kwargs)
    return no.value.reason


def held(pool: LicensePool, at: datetime = NOW) -> list[str]:
    rows = pool.licenses.select_related("holder").order_by("holder__name")
    return [row.holder.name for row in rows if row.holds_at(at)]


# --- Assigning -----------------------------------------------------------------------------------


def test_several_people_get_their_seats_at_once(account: Account, ada: User) -> None:
    pool = pool_of(account, 3)

    given = assign_licenses(pool=pool, holders=people(account, "Bo", "Cy"), by=ada, now=NOW)

    assert held(pool) == ["Bo", "Cy"]
    assert [row.starts_at for row in given] == [NOW, NOW]
    lines = AuditEntry.objects.filter(action="license_added").order_by("pk")
    assert [line.data["values"]["holder"] for line in lines] == ["Bo", "Cy"]
    assert {line.actor_label for line in lines} == {"Ada"}


def test_all_or_nothing_with_the_names_of_who_would_be_over(account: Account, ada: User) -> None:
    pool = pool_of(account, 2)
    bo, cy, di = people(account, "Bo", "Cy", "Di")

    words = refused(assign_licenses, pool=pool, holders=[bo, cy, di], by=ada, now=NOW)

    assert words == "2 seats are free for 3 people: Di would be over."
    assert held(pool) == []
    assert not AuditEntry.objects.filter(action="license_added").exists()


def test_what_cannot_be_assigned_is_said_in_words(account: Account, ada: User) -> None:
    pool = pool_of(account, 1, start=-10, end=10)
    bo, cy = people(account, "Bo", "Cy")
    stranger = make_user(make_account("Umbrella"), "Uma", is_licensed=False)
    gone = make_user(account, "Gil", is_licensed=False, is_active=False)

    def words(*holders: User, **when: Any) -> str:
        return refused(assign_licenses, pool=pool, holders=list(holders), by=ada, now=NOW, **when)

    assert words(stranger) == "Uma belongs to Umbrella, but these seats to Acme."
    assert words(gone) == "Gil can no longer log in: a seat would be of no use."
    assert words(bo, starts_at=NOW - 11 * DAY).startswith("These seats are paid for from 13 Nov")
    assert words(bo, starts_at=NOW + 10 * DAY).startswith("These seats are paid for until 3 Dec")
    assert words(bo, ends_at=NOW + 11 * DAY).startswith("These seats are paid for until 3 Dec")
    assert words(bo, ends_at=NOW - DAY) == "It must end after it starts."
    assign_licenses(pool=pool, holders=[bo], by=ada, now=NOW)
    assert words(bo) == "Bo has a licence at that time already."
    assert words(cy) == "The 1 seat is taken at that time."
    other = pool_of(account, 5)
    again = refused(assign_licenses, pool=other, holders=[bo], by=ada, now=NOW)
    assert again == "Bo has a licence at that time already.", "in another pool"


def test_a_seat_that_is_taken_later_is_free_until_then(account: Account, ada: User) -> None:
    pool = pool_of(account, 1)
    bo, cy = people(account, "Bo", "Cy")
    assign_licenses(pool=pool, holders=[bo], by=ada, now=NOW, starts_at=NOW + 5 * DAY)

    refused(assign_licenses, pool=pool, holders=[cy], by=ada, now=NOW)
    refused(assign_licenses, pool=pool, holders=[cy], by=ada, now=NOW, ends_at=NOW + 6 * DAY)
    assign_licenses(pool=pool, holders=[cy], by=ada, now=NOW, ends_at=NOW + 5 * DAY)

    assert [held(pool, NOW), held(pool, NOW + 5 * DAY)] == [["Cy"], ["Bo"]]


def test_a_licence_ends_with_its_pool_unless_told_otherwise(account: Account, ada: User) -> None:
    pool = pool_of(account, 1, end=10)

    [row] = assign_licenses(pool=pool, holders=people(account, "Bo"), by=ada, now=NOW)

    row.refresh_from_db()
    assert row.ends_at == pool.ends_at


# --- Ending and handing over ----------------------------------------------------------------------


def test_taking_away_needs_a_reason_and_leaves_a_line(account: Account, ada: User) -> None:
    pool = pool_of(account, 2)
    rows = assign_licenses(pool=pool, holders=people(account, "Bo", "Cy"), by=ada, now=NOW)
    later = NOW + DAY

    assert refused(end_licenses, licenses=rows, by=ada, reason=" ", now=later).startswith("Say why")
    ended = end_licenses(licenses=[rows[0]], by=ada, reason="Left us", now=later)

    assert [row.holder.name for row in ended] == ["Bo"]
    assert end_licenses(licenses=[rows[0]], by=ada, reason="Again", now=later) == []
    assert held(pool, later) == ["Cy"]
    row = License.objects.get(pk=rows[0].pk)
    assert (row.ended_by, row.end_reason, row.ends_at) == (ada, "Left us", later)
    assert AuditEntry.objects.get(action="license_ended").data["reason"] == "Left us"


def test_one_that_has_not_begun_is_taken_back(account: Account, ada: User) -> None:
    pool = pool_of(account, 1)
    bo, cy = people(account, "Bo", "Cy")
    soon = NOW + 5 * DAY
    [row] = assign_licenses(pool=pool, holders=[bo], by=ada, now=NOW, starts_at=soon)

    end_licenses(licenses=[row], by=ada, reason="A mistake", now=NOW)
    assign_licenses(pool=pool, holders=[cy], by=ada, now=NOW)
    assign_licenses(pool=pool_of(account, 1), holders=[bo], by=ada, now=NOW)

    assert held(pool, soon) == ["Cy"]


def test_a_seat_goes_from_hand_to_hand(account: Account, ada: User) -> None:
    pool = pool_of(account, 1, end=30)
    bo, cy = people(account, "Bo", "Cy")
    [row] = assign_licenses(pool=pool, holders=[bo], by=ada, now=NOW)

    new = hand_over_license(license=row, to=cy, by=ada, reason="Took over", now=NOW + DAY)

    assert [held(pool, NOW), held(pool, NOW + DAY)] == [["Bo"], ["Cy"]]
    assert new.ends_at == pool.ends_at
    actions = AuditEntry.objects.order_by("pk").values_list("action", flat=True)
    assert list(actions)[-3:] == ["license_ended", "license_added", "license_handed_over"]
    refused(hand_over_license, license=row, to=cy, by=ada, reason="Again", now=NOW + 2 * DAY)


def test_a_failed_hand_over_changes_nothing(account: Account, ada: User) -> None:
    pool, other = pool_of(account, 1), pool_of(account, 1)
    bo, cy = people(account, "Bo", "Cy")
    [row] = assign_licenses(pool=pool, holders=[bo], by=ada, now=NOW)
    assign_licenses(pool=other, holders=[cy], by=ada, now=NOW)

    refused(hand_over_license, license=row, to=cy, by=ada, reason="x", now=NOW + DAY)

    assert held(pool, NOW + DAY) == ["Bo"]


def test_the_end_of_a_licence_moves_inside_its_pool_and_around_others(
    account: Account, ada: User
) -> None:
    pool = pool_of(account, 1, end=30)
    bo, cy = people(account, "Bo", "Cy")
    [row] = assign_licenses(pool=pool, holders=[bo], by=ada, now=NOW, ends_at=NOW + 5 * DAY)
    assign_licenses(pool=pool, holders=[cy], by=ada, now=NOW, starts_at=NOW + 8 * DAY)

    def move(end: float | None) -> Any:
        at = NOW + days(end) if end else None
        return change_license_end(license=row, ends_at=at, by=ada, reason="x", now=NOW)

    assert "taken" in refused(move, 9)
    assert "taken" in refused(move, None)
    assert "until" in refused(move, 31)
    assert "in the past" in refused(move, -1)
    assert move(8).ends_at == NOW + 8 * DAY
    assert move(2).ends_at == NOW + 2 * DAY
    end_licenses(licenses=[row], by=ada, reason="x", now=NOW + DAY)
    assert "has ended" in refused(
        change_license_end, license=row, ends_at=None, by=ada, reason="x", now=NOW + 2 * DAY
    )


def test_an_end_is_moved_for_a_reason_and_who_ends_it_now_is_on_record(
    account: Account, ada: User
) -> None:
    [row] = assign_licenses(
        pool=pool_of(account, 1), holders=people(account, "Bo"), by=ada, now=NOW - DAY
    )
    move: Any = {"license": row, "by": ada, "now": NOW}

    assert refused(change_license_end, ends_at=NOW, reason=" ", **move) == "Say why."
    later = change_license_end(ends_at=NOW + DAY, reason="On leave then", **move)
    assert (later.ended_by, later.end_reason) == (None, "")
    assert AuditEntry.objects.latest("pk").data["reason"] == "On leave then"
    ended = change_license_end(ends_at=NOW, reason="Left us", **move)

    ended.refresh_from_db()
    assert (ended.ended_by, ended.end_reason) == (ada, "Left us")


def test_who_would_be_left_without(account: Account, ada: User) -> None:
    pool = pool_of(account, 5)
    bo, cy = people(account, "Bo", "Cy")
    rows = assign_licenses(pool=pool, holders=[bo, cy], by=ada, now=NOW)

    assert left_without(rows, now=NOW) == [bo, cy]
    assert left_without(rows[:1], now=NOW) == [bo]


def test_who_holds_one_only_later_loses_nothing_now(account: Account, ada: User) -> None:
    [bo] = people(account, "Bo")
    rows = assign_licenses(
        pool=pool_of(account, 5), holders=[bo], by=ada, now=NOW, starts_at=NOW + DAY
    )

    assert left_without(rows, now=NOW) == []
    assert left_without(rows, now=NOW + DAY) == [bo]


@pytest.mark.parametrize("year", [1, 1999, 2200, 9999])
def test_a_year_that_not_every_clock_can_show_is_refused(
    account: Account, ada: User, year: int
) -> None:
    far = datetime(year, 12, 31, 23, 59, tzinfo=NOW.tzinfo)
    pool = pool_of(account, 5)
    give: Any = {"pool": pool, "holders": people(account, "Bo"), "by": ada, "now": NOW}
    [row] = assign_licenses(**give)
    new: Any = {"account": account, "plan": "pro_cx", "seats": 1, "by": ada, "now": NOW}

    def words(act: Any, *args: Any, **how: Any) -> bool:
        return refused(act, *args, **how).startswith("Choose a year from 2000 to 2199")

    assert words(assign_licenses, **{**give, "holders": people(account, "Cy")}, starts_at=far)
    assert words(add_pool, **new, starts_at=far, ends_at=None)
    assert words(change, pool, ada, starts_at=far)
    if year > NOW.year:
        assert words(assign_licenses, **{**give, "holders": people(account, "Di")}, ends_at=far)
        move: Any = {"license": row, "by": ada, "reason": "x", "now": NOW}
        assert words(change_license_end, ends_at=far, **move)
        assert words(add_pool, **new, starts_at=NOW, ends_at=far)
        assert words(change, pool, ada, ends_at=far)


# --- Pools ---------------------------------------------------------------------------------------


def change(pool: LicensePool, by: User, **to: Any) -> Any:
    values = {"seats": pool.seats, "starts_at": pool.starts_at, "ends_at": pool.ends_at, **to}
    return change_pool(pool=pool, by=by, **{"now": NOW, **values})


def test_a_pool_shrinks_to_its_holders_and_no_further(account: Account, ada: User) -> None:
    pool = pool_of(account, 5)
    assign_licenses(pool=pool, holders=people(account, "Bo", "Cy"), by=ada, now=NOW)
    later = people(account, "Di")
    assign_licenses(pool=pool, holders=later, by=ada, now=NOW, starts_at=NOW + 20 * DAY)

    words = refused(change, pool, ada, seats=1)
    assert words == "3 seats are taken. Take 2 licences away first."
    after, foretold = change(pool, ada, seats=3)

    assert (after.pk, after.seats, foretold.splits) == (pool.pk, 3, False)


def test_fewer_seats_than_were_held_once_leave_the_past_as_it_was(
    account: Account, ada: User
) -> None:
    pool = pool_of(account, 3, end=100)
    bo, cy, di = people(account, "Bo", "Cy", "Di")
    rows = assign_licenses(
        pool=pool, holders=[bo, cy, di], by=ada, now=NOW, starts_at=NOW - 10 * DAY
    )
    end_licenses(licenses=rows[:2], by=ada, reason="Left", now=NOW - DAY)
    [soon] = assign_licenses(pool=pool, holders=[bo], by=ada, now=NOW, starts_at=NOW + 5 * DAY)

    new, foretold = change(pool, ada, seats=2)

    pool.refresh_from_db()
    assert foretold.splits
    assert (pool.seats, pool.ends_at) == (3, NOW)
    assert (new.seats, new.starts_at, new.ends_at) == (2, NOW, NOW + 100 * DAY)
    assert held(pool, NOW - 5 * DAY) == ["Bo", "Cy", "Di"]
    assert held(new) == ["Di"]
    assert held(new, NOW + 5 * DAY) == ["Bo", "Di"]
    assert all(is_licensed(di.pk, now=NOW + n * DAY) for n in (-5, 0, 5))


def test_an_earlier_end_of_a_pool_ends_what_goes_beyond_it(account: Account, ada: User) -> None:
    pool = pool_of(account, 5)
    bo, cy, di = people(account, "Bo", "Cy", "Di")
    assign_licenses(pool=pool, holders=[bo], by=ada, now=NOW)
    assign_licenses(pool=pool, holders=[cy], by=ada, now=NOW, ends_at=NOW + 5 * DAY)
    assign_licenses(pool=pool, holders=[di], by=ada, now=NOW, starts_at=NOW + 20 * DAY)

    _row, foretold = change(pool, ada, ends_at=NOW + 10 * DAY)

    assert [row.holder.name for row in foretold.ending] == ["Bo", "Di"]
    assert held(pool, NOW + 9 * DAY) == ["Bo"]
    assert held(pool, NOW + 20 * DAY) == []
    assert "in the past" in refused(change, pool, ada, ends_at=NOW - DAY)
    pool.refresh_from_db()
    assert pool.ends_at == NOW + 10 * DAY


def test_a_later_end_extends_what_would_have_ended_with_the_pool(
    account: Account, ada: User
) -> None:
    pool, renewal = pool_of(account, 5, end=10), pool_of(account, 5, start=10)
    bo, cy, di = people(account, "Bo", "Cy", "Di")
    assign_licenses(pool=pool, holders=[bo, di], by=ada, now=NOW)
    assign_licenses(pool=pool, holders=[cy], by=ada, now=NOW, ends_at=NOW + 5 * DAY)
    assign_licenses(pool=renewal, holders=[di], by=ada, now=NOW, starts_at=NOW + 10 * DAY)

    _row, foretold = change(pool, ada, ends_at=NOW + 40 * DAY)

    assert [row.holder.name for row in foretold.going_on] == ["Bo"]
    assert [row.holder.name for row in foretold.staying] == ["Di"]
    assert held(pool, NOW + 20 * DAY) == ["Bo"]
    line = AuditEntry.objects.get(action="license_changed")
    assert line.data["values"]["holder"] == "Bo"
    assert line.data["changes"]["ends_at"]["after"] == (NOW + 40 * DAY).isoformat()
    change(LicensePool.objects.get(pk=pool.pk), ada, ends_at=None)
    assert held(pool, NOW + 400 * DAY) == ["Bo"]


def test_what_a_pool_cannot_become(account: Account, ada: User) -> None:
    pool, over = pool_of(account, 5), pool_of(account, 5, start=-9, end=-1)
    assign_licenses(pool=pool, holders=people(account, "Bo"), by=ada, now=NOW)

    assert "Bo held a seat before that" in refused(change, pool, ada, starts_at=NOW + DAY)
    assert "end after it starts" in refused(
        change, pool, ada, starts_at=NOW, ends_at=NOW - timedelta(minutes=1)
    )
    assert "have ended" in refused(change, over, ada, ends_at=None)
    span = {"starts_at": NOW, "ends_at": NOW}
    refused(add_pool, account=account, plan="pro_cx", seats=1, by=ada, now=NOW, **span)
    foretell_pool_change(pool=pool, seats=9, starts_at=pool.starts_at, ends_at=None, now=NOW)
    assert LicensePool.objects.get(pk=pool.pk).seats == 5, "a look changes nothing"


# --- What PostgreSQL itself refuses --------------------------------------------------------------


def is_refused_by_the_database(rule: str, act: Any) -> bool:
    with pytest.raises(IntegrityError) as error, transaction.atomic():
        act()
    return rule_of(error.value) == rule


def rule_of(error: IntegrityError) -> str:
    cause = error.__cause__
    assert isinstance(cause, psycopg.Error)
    return str(cause.diag.constraint_name)


def test_the_database_keeps_it_by_itself(account: Account) -> None:
    pool, other = pool_of(account, 1, end=50), pool_of(account, 9)
    bo, cy = people(account, "Bo", "Cy")
    stranger = make_user(make_account("Umbrella"), "Uma", is_licensed=False)
    row = License.objects.create(pool=pool, holder=bo, starts_at=NOW)

    def give(holder: User, where: LicensePool = pool, **span: Any) -> Any:
        span = {"starts_at": NOW, **span}
        return lambda: License.objects.create(pool=where, holder=holder, **span)

    refuses = is_refused_by_the_database
    assert refuses("never_more_holders_than_seats", give(cy))
    early = give(cy, starts_at=NOW - 5 * DAY, ends_at=NOW + DAY)
    assert refuses("never_more_holders_than_seats", early)
    assert refuses("one_license_of_a_plan_at_a_time", give(bo, other))
    assert refuses("a_holder_belongs_to_the_account_that_pays", give(stranger))
    beyond = give(cy, starts_at=NOW - 200 * DAY, ends_at=NOW - 150 * DAY)
    assert refuses("a_license_lies_inside_its_pool", beyond)
    pools = LicensePool.objects.filter(pk=pool.pk)
    assert refuses("never_more_holders_than_seats", lambda: pools.update(seats=0))
    assert refuses("a_license_lies_inside_its_pool", lambda: pools.update(ends_at=NOW + DAY))
    assert refuses("a_license_lies_inside_its_pool", lambda: pools.update(starts_at=NOW + DAY))
    assert refuses(
        "a_pool_with_licenses_keeps_account_and_plan",
        lambda: pools.update(account=stranger.account),
    )
    assert refuses(
        "who_holds_a_license_stays_in_their_account",
        lambda: User.objects.filter(pk=bo.pk).update(account=stranger.account),
    )
    assert License.objects.get(pk=row.pk).ends_at == pool.ends_at


def test_many_rows_in_one_statement_are_counted_too(account: Account) -> None:
    pool = pool_of(account, 2)
    crowd = people(account, "Bo", "Cy", "Di")

    def all_of_them() -> None:
        License.objects.bulk_create(
            License(pool=pool, holder=user, starts_at=NOW) for user in crowd
        )

    assert is_refused_by_the_database("never_more_holders_than_seats", all_of_them)
    assert held(pool) == []


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("way", ["story", "rows"])
def test_two_hundred_at_once_on_ten_seats_are_ten(way: str) -> None:
    account = make_account("Acme")
    account.license_pools.all().delete()
    pool = pool_of(account, 10)
    ada = make_user(account, "Ada", is_licensed=False)
    crowd = [make_user(account, is_licensed=False) for _ in range(200)]
    together = threading.Barrier(200)

    def give(user: User) -> str:
        together.wait()
        try:
            if way == "story":
                assign_licenses(pool=pool, holders=[user], by=ada, now=NOW)
            else:
                License.objects.create(pool=pool, holder=user, starts_at=NOW)
        except RefusedError as no:
            return no.reason
        except IntegrityError as no:
            return rule_of(no)
        finally:
            connections.close_all()
        return "given"

    with ThreadPoolExecutor(max_workers=200) as threads:
        answers = list(threads.map(give, crowd))

    no = (
        "All 10 seats are taken at that time."
        if way == "story"
        else ("never_more_holders_than_seats")
    )
    assert answers.count("given") == 10
    assert answers.count(no) == 190
    assert License.objects.filter(pool=pool).count() == 10


@pytest.mark.django_db(transaction=True)
def test_one_seat_and_a_pool_that_shrinks_at_the_same_moment() -> None:
    account = make_account("Acme")
    account.license_pools.all().delete()
    ada = make_user(account, "Ada", is_licensed=False)
    for _round in range(10):
        pool = pool_of(account, 1)
        user = make_user(account, is_licensed=False)
        together = threading.Barrier(2)

        def at_once(act: Any, gate: threading.Barrier = together) -> bool:
            gate.wait()
            try:
                act()
            except RefusedError:
                return False
            finally:
                connections.close_all()
            return True

        def assign(pool: LicensePool = pool, user: User = user) -> None:
            assign_licenses(pool=pool, holders=[user], by=ada, now=NOW)

        def shrink(pool: LicensePool = pool) -> None:
            change(pool, ada, seats=0)

        with ThreadPoolExecutor(max_workers=2) as threads:
            done = list(threads.map(at_once, [assign, shrink]))
        pool.refresh_from_db()
        assert sorted(done) == [False, True], "one of them is told no"
        assert len(held(pool)) <= pool.seats


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("rival", ["moved", "prolonged", "split", "taken away"])
def test_what_is_taken_away_at_the_same_moment_stays_taken_away(rival: str) -> None:
    account = make_account("Acme")
    ada = make_user(account, "Ada", is_licensed=False)
    for _round in range(15):
        account.license_pools.all().delete()
        pool = pool_of(account, 9, end=10)
        crowd = people(account, "Bo", "Cy", "Di")
        rows = assign_licenses(pool=pool, holders=crowd, by=ada, now=NOW, starts_at=NOW - 5 * DAY)
        end_licenses(licenses=rows[2:], by=ada, reason="Left", now=NOW - DAY)
        rows = rows[:2]

        def take_away(rows: list[License] = rows) -> Any:
            return end_licenses(licenses=rows, by=ada, reason="x", now=NOW)

        def be_quicker(pool: LicensePool = pool, rows: list[License] = rows) -> Any:
            if rival == "moved":
                end = NOW + 9 * DAY
                how: Any = {"by": ada, "reason": "x", "now": NOW}
                return change_license_end(license=rows[0], ends_at=end, **how)
            if rival == "taken away":
                return end_licenses(licenses=rows[::-1], by=ada, reason="x", now=NOW)
            if rival == "split":
                return change(pool, ada, seats=2)
            return change(pool, ada, ends_at=NOW + 90 * DAY)

        answers = _at_once(take_away, be_quicker)

        left = [row for row in License.objects.filter(holder__in=crowd) if row.holds_at(NOW)]
        if rival == "split" and answers[0] == []:
            # They went on in the new pool before anybody took them away.
            assert len(left) == 2
        else:
            assert left == [], answers


def _at_once(*acts: Any) -> list[Any]:
    """Do these at the same moment, each on a connection of its own; who is refused says why."""
    together = threading.Barrier(len(acts))

    def one(act: Any) -> Any:
        together.wait()
        try:
            return act()
        except RefusedError as no:
            return no.reason
        finally:
            connections.close_all()

    with ThreadPoolExecutor(max_workers=len(acts)) as threads:
        return list(threads.map(one, acts))


def test_the_extensions_need_no_superuser(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT bool_and(trusted) FROM pg_available_extension_versions"
            " WHERE name IN ('btree_gist', 'pg_trgm', 'unaccent')"
        )
        assert cursor.fetchone() == (True,)


@pytest.mark.parametrize(
    ("language", "day", "local"),
    [
        ("en", "9 Jan 2026, 23:30 UTC", "9 Jan 2026, 18:30 EST"),
        ("es", "9 Ene 2026, 23:30 UTC", "9 Ene 2026, 18:30 EST"),
    ],
)
def test_moments_are_written_in_the_language_that_is_spoken(
    language: str, day: str, local: str
) -> None:
    moment = datetime(2026, 1, 9, 23, 30, tzinfo=UTC)
    with override(language):
        assert (day_words(moment), local_words(moment, "America/New_York")) == (day, local)
