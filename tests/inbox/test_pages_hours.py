"""Can an admin set business hours, and are they told what is wrong where it is?"""

import threading
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry, User
from inbox.setup.hours import choose_inboxes, delete_unused_hours
from inbox.views.settings.hours_forms import parse_clock
from routing.business_hours import HoursError, save_name_and_zone, save_special_days, save_week
from routing.hours import ALWAYS_OPEN, NEVER_OPEN, Opening, SpecialDay
from routing.models import BusinessHours
from tests.conftest import House
from tests.factories import NINE_TO_FIVE, WORK_WEEK, make_account, make_hours, make_inbox, make_user

Login = Callable[[User], Client]
CHRISTMAS = date(2026, 12, 25)
FILE = b"""BEGIN:VCALENDAR\r
VERSION:2.0\r
PRODID:-//Example//EN\r
BEGIN:VEVENT\r
DTSTART;VALUE=DATE:20261224\r
DTEND;VALUE=DATE:20261227\r
SUMMARY:Christmas\r
END:VEVENT\r
BEGIN:VEVENT\r
DTSTART:20261231T090000\r
DTEND:20261231T120000\r
SUMMARY:New Year's Eve\r
END:VEVENT\r
BEGIN:VEVENT\r
DTSTART;VALUE=DATE:20261224\r
RRULE:FREQ=HOURLY\r
SUMMARY:Odd\r
END:VEVENT\r
END:VCALENDAR\r
"""


@pytest.fixture(autouse=True)
def _clock():
    # Thursday, 16:00 in Berlin.
    with time_machine.travel(datetime(2026, 11, 26, 15, 0, tzinfo=UTC), tick=False):
        yield


@pytest.fixture
def ada(house: House) -> User:
    return make_user(house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN)


@pytest.fixture
def browser(ada: User, login: Login) -> Client:
    return login(ada)


@pytest.fixture
def hours(house: House) -> BusinessHours:
    return make_hours(house.account, "Support", zone="Europe/Berlin")


def url(hours: BusinessHours, page: str = "edit") -> str:
    return reverse(f"settings_hours_{page}", kwargs={"pk": hours.pk})


def post(browser: Client, hours: BusinessHours, card: str, **data: Any) -> Any:
    version = data.pop("version", hours.version)
    return browser.post(url(hours), {"card": card, "version": version, **data})


def week_data(hours: BusinessHours, **changed: str) -> dict[str, str]:
    """Return what the browser would send for the week as it is, with some fields changed."""
    data = {}
    for day, openings in enumerate(hours.week()):
        for n, one in enumerate(openings):
            for name, minute in (("from", one.starts), ("to", one.ends)):
                data[f"d{day}-{n}-{name}"] = f"{minute // 60 % 24:02}:{minute % 60:02}"
            if one.ends > 1440:
                data[f"d{day}-{n}-next"] = "on"
    return {**data, **{name.replace("_", "-"): value for name, value in changed.items()}}


# --- The list ---


def test_the_list_says_who_keeps_which_hours_and_whether_they_are_open(
    browser: Client, house: House, hours: BusinessHours
) -> None:
    house.inbox.hours = hours
    house.inbox.save()
    make_inbox(house.account, "Sales")

    text = browser.get(reverse("settings_hours")).content.decode()

    assert "Open, closes at 17:00" in text
    assert "Support" in text
    assert "Always open, because they keep no hours:" in text
    assert "Sales" in text
    assert url(hours, "delete") not in text


def test_hours_are_made_from_a_preset(browser: Client, house: House) -> None:
    answer = browser.post(reverse("settings_hours"), {"name": "  Help   desk", "week": "every_day"})

    made = BusinessHours.objects.get(account=house.account)
    assert answer.headers["Location"] == url(made)
    assert made.name == "Help desk"
    assert made.week() == ((Opening(480, 1200),),) * 7


