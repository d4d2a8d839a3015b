"""Is availability what a plan says when its hours open and close, and one's own in between?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from accounts.models import AuditEntry, User
from inbox.models import AvailabilityPlan
from inbox.setup.availability import choose_plan, follow_plans
from inbox.setup.hours import delete_unused_hours
from inbox.setup.refusals import SetUpError
from routing.business_hours import HoursError, save_week
from routing.hours import ALWAYS_OPEN, NEVER_OPEN, Opening
from routing.models import BusinessHours
from tests.conftest import House
from tests.factories import make_account, make_hours, make_user

HOUR = timedelta(hours=1)
# A Thursday.
NINE = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
AVAILABLE, AWAY = User.Availability.AVAILABLE, User.Availability.AWAY


@pytest.fixture
def ada(house: House) -> User:
    return make_user(house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN)


@pytest.fixture
def office(house: House) -> BusinessHours:
    return make_hours(house.account, "Office", zone="UTC")


def plan(user: User, hours: BusinessHours | None, by: User, at: datetime, **more: Any) -> None:
    choose_plan(user=user, hours=hours, by=by, now=at, **{"seen": None, **more})


def state(user: User) -> str:
    return User.objects.get(pk=user.pk).availability


def put(user: User, availability: str) -> None:
    User.objects.filter(pk=user.pk).update(availability=availability)


def test_people_come_and_go_as_their_hours_open_and_close(
    house: House, ada: User, office: BusinessHours
) -> None:
    plan(house.bob, office, ada, NINE + HOUR)
    seen = []
    for hours in (7.9, 8, 23.9, 24, 32):
        follow_plans(now=NINE + hours * HOUR)
        seen.append(state(house.bob))

    assert seen == [AVAILABLE, AWAY, AWAY, AVAILABLE, AWAY]
    assert state(house.alice) == AVAILABLE
    # Over the weekend nobody comes.
    follow_plans(now=NINE + timedelta(days=2))
    assert state(house.bob) == AWAY
    assert AvailabilityPlan.objects.get().turns_at == NINE + timedelta(days=4)


def test_what_one_sets_oneself_holds_until_the_hours_turn(
    house: House, ada: User, office: BusinessHours
) -> None:
    plan(house.bob, office, ada, NINE + HOUR)
    put(house.bob, AWAY)
    follow_plans(now=NINE + 3 * HOUR)
    assert state(house.bob) == AWAY

    follow_plans(now=NINE + 9 * HOUR)
    put(house.bob, AVAILABLE)
    follow_plans(now=NINE + 10 * HOUR)
    assert state(house.bob) == AVAILABLE


def test_a_clock_that_stood_still_finds_what_holds_now(
    house: House, ada: User, office: BusinessHours
) -> None:
    plan(house.bob, office, ada, NINE + HOUR)

    assert follow_plans(now=NINE + timedelta(days=1, hours=9)) == 1
    assert follow_plans(now=NINE + timedelta(days=1, hours=9)) == 0

    assert state(house.bob) == AWAY


@pytest.mark.parametrize(("hours_later", "expected"), [(1, AVAILABLE), (10, AWAY)])
def test_who_gets_a_plan_off_duty_is_away_at_once(
    house: House, ada: User, office: BusinessHours, hours_later: float, expected: str
) -> None:
    plan(house.bob, office, ada, NINE + hours_later * HOUR)

    assert state(house.bob) == expected


def test_hours_that_are_edited_are_followed(house: House, ada: User, office: BusinessHours) -> None:
    plan(house.bob, office, ada, NINE + HOUR)
    until_eleven = ((Opening(9 * 60, 11 * 60),),) * 7
    now = NINE + 3 * HOUR
    save_week(hours=office, week=until_eleven, version=office.version, by=ada, now=now)

    follow_plans(now=now)

    assert state(house.bob) == AWAY
    assert AvailabilityPlan.objects.get().turns_at == NINE + timedelta(days=1)


@pytest.mark.parametrize("week", [ALWAYS_OPEN, NEVER_OPEN])
def test_hours_that_never_turn_are_no_trouble(house: House, ada: User, week: Any) -> None:
    plan(house.bob, make_hours(house.account, week=week), ada, NINE)

    assert follow_plans(now=NINE + timedelta(days=800)) == 0
    assert state(house.bob) == (AVAILABLE if week == ALWAYS_OPEN else AWAY)


def test_the_second_of_two_admins_is_told_and_nothing_is_lost(
    house: House, ada: User, office: BusinessHours
) -> None:
    late = make_hours(house.account, "Late")
    plan(house.bob, office, ada, NINE)

    with pytest.raises(SetUpError, match="Somebody else chose “Office” meanwhile"):
        plan(house.bob, late, ada, NINE)
    plan(house.bob, late, ada, NINE, seen=office.pk)
    plan(house.bob, None, ada, NINE, seen=late.pk)

    assert not AvailabilityPlan.objects.exists()
    entries = AuditEntry.objects.filter(action="availability_planned").order_by("pk")
    assert [entry.data["changes"]["works by"] for entry in entries] == [
        {"before": None, "after": "Office"},
        {"before": "Office", "after": "Late"},
        {"before": "Late", "after": None},
    ]


def test_hours_by_which_somebody_works_are_not_deleted(
    house: House, ada: User, office: BusinessHours
) -> None:
    plan(house.bob, office, ada, NINE)

    with pytest.raises(HoursError, match="These people work by them: Bob"):
        delete_unused_hours(hours=office, by=ada, now=NINE)


def test_an_admin_chooses_it_on_the_persons_page(
    house: House, ada: User, office: BusinessHours, login: Any
) -> None:
    theirs = make_hours(make_account("Globex"), "Theirs")
    with time_machine.travel(NINE, tick=False):
        browser: Client = login(ada)
        here = f"/settings/people/{house.bob.pk}/"
        assert "Theirs" not in browser.get(here).content.decode()
        foreign = browser.post(f"{here}plan/", {"hours": theirs.pk, "seen": ""}, follow=True)
        done = browser.post(f"{here}plan/", {"hours": office.pk, "seen": ""}, follow=True)
        late = browser.post(f"{here}plan/", {"hours": "", "seen": ""}, follow=True)

    assert "There are no such hours any more." in foreign.content.decode()
    assert "Bob works by “Office”." in done.content.decode()
    assert f'<option value="{office.pk}" selected>' in done.content.decode()
    assert "Somebody else chose “Office” meanwhile." in late.content.decode()
    assert AvailabilityPlan.objects.get().hours == office
