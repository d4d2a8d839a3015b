"""How are business hours kept? Rows, constraints, stories, and two admins at once."""

import threading
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.models import Account, AuditEntry, User
from routing.business_hours import (
    HoursChangedError,
    HoursError,
    add_special_days,
    copy_hours,
    delete_hours,
    free_name,
    make_hours,
    remove_special_days,
    save_holidays,
    save_name_and_zone,
    save_special_days,
    save_week,
)
from routing.hours import ALL_DAY, ALWAYS_OPEN, Opening, SpecialDay, Week
from routing.hours_presets import HoursPreset, hours_of_preset
from routing.models import BusinessHours, OpeningHours
from routing.models import SpecialDay as SpecialDayRow
from tests import factories
from tests.factories import NINE_TO_FIVE, WORK_WEEK, make_account, make_user

CHRISTMAS = date(2026, 12, 25)


@pytest.fixture
def account(db: None) -> Account:
    return make_account("Acme", time_zone="Europe/Berlin")


@pytest.fixture
def ada(account: Account) -> User:
    return make_user(account, "Ada", works_as=User.Role.ACCOUNT_ADMIN)


@pytest.fixture
def hours(account: Account) -> BusinessHours:
    return factories.make_hours(account, "Support")


def opening(hours: BusinessHours, **fields: Any) -> OpeningHours:
    return OpeningHours.objects.create(account_id=hours.account_id, hours=hours, **fields)


def test_rows_become_the_calendar_they_were_made_from(account: Account) -> None:
    special = (
        SpecialDay(CHRISTMAS, "Christmas duty", (Opening(600, 720), Opening(780, 1500))),
        SpecialDay(date(2026, 12, 31), "Inventory"),
    )
    week: Week = (*[(Opening(540, 720), Opening(780, 1020))] * 5, (), (Opening(1320, 1800),))

    hours = factories.make_hours(
        account, week=week, special_days=special, country="DE", region="BE", zone="Asia/Tokyo"
    )

    calendar = hours.calendar()
    assert (calendar.zone, calendar.country, calendar.region) == ("Asia/Tokyo", "DE", "BE")
    assert calendar.week == week
    assert calendar.special_days == special


def test_many_calendars_are_read_in_four_questions(
    account: Account, django_assert_num_queries: Any
) -> None:
    for _ in range(5):
        factories.make_hours(account, special_days=(SpecialDay(CHRISTMAS, "", NINE_TO_FIVE),))

    with django_assert_num_queries(4):
        calendars = [hours.calendar() for hours in BusinessHours.objects.with_days()]

    assert len({calendar.special_days for calendar in calendars}) == 1


# --- What the database refuses ---


@pytest.mark.parametrize(
    ("weekday", "starts", "ends"),
    [(0, 600, 660), (0, 0, 1440), (6, 1320, 1980), (6, 1439, 1981 + 539 - 540)],
    ids=["inside", "around", "from Sunday into Monday", "by a minute"],
)
def test_no_two_openings_of_a_week_overlap(account: Account, weekday, starts, ends) -> None:
    hours = factories.make_hours(account, week=(NINE_TO_FIVE, *[()] * 6))
    hours.openings.update(starts=480)  # Monday, 8 to 17

    with pytest.raises(IntegrityError, match="weekly_openings_never_overlap"):
        opening(hours, weekday=weekday, starts=starts, ends=ends)


def test_openings_may_touch_and_other_calendars_do_not_mind(account: Account) -> None:
    night_before: Week = (NINE_TO_FIVE, *[()] * 5, (Opening(1320, 1440 + 540),))

    for _ in range(3):
        factories.make_hours(account, week=night_before)
        factories.make_hours(account, week=ALWAYS_OPEN)

    assert OpeningHours.objects.count() == 3 * (2 + 7)


def test_no_two_openings_of_a_special_day_overlap(hours: BusinessHours) -> None:
    add_special_days(hours, (SpecialDay(CHRISTMAS, "", NINE_TO_FIVE),))
    day = hours.special_days.get()
    opening(hours, special_day=day, starts=1020, ends=1100)

    with pytest.raises(IntegrityError, match="special_openings_never_overlap"):
        opening(hours, special_day=day, starts=1000, ends=1010)


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"weekday": 7, "starts": 1, "ends": 2}, "opening_is_weekly_or_special"),
        ({"starts": 1, "ends": 2}, "opening_is_weekly_or_special"),
        ({"weekday": 6, "starts": 5, "ends": 5}, "opening_starts_in_its_day"),
        ({"weekday": 6, "starts": 1440, "ends": 1500}, "opening_starts_in_its_day"),
        ({"weekday": 6, "starts": 60, "ends": 1501}, "opening_starts_in_its_day"),
    ],
)
def test_hours_that_make_no_sense_are_refused(hours: BusinessHours, fields, name) -> None:
    with pytest.raises(IntegrityError, match=name):
        opening(hours, **fields)


def test_a_name_is_there_once_per_account(hours: BusinessHours, account: Account) -> None:
    with pytest.raises(HoursError, match="already"):
        factories.make_hours(account, " sUPPORT ")

    factories.make_hours(make_account("Umbrella"), "Support")