@pytest.mark.parametrize("name", ["", "  ", "support", "x" * 81])
def test_hours_without_a_good_name_are_not_made(
    browser: Client, hours: BusinessHours, name: str
) -> None:
    answer = browser.post(reverse("settings_hours"), {"name": name, "week": "nonsense"})

    assert answer.status_code == 200
    assert 'id="id_name_error"' in answer.content.decode()
    assert BusinessHours.objects.count() == 1


def test_hours_are_copied(browser: Client, hours: BusinessHours) -> None:
    browser.post(url(hours, "copy"))

    copy = BusinessHours.objects.get(name="Support (2)")
    assert copy.calendar() == hours.calendar()


def test_hours_that_are_kept_are_not_deleted(
    browser: Client, house: House, hours: BusinessHours
) -> None:
    house.inbox.hours = hours
    house.inbox.save()

    refused = browser.post(url(hours, "delete"), follow=True).content.decode()
    house.inbox.hours = None
    house.inbox.save()
    browser.post(url(hours, "delete"))

    assert "These hours are kept by Support" in refused
    assert not BusinessHours.objects.exists()


# --- The week ---


def test_a_week_is_saved(browser: Client, hours: BusinessHours) -> None:
    data = week_data(
        hours, d0_0_to="12:00", d0_1_from="13:00", d0_1_to="5 pm", d5_0_from="0:00", d5_0_to="24:00"
    )
    data |= {"d6-0-from": "22", "d6-0-to": "06.00", "d6-0-next": "on"}

    answer = post(browser, hours, "week", **data)

    assert answer.status_code == 302
    week = hours.week()
    assert week[0] == (Opening(540, 720), Opening(780, 1020))
    assert week[5] == (Opening(0, 1440),)
    assert week[6] == (Opening(1320, 1800),)


def test_a_saved_week_comes_back_as_it_was(browser: Client, house: House) -> None:
    week = ((Opening(1320, 1860), Opening(540, 1320)), *[(Opening(480, 1440),)] * 5, ())
    hours = make_hours(house.account, week=week)

    post(browser, hours, "week", **week_data(hours))

    hours.refresh_from_db()
    assert hours.version == 1


def test_lines_come_and_go_by_buttons_and_nothing_is_saved_yet(
    browser: Client, hours: BusinessHours
) -> None:
    written = week_data(hours, d0_0_from="07:11")

    added = post(browser, hours, "week", do="add-6", **written).content.decode()
    removed = post(browser, hours, "week", do="remove-1-0", **written).content.decode()
    like = post(browser, hours, "week", do="above-1", **written).content.decode()

    assert 'name="d6-0-from"' in added
    assert 'value="07:11"' in added
    assert 'name="d1-0-from"' not in removed
    assert like.count('value="07:11"') == 2
    assert hours.week() == WORK_WEEK


@pytest.mark.parametrize(
    "do", ["add-7", "add", "remove-0-9", "above-0", "add-x", "add-6-" + "9" * 99]
)
def test_a_button_that_is_none_does_not_break_the_page(
    browser: Client, hours: BusinessHours, do: str
) -> None:
    assert post(browser, hours, "week", do=do, **week_data(hours)).status_code in (200, 302)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"d0_0_to": "08:00"}, "Monday: This ends before it starts. Does it end on the next day?"),
        ({"d0_0_to": ""}, "Monday: Write both times, or remove the line."),
        ({"d0_0_to": "half past"}, "Monday: Write times like 9:00 or 17:30."),
        ({"d0_0_to": "25:00"}, "Monday: Write times like 9:00 or 17:30."),
        ({"d0_0_next": "on"}, "Monday: This is longer than 24 hours."),
        ({"d0_1_from": "16:00", "d0_1_to": "18:00"}, "Monday: This overlaps with Monday, 09:00"),
        (
            {"d0_1_from": "22:00", "d0_1_to": "10:00", "d0_1_next": "on"},
            "Tuesday: This overlaps with Monday, 22:00",
        ),
        (
            {"d6_0_from": "22:00", "d6_0_to": "09:30", "d6_0_next": "on"},
            "Monday: This overlaps with Sunday, 22:00",
        ),
    ],
)
def test_what_is_wrong_with_a_week_is_said_at_its_line(
    browser: Client, hours: BusinessHours, changed: dict[str, str], words: str
) -> None:
    answer = post(browser, hours, "week", **week_data(hours, **changed))

    text = answer.content.decode()
    assert answer.status_code == 200
    assert words in text
    assert "aria-invalid" in text
    assert hours.week() == WORK_WEEK
    if "next day?" in words:
        assert 'name="d0-0-next"' in text


