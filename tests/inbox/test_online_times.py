"""Is it told how long people were online: no longer than they were, and no gap where none was?"""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction

from accounts.models import User
from inbox import tasks
from inbox.models import OnlineTime
from inbox.online_times import KEPT_FOR, forget_online_times, note_online, online_within
from tests.conftest import House

pytestmark = pytest.mark.django_db
T = datetime(2026, 3, 2, 9, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return T + timedelta(minutes=minutes)


def seen(user: User, *minutes: float) -> None:
    for minute in minutes:
        note_online({user.pk}, now=at(minute))


def online(user: User, since: float, until: float) -> timedelta | None:
    rows = User.objects.filter(pk=user.pk)
    return rows.values_list(online_within(at(since), at(until)), flat=True).get()


def test_a_stretch_grows_while_somebody_is_seen(house: House) -> None:
    seen(house.alice, 0, 0.5, 1, 2.5)

    row = OnlineTime.objects.get()
    assert (row.account_id, row.user_id) == (house.account.pk, house.alice.pk)
    assert (row.began_at, row.ended_at, row.is_open) == (at(0), at(2.5), True)


def test_who_was_gone_begins_anew_and_nobody_counts_the_time_between(house: House) -> None:
    seen(house.alice, 0, 1)
    note_online(set(), now=at(2))
    assert OnlineTime.objects.get().is_open
    note_online(set(), now=at(4))
    assert not OnlineTime.objects.get().is_open

    seen(house.alice, 10, 11)

    assert online(house.alice, 0, 60) == timedelta(minutes=2)
    assert OnlineTime.objects.filter(is_open=True).count() == 1


def test_a_clock_that_stood_still_for_hours_counts_none_of_them(house: House) -> None:
    seen(house.alice, 0, 1, 301, 302)

    assert online(house.alice, 0, 600) == timedelta(minutes=2)


def test_only_what_lies_within_is_counted(house: House) -> None:
    seen(house.alice, *range(11))
    seen(house.alice, *range(20, 31))

    assert online(house.alice, 5, 25) == timedelta(minutes=10)
    assert online(house.alice, 11, 19) is None
    assert online(house.alice, 30, 60) is None
    assert online(house.bob, 0, 60) is None


def test_it_may_be_said_twice_and_late(house: House) -> None:
    seen(house.alice, 0, 1, 1, 0.5)

    assert OnlineTime.objects.get().ended_at == at(1)


def test_nobody_has_two_open_stretches(house: House) -> None:
    seen(house.alice, 0)

    with pytest.raises(IntegrityError), transaction.atomic():
        OnlineTime.objects.create(
            account=house.account, user=house.alice, began_at=at(0), ended_at=at(0)
        )


def test_people_of_no_account_and_of_no_more_are_left_out(house: House) -> None:
    staff = User.objects.create(email="stan@example.com", name="Stan", role=User.Role.STAFF)

    note_online({staff.pk, 999_999_999, house.bob.pk}, now=T)

    assert [row.user_id for row in OnlineTime.objects.all()] == [house.bob.pk]


def test_what_is_older_than_any_report_goes(house: House) -> None:
    seen(house.alice, 0)
    seen(house.bob, 10)

    forget_online_times(now=at(5) + KEPT_FOR)

    assert [row.user_id for row in OnlineTime.objects.all()] == [house.bob.pk]


def test_while_redis_cannot_say_nobody_came_or_went(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen(house.alice, 0)
    monkeypatch.setattr(tasks, "online_now", lambda: None)

    tasks.sweep_online_times()

    assert OnlineTime.objects.get().is_open


def test_the_sweep_notes_who_is_there(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "online_now", lambda: {house.alice.pk})

    tasks.sweep_online_times()

    assert OnlineTime.objects.get().user_id == house.alice.pk