def test_a_date_is_special_once(hours: BusinessHours) -> None:
    add_special_days(hours, (SpecialDay(CHRISTMAS),))

    with pytest.raises(IntegrityError, match="special_day_once_per_date"):
        SpecialDayRow.objects.create(account_id=hours.account_id, hours=hours, on=CHRISTMAS)


# --- Stories ---


@pytest.mark.django_db
def test_what_is_changed_is_told_in_the_audit_log(
    hours: BusinessHours, ada: User, now: datetime
) -> None:
    week: Week = ((Opening(480, 720),), *WORK_WEEK[1:])

    save_week(hours=hours, week=week, version=1, by=ada, now=now)

    entry = AuditEntry.objects.get(action="hours_changed")
    assert (entry.actor, entry.account, entry.at) == (ada, hours.account, now)
    assert entry.data == {
        "hours": hours.pk,
        "version": 2,
        "changes": {"monday": {"before": "09:00–17:00", "after": "08:00–12:00"}},
    }
    hours.refresh_from_db()
    assert (hours.version, hours.changed_at, hours.week()) == (2, now, week)


def test_saving_what_is_there_changes_nothing(
    hours: BusinessHours, ada: User, now: datetime
) -> None:
    save_week(hours=hours, week=WORK_WEEK, version=1, by=ada, now=now)
    save_name_and_zone(
        hours=hours, name="Support", zone="Europe/Berlin", version=1, by=ada, now=now
    )

    hours.refresh_from_db()
    assert hours.version == 1
    assert not AuditEntry.objects.filter(action="hours_changed").exists()


def test_the_second_of_two_admins_is_told_what_the_first_did(
    hours: BusinessHours, account: Account, ada: User, now: datetime
) -> None:
    bert = make_user(account, "Bert", works_as=User.Role.ACCOUNT_ADMIN)
    shorter: Week = ((Opening(600, 720),), *WORK_WEEK[1:])
    save_name_and_zone(hours=hours, name="Support", zone="UTC", version=1, by=ada, now=now)
    save_week(hours=hours, week=shorter, version=2, by=ada, now=now)

    with pytest.raises(HoursChangedError) as refused:
        save_week(hours=hours, week=ALWAYS_OPEN, version=1, by=bert, now=now)

    assert refused.value.version == 3
    (change,) = refused.value.changes
    assert (change.who, change.at) == ("Ada", now)
    assert change.what == {"monday": ("09:00–17:00", "10:00–12:00")}
    assert hours.week() == shorter


def test_what_somebody_changed_elsewhere_is_in_nobodys_way(
    hours: BusinessHours, ada: User, now: datetime
) -> None:
    save_name_and_zone(hours=hours, name="Support", zone="UTC", version=1, by=ada, now=now)
    save_week(hours=hours, week=ALWAYS_OPEN, version=1, by=ada, now=now)
    save_special_days(hours=hours, days=[SpecialDay(CHRISTMAS)], version=1, by=ada, now=now)

    hours.refresh_from_db()
    assert (hours.version, hours.time_zone, hours.week()) == (4, "UTC", ALWAYS_OPEN)
    with pytest.raises(HoursChangedError):
        remove_special_days(
            hours=hours, first=CHRISTMAS, last=CHRISTMAS, version=1, by=ada, now=now
        )


@pytest.mark.parametrize(
    ("week", "words"),
    [
        (((Opening(540, 720), Opening(700, 800)), *[()] * 6), "Monday 09:00–12:00 and Monday"),
        (((Opening(1320, 1800),), (Opening(300, 540),), *[()] * 5), "22:00–06:00 and Tuesday"),
        (((Opening(0, 540),), *[()] * 5, (Opening(1320, 1500),)), "Sunday 22:00–01:00 and Monday"),
    ],
)
def test_overlapping_hours_are_refused_in_words(
    hours: BusinessHours, ada: User, now: datetime, week: Week, words: str
) -> None:
    with pytest.raises(HoursError, match=words):
        save_week(hours=hours, week=week, version=1, by=ada, now=now)


def test_holidays_are_those_of_a_country_and_its_region(
    hours: BusinessHours, ada: User, now: datetime
) -> None:
    row = save_holidays(
        hours=hours,
        country="DE",
        region="BE",
        ignored=["Labor Day"],
        version=1,
        by=ada,
        now=now,
    )

    assert row.calendar().holidays_on(date(2027, 3, 8)) == ("Women's Day",)
    assert row.calendar().holidays_on(date(2027, 5, 1)) == ()
    for country, region in (("XX", ""), ("DE", "XX"), ("", "BE")):
        with pytest.raises(HoursError):
            save_holidays(
                hours=hours,
                country=country,
                region=region,
                ignored=[],
                version=2,
                by=ada,
                now=now,
            )