@pytest.mark.parametrize(
    ("text", "minute"),
    [
        ("9", 540), ("9:30", 570), ("09.30", 570), ("0930", 570), ("17h30", 1050), ("5pm", 1020),
        ("12 am", 0), ("12:15 p.m.", 735), ("24:00", 1440), ("24:01", None), ("9:60", None),
        ("13pm", None), ("", None), ("-1", None), ("٩", 540), ("9:5", None), ("1e3", None),
    ],
)  # fmt: skip
def test_times_are_read_as_people_write_them(text: str, minute: int | None) -> None:
    assert parse_clock(text) == minute


# --- Name and zone ---


def test_the_name_and_the_zone_are_changed(browser: Client, hours: BusinessHours) -> None:
    post(browser, hours, "name", name="Nights", zone="America/New_York")

    hours.refresh_from_db()
    assert (hours.name, hours.time_zone) == ("Nights", "America/New_York")


@pytest.mark.parametrize(
    ("name", "zone", "words"),
    [
        ("Nights", "Mars/Olympus", "There is no such time zone."),
        ("Nights", "../../etc/passwd", "There is no such time zone."),
        ("", "UTC", "This field is required."),
        ("other", "UTC", "There are hours of this name already."),
    ],
)
def test_a_wrong_name_or_zone_is_refused_at_its_field(
    browser: Client, house: House, hours: BusinessHours, name: str, zone: str, words: str
) -> None:
    make_hours(house.account, "Other")

    text = post(browser, hours, "name", name=name, zone=zone).content.decode()

    assert text.count(words) == 2  # Above, and at the field.
    hours.refresh_from_db()
    assert hours.version == 1


# --- Holidays ---


def test_a_country_brings_its_holidays_and_one_can_be_ignored(
    browser: Client, hours: BusinessHours
) -> None:
    post(browser, hours, "holidays", country="DE")
    text = browser.get(url(hours)).content.decode()
    hours.refresh_from_db()
    all_but_one = [
        "New Year&#x27;s Day".replace("&#x27;", "'"),
        "Christmas Day",
        "Second Day of Christmas",
    ]
    post(browser, hours, "holidays", country="DE", region="BE", kept=all_but_one)

    assert "Good Friday" in text
    assert 'name="region"' in text
    hours.refresh_from_db()
    assert (hours.country, hours.region) == ("DE", "BE")
    calendar = hours.calendar()
    assert calendar.holidays_on(CHRISTMAS)
    assert not calendar.holidays_on(date(2027, 3, 26))


def test_another_country_starts_afresh(browser: Client, house: House) -> None:
    hours = make_hours(house.account, country="DE", region="BE", ignored_holidays=["Christmas Day"])

    post(browser, hours, "holidays", country="US", region="BE", kept=["Labor Day"])

    hours.refresh_from_db()
    assert (hours.country, hours.region, hours.ignored_holidays) == ("US", "", [])


@pytest.mark.parametrize("data", [{"country": "XX"}, {"country": "DE", "region": "QQ"}])
def test_an_unknown_country_or_region_is_refused(
    browser: Client, house: House, data: dict[str, str]
) -> None:
    hours = make_hours(house.account, country="DE")

    answer = post(browser, hours, "holidays", **data)

    assert answer.status_code == 200
    assert "Not saved:" in answer.content.decode()
    hours.refresh_from_db()
    assert (hours.country, hours.region) == ("DE", "")


# --- Exceptions ---


def test_a_few_days_are_closed_and_open_again(browser: Client, hours: BusinessHours) -> None:
    post(browser, hours, "day", first="2026-12-24", last="2026-12-26", name="Xmas")
    text = browser.get(url(hours)).content.decode()

    assert hours.special_days.count() == 3
    assert "Thu 24 Dec 2026 – Sat 26 Dec 2026" in text

    hours.refresh_from_db()
    post(browser, hours, "remove", days="2026-12-24/2026-12-26")
    assert hours.special_days.count() == 0


def test_a_day_gets_other_hours(browser: Client, hours: BusinessHours) -> None:
    post(browser, hours, "day", first="2026-12-24", open="9-12, 13:00–15:30", name="Short")

    (day,) = hours.calendar().special_days
    assert day.openings == (Opening(540, 720), Opening(780, 930))
    hours.refresh_from_db()
    post(browser, hours, "day", first="2026-12-31", open="20:00 to 2:00", next_day="on")
    assert hours.calendar().special_days[1].openings == (Opening(1200, 1560),)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"first": "2026-11-25"}, "This day is past."),
        ({"first": "2062-11-25"}, "Is the year right?"),
        ({"first": "2026-12-24", "last": "2026-12-23"}, "This is before the first day."),
        ({"first": "2026-12-24", "last": "2028-12-23"}, "This is longer than a year."),
        ({"first": "2026-12-24", "open": "9"}, "is not from one time to another"),
        ({"first": "2026-12-24", "open": "9-8"}, "Does it end on the next day?"),
        ({"first": "2026-12-24", "open": "9-12, 11-13"}, "09:00–12:00 and 11:00–13:00 overlap."),
        ({"first": "soon"}, "Enter a valid date."),
        ({"first": ""}, "This field is required."),
        ({"first": "2026-12-25"}, "2026-12-25 is in the list already: Duty 09:00–17:00."),
    ],
)
def test_a_wrong_exception_is_refused_at_its_field(
    browser: Client, house: House, data: dict[str, str], words: str
) -> None:
    hours = make_hours(house.account, special_days=(SpecialDay(CHRISTMAS, "Duty", NINE_TO_FIVE),))

    text = post(browser, hours, "day", **data).content.decode()

    assert text.count(words) == 2
    assert hours.special_days.count() == 1


def test_an_exception_is_replaced_when_asked(browser: Client, house: House) -> None:
    hours = make_hours(house.account, special_days=(SpecialDay(CHRISTMAS, "Duty", NINE_TO_FIVE),))

    post(browser, hours, "day", first="2026-12-25", name="Off", replace="on")

    assert hours.calendar().special_days == (SpecialDay(CHRISTMAS, "Off"),)


# --- Files ---


def test_a_file_is_seen_before_it_is_saved_and_saved_once(
    browser: Client, hours: BusinessHours
) -> None:
    upload = SimpleUploadedFile("days.ics", FILE, "text/calendar")
    preview = post(browser, hours, "file", file=upload)

    text = preview.content.decode()
    assert "Thu 24 Dec 2026 – Sat 26 Dec 2026" in text
    assert "Odd: we do not know how it is repeated." in text
    assert hours.special_days.count() == 0

    post(browser, hours, "import", days=preview.context["preview"]["days"])
    assert hours.special_days.count() == 4

    hours.refresh_from_db()
    again = post(browser, hours, "file", text=FILE.decode()).content.decode()
    assert "Nothing in this file would change anything." in again
    assert "4 days are there already." in again


def test_a_file_shows_what_it_would_change(browser: Client, house: House) -> None:
    known = SpecialDay(date(2026, 12, 31), "Party", NINE_TO_FIVE)
    hours = make_hours(house.account, special_days=(known,))

    text = post(browser, hours, "file", text=FILE.decode()).content.decode()

    assert "09:00–17:00 Party</del>" in text
    assert "09:00–12:00 New Year&#x27;s Eve</ins>" in text


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({}, "Choose a file, or paste what it contains."),
        ({"text": "hello"}, "This is not a calendar file"),
        ({"text": "BEGIN:VCALENDAR"}, "The file is cut off"),
    ],
)
def test_a_wrong_file_is_refused_in_words(
    browser: Client, hours: BusinessHours, data: dict[str, str], words: str
) -> None:
    assert post(browser, hours, "file", **data).content.decode().count(words) == 2