def test_special_days_are_set_replaced_and_removed(
    hours: BusinessHours, ada: User, now: datetime
) -> None:
    who: dict[str, Any] = {"hours": hours, "by": ada, "now": now}
    save_special_days(days=[SpecialDay(CHRISTMAS, "Duty", NINE_TO_FIVE)], version=1, **who)
    save_special_days(days=[SpecialDay(CHRISTMAS, "Closed")], version=2, **who)

    assert hours.calendar().special_days == (SpecialDay(CHRISTMAS, "Closed"),)
    assert AuditEntry.objects.filter(action="hours_changed").latest("id").data["changes"] == {
        "2026-12-25": {"before": "09:00–17:00 Duty", "after": "closed Closed"}
    }

    remove_special_days(first=CHRISTMAS, last=CHRISTMAS, version=3, **who)
    assert hours.calendar().special_days == ()
    assert OpeningHours.objects.filter(special_day__isnull=False).count() == 0


def test_a_copy_has_everything_but_the_name(account: Account, ada: User, now: datetime) -> None:
    special = (SpecialDay(CHRISTMAS, "Duty", NINE_TO_FIVE),)
    hours = factories.make_hours(
        account, "Support", special_days=special, country="US", ignored_holidays=["Columbus Day"]
    )

    copy = copy_hours(hours=hours, by=ada, now=now)

    assert copy.name == "Support (2)"
    assert copy.calendar() == hours.calendar()
    assert free_name("Support", [hours, copy]) == "Support (3)"
    assert free_name("x" * 80, []) == "x" * 80


def test_deleted_hours_leave_a_line(hours: BusinessHours, ada: User, now: datetime) -> None:
    delete_hours(hours=hours, by=ada, now=now)

    assert not BusinessHours.objects.exists()
    assert not OpeningHours.objects.exists()
    line = AuditEntry.objects.get(action="hours_deleted")
    assert line.data["changes"]["name"] == {"before": "Support", "after": None}


@pytest.mark.parametrize("name", ["", "   ", "x" * 81])
def test_hours_need_a_name(account: Account, ada: User, now: datetime, name: str) -> None:
    with pytest.raises(HoursError):
        make_hours(account=account, name=name, by=ada, now=now)


# --- Presets ---


def test_a_preset_is_made_once_and_taken_again(account: Account, ada: User, now: datetime) -> None:
    first = hours_of_preset(HoursPreset.WORK_WEEK, account=account, by=ada, now=now)
    again = hours_of_preset(HoursPreset.WORK_WEEK, account=account, by=ada, now=now)
    other = hours_of_preset(HoursPreset.EVERY_DAY, account=account, by=ada, now=now)

    assert first is not None
    assert other is not None
    assert first == again != other
    assert (first.time_zone, first.week()) == ("Europe/Berlin", WORK_WEEK)
    assert other.week() == ((Opening(480, 1200),),) * 7
    assert hours_of_preset(HoursPreset.ALWAYS, account=account, by=ada, now=now) is None


def test_a_preset_that_was_changed_is_made_anew(account: Account, ada: User, now: datetime) -> None:
    first = hours_of_preset(HoursPreset.WORK_WEEK, account=account, by=ada, now=now)
    assert first is not None
    save_week(hours=first, week=(ALL_DAY, *[()] * 6), version=1, by=ada, now=now)

    again = hours_of_preset(HoursPreset.WORK_WEEK, account=account, by=ada, now=now)

    assert again is not None
    assert again.name == "Monday to Friday, 9:00 to 17:00 (2)"


# --- At the same time ---


@pytest.mark.django_db(transaction=True)
def test_of_two_who_save_at_once_one_is_told(now: datetime) -> None:
    account = make_account("Acme")
    hours = factories.make_hours(account)
    ada = make_user(account, "Ada")
    begin, told = threading.Barrier(4), []

    def save(n: int) -> None:
        begin.wait()
        try:
            save_week(
                hours=hours,
                week=((Opening(n * 60, n * 60 + 30),), *[()] * 6),
                version=1,
                by=ada,
                now=now + timedelta(seconds=n),
            )
        except HoursChangedError:
            told.append(n)
        finally:
            connection.close()

    threads = [threading.Thread(target=save, args=[n]) for n in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(told) == 3
    hours.refresh_from_db()
    assert hours.version == 2
    assert len(hours.week()[0]) == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_who_choose_one_name_at_once_one_is_told(now: datetime) -> None:
    account = make_account("Acme")
    ada = make_user(account, "Ada")
    begin, told = threading.Barrier(4), []

    def make() -> None:
        begin.wait()
        try:
            make_hours(account=account, name="Support", by=ada, now=now)
        except HoursError as error:
            told.append(error.field)
        finally:
            connection.close()

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert told == ["name"] * 3
    with transaction.atomic():
        assert BusinessHours.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_who_choose_one_preset_at_once_get_the_same_hours(now: datetime) -> None:
    account = make_account("Acme")
    begin, made = threading.Barrier(4), []

    def choose() -> None:
        begin.wait()
        try:
            with transaction.atomic():
                hours = hours_of_preset(HoursPreset.WORK_WEEK, account=account, by=None, now=now)
                made.append(hours.pk if hours else None)
        finally:
            connection.close()

    threads = [threading.Thread(target=choose) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert made == [BusinessHours.objects.get().pk] * 4