def test_a_file_that_is_too_large_is_refused_in_words(
    browser: Client, hours: BusinessHours
) -> None:
    upload = SimpleUploadedFile("days.ics", b"BEGIN:VCALENDAR" + b"\n" * 1024 * 1024)

    answer = post(browser, hours, "file", file=upload)

    assert "The file is larger than 1 MB." in answer.content.decode()


def test_a_preview_of_other_hours_is_not_saved(
    browser: Client, house: House, hours: BusinessHours
) -> None:
    other = make_hours(house.account)
    days = post(browser, other, "file", text=FILE.decode()).context["preview"]["days"]

    for text in (days, days[:-3], "", "x"):
        assert "too old" in post(browser, hours, "import", days=text).content.decode()

    assert hours.special_days.count() == 0


def test_a_preview_stays_when_somebody_else_changed_one_of_its_days(
    browser: Client, hours: BusinessHours, ada: User, now: datetime
) -> None:
    days = post(browser, hours, "file", text=FILE.decode()).context["preview"]["days"]
    theirs = [SpecialDay(CHRISTMAS, "Duty", NINE_TO_FIVE)]
    save_special_days(hours=hours, days=theirs, version=1, by=ada, now=now)

    refused = post(browser, hours, "import", version=1, days=days)

    assert "somebody changed this while you were at it" in refused.content.decode()
    assert hours.special_days.count() == 1
    preview, version = refused.context["preview"], refused.context["version"]
    assert len(preview["changed"]) == 1
    post(browser, hours, "import", version=version, days=preview["days"])
    assert hours.special_days.count() == 4


# --- Inboxes ---


def test_inboxes_are_given_hours_and_let_go(
    browser: Client, house: House, hours: BusinessHours
) -> None:
    post(browser, hours, "inboxes", inbox=[house.inbox.pk])
    house.inbox.refresh_from_db()
    assert house.inbox.hours == hours

    post(browser, hours, "inboxes", seen=[house.inbox.pk])
    house.inbox.refresh_from_db()
    assert house.inbox.hours is None

    told = AuditEntry.objects.filter(action="inbox_changed").order_by("id")
    assert [entry.data["changes"]["hours"]["after"] for entry in told] == ["Support", None]


def test_an_inbox_that_somebody_else_took_meanwhile_stays_theirs(
    house: House, hours: BusinessHours, ada: User, now: datetime
) -> None:
    other = make_hours(house.account)
    house.inbox.hours = other
    house.inbox.save()

    changed = choose_inboxes(hours=hours, chosen=[], seen=[house.inbox.pk], by=ada, now=now)

    assert changed == []


def test_an_inbox_of_another_account_is_nobodys_to_choose(
    browser: Client, hours: BusinessHours
) -> None:
    elsewhere = make_inbox(make_account("Umbrella"))

    post(browser, hours, "inboxes", inbox=[elsewhere.pk, "x", 2**62])

    elsewhere.refresh_from_db()
    assert elsewhere.hours is None


# --- Two at once ---


def test_the_second_of_two_admins_sees_what_the_first_did_and_keeps_what_they_wrote(
    browser: Client, house: House, hours: BusinessHours, now: datetime
) -> None:
    bert = make_user(house.account, "Bert", works_as=User.Role.ACCOUNT_ADMIN)
    save_week(hours=hours, week=ALWAYS_OPEN, version=1, by=bert, now=now)
    written = week_data(make_hours(house.account), d0_0_from="07:11")

    refused = post(browser, hours, "week", version=1, **written)

    text = refused.content.decode()
    assert "somebody changed this while you were at it" in text
    assert "Bert" in text
    assert "09:00–17:00" in text
    assert "00:00–24:00" in text
    assert 'value="07:11"' in text
    assert hours.week() == ALWAYS_OPEN

    post(browser, hours, "week", version=refused.context["version"], **written)
    assert hours.week()[0] == (Opening(431, 1020),)


def test_what_another_admin_changed_on_another_card_is_in_nobodys_way(
    browser: Client, hours: BusinessHours, ada: User, now: datetime
) -> None:
    save_name_and_zone(hours=hours, name="New", zone="UTC", version=1, by=ada, now=now)

    answer = post(browser, hours, "day", version=1, first="2026-12-24")

    assert answer.status_code == 302


def test_hours_that_are_gone_are_told_so(
    house: House, hours: BusinessHours, ada: User, now: datetime
) -> None:
    pk = hours.pk
    hours.delete()
    hours.pk = pk

    with pytest.raises(HoursError, match="deleted these hours"):
        save_week(hours=hours, week=ALWAYS_OPEN, version=1, by=ada, now=now)
    with pytest.raises(HoursError, match="deleted these hours"):
        choose_inboxes(hours=hours, chosen=[house.inbox.pk], seen=[], by=ada, now=now)


@pytest.mark.django_db(transaction=True)
def test_hours_are_never_deleted_from_under_an_inbox(now: datetime) -> None:
    account = make_account("Acme")
    ada = make_user(account, "Ada")
    for _ in range(5):
        hours, inbox = make_hours(account), make_inbox(account)
        begin = threading.Barrier(2)
        refused: list[str] = []

        def work(story: Callable[[], object], begin=begin, refused=refused) -> None:
            begin.wait()
            try:
                story()
            except HoursError as error:
                refused.append(error.reason)
            finally:
                connection.close()

        def choose(hours=hours, inbox=inbox) -> None:
            choose_inboxes(hours=hours, chosen=[inbox.pk], seen=[], by=ada, now=now)

        def delete(hours=hours) -> None:
            delete_unused_hours(hours=hours, by=ada, now=now)

        threads = [threading.Thread(target=work, args=[story]) for story in (choose, delete)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        inbox.refresh_from_db()
        is_there = BusinessHours.objects.filter(pk=hours.pk).exists()
        assert len(refused) == 1
        assert (inbox.hours_id == hours.pk) is is_there


# --- What the page says ---


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"week": ALWAYS_OPEN}, "Always open"),
        ({"week": NEVER_OPEN}, "Closed, and not open within a year"),
        ({"country": "US"}, "Closed (Thanksgiving Day), opens at 09:00 on Fri 27 Nov 2026"),
        ({"zone": "Asia/Tokyo"}, "Closed, opens at 09:00"),
        ({"week": ((Opening(1200, 1560),),) * 7}, "Closed, opens at 20:00"),
        ({"week": ((Opening(900, 1560),),) * 7}, "Open, closes at 02:00 on Fri 27 Nov 2026"),
    ],
)
def test_the_page_says_whether_it_is_open_and_until_when(
    browser: Client, house: House, fields: dict[str, Any], words: str
) -> None:
    hours = make_hours(house.account, **{"zone": "Europe/Berlin", **fields})

    assert words in browser.get(url(hours)).content.decode()


def test_an_unknown_card_changes_nothing(browser: Client, hours: BusinessHours) -> None:
    assert post(browser, hours, "nonsense").status_code == 302


def test_pages_ask_few_questions(
    browser: Client, house: House, django_assert_max_num_queries: Any
) -> None:
    for n in range(5):
        special = tuple(SpecialDay(date(2026, 12, day), "", NINE_TO_FIVE) for day in range(1, 28))
        hours = make_hours(house.account, special_days=special)
        make_inbox(house.account, f"Team {n}", hours=hours)

    with django_assert_max_num_queries(9):
        browser.get(reverse("settings_hours"))
    with django_assert_max_num_queries(9):
        browser.get(url(hours))
