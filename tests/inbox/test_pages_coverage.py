"""Does an admin see who could receive a message in which hour, and where nobody could?"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from accounts.models import Account, FeatureGrant, License, LicensePool, Membership, User
from inbox.models import TeamInbox
from inbox.setup.availability import choose_plan
from routing.hours import ALWAYS_OPEN, Opening
from tests.conftest import House
from tests.factories import make_hours, make_inbox, make_user

Login = Callable[[User], Client]
# Thursday, 16:00 in Berlin.
NOW = datetime(2026, 11, 26, 15, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _clock():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def ada(house: House) -> User:
    house.inbox.hours = make_hours(house.account, "Office", zone="Europe/Berlin", country="DE")
    house.inbox.time_zone = "Europe/Berlin"
    house.inbox.save()
    return make_user(house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN)


@pytest.fixture
def browser(ada: User, login: Login) -> Client:
    return login(ada)


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def week(browser: Client, slug: str = "support", on: str = "") -> list[list[str]]:
    """Return the words of each cell: a row for each hour, Monday first."""
    answer = browser.get(reverse("settings_inbox_coverage", args=[slug]), {"week": on})
    assert answer.status_code == 200
    rows = re.findall(r"<tr>(.*?)</tr>", answer.content.decode(), re.DOTALL)
    return [
        [words(cell) for cell in re.findall(r"<td.*?>(.*?)</td>", row, re.DOTALL)] for row in rows
    ][1:]


def page(browser: Client, slug: str = "support", **asked: str) -> str:
    place = reverse("settings_inbox_coverage", args=[slug])
    return words(browser.get(place, asked).content.decode())


def overview(browser: Client, **asked: str) -> str:
    return words(browser.get(reverse("settings_coverage"), asked).content.decode())


def test_each_hour_names_who_could_receive_a_message(browser: Client) -> None:
    hours = week(browser)

    assert hours[8] == ["closed"] * 7
    assert hours[9] == ["Alice, Bob, Sue"] * 5 + ["closed"] * 2
    assert "Somebody is there whenever this inbox is open." in page(browser)
    assert "09:00–17:00 3 people" in overview(browser)
    assert "Somebody is there whenever an inbox is open." in overview(browser)


def test_a_gap_is_red_and_said_in_words_with_a_mark(browser: Client, house: House) -> None:
    License.objects.update(ends_at=datetime(2026, 11, 26, 11, 30, tzinfo=UTC))

    hours = week(browser)
    html = browser.get(reverse("settings_inbox_coverage", args=["support"])).content.decode()

    assert hours[12][3] == "12:00–12:30 Alice, Bob, Sue 12:30–13:00 Nobody"
    assert hours[13][3:5] == ["Nobody", "Nobody"]
    assert "Nobody could receive a message:" in page(browser)
    assert "Thu 26 Nov: 12:30–17:00" in page(browser)
    gap = re.search(r'<td class="coverage-gap">.*?</td>', html, re.DOTALL)
    assert gap is not None
    assert "triangle-alert" in gap[0]
    assert "In 1 inbox customers meet nobody" in overview(browser)
    assert "12:30–17:00 nobody" in overview(browser)


def test_who_is_not_counted_is_told_with_the_reason(browser: Client, house: House) -> None:
    team, account = house.inbox.team, house.account
    make_user(account, "Olga", team=team, role=Membership.Role.OBSERVER)
    make_user(account, "Nora", team=team, is_licensed=False)
    make_user(account, "Gone", team=team, is_active=False)
    make_user(account, "Audrey", team=team, works_as=User.Role.AUDITOR)

    text = page(browser)

    assert "Olga: only observes" in text
    assert "Nora: no licence" in text
    assert "Gone: not active" in text
    assert "Audrey: an auditor" in text
    assert week(browser)[9][0] == "Alice, Bob, Sue"


def test_who_is_away_is_left_out_of_this_hour_alone(browser: Client, house: House) -> None:
    User.objects.filter(pk__in=[house.alice.pk, house.bob.pk]).update(availability="away")

    hours = week(browser)

    assert hours[16][3] == "Sue"
    assert hours[15][3] == "Alice, Bob, Sue"
    assert "Away now: Alice, Bob" in page(browser)
    assert "Who has no plan counts at any hour" in page(browser)


def test_who_works_by_a_plan_counts_while_it_is_open(
    browser: Client, house: House, ada: User
) -> None:
    early = make_hours(
        house.account, "Early", week=((Opening(6 * 60, 12 * 60),),) * 7, zone="Europe/Berlin"
    )
    for person in (house.alice, house.bob, house.sue):
        choose_plan(user=person, hours=early, seen=None, by=ada, now=NOW)

    cells = week(browser, on="2026-12-01")

    assert cells[11][0] == "Alice, Bob, Sue"
    assert cells[12][0] == "Nobody"
    assert cells[7][0] == "closed"
    assert "12:00–17:00" in page(browser, week="2026-12-01")
    assert "Alice : works by Early" in page(browser)
    assert "09:00–12:00 3 people" in overview(browser, week="2026-12-01")
    assert "12:00–17:00 nobody" in overview(browser, week="2026-12-01")


def test_many_names_are_behind_a_click_and_all_there(browser: Client, house: House) -> None:
    for name in ("Cleo", "Dan"):
        make_user(house.account, name, team=house.inbox.team)

    html = browser.get(reverse("settings_inbox_coverage", args=["support"])).content.decode()

    assert week(browser)[9][0] == "Alice, Bob and 3 more Cleo, Dan, Sue"
    assert "<details><summary>Alice, Bob and 3 more</summary>Cleo, Dan, Sue</details>" in html


def test_other_weeks_have_their_holidays(browser: Client) -> None:
    assert "Thu 24 Dec" not in page(browser)

    christmas = page(browser, week="2026-12-25")

    assert "Mon 21 Dec to Sun 27 Dec 2026" in christmas
    assert "Fri 25 Dec Christmas Day" in christmas
    assert week(browser, on="2026-12-25")[9][4] == "closed"
    assert "Christmas Day closed" in overview(browser, week="2026-12-25")


@pytest.mark.parametrize("asked", ["", "nonsense", "0001-01-01", "9999-12-31", "2026-13-01"])
def test_a_week_that_is_none_is_this_week(browser: Client, asked: str) -> None:
    assert "Mon 23 Nov to Sun 29 Nov 2026" in page(browser, week=asked)


def test_the_change_of_the_clock_is_told(browser: Client, house: House) -> None:
    house.inbox.hours = None
    house.inbox.save()

    spring = week(browser, on="2026-03-29")
    autumn = week(browser, on="2026-10-25")

    assert spring[2][6] == "skipped: the clock goes forward"
    assert autumn[2][6].startswith("twice: the clock goes back")
    assert "It keeps no business hours, so it is always open." in page(browser)


def test_nights_and_the_end_of_the_day_are_written_as_people_do(
    browser: Client, house: House
) -> None:
    night = (*[()] * 6, (Opening(1320, 1800),))
    hours = make_hours(house.account, "Nights", week=night, zone="Europe/Berlin")
    TeamInbox.objects.update(hours=hours)

    assert "22:00–24:00 3 people" in overview(browser)
    assert "00:00–06:00 3 people" in overview(browser)


def test_an_inbox_that_is_off_receives_nobody(browser: Client, house: House) -> None:
    TeamInbox.objects.update(is_on=False)

    assert "This inbox is switched off: nobody is alerted." in page(browser)
    assert week(browser)[9][0] == "Nobody"


def test_a_feature_that_ends_ends_the_coverage(browser: Client, house: House) -> None:
    FeatureGrant.objects.filter(feature="team_inbox").update(
        ends_at=datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
    )

    assert "Team Inbox is off for this account now" in page(browser)
    assert [row[3] for row in week(browser)[12:14]] == ["Alice, Bob, Sue", "Nobody"]


def test_a_suspended_account_says_so(browser: Client, house: House) -> None:
    Account.objects.update(status="suspended")

    answer = browser.get(reverse("settings_inbox_coverage", args=["support"]))

    assert answer.status_code in (200, 302, 403, 404)
    if answer.status_code == 200:
        assert "This account is suspended" in words(answer.content.decode())


def test_supervisors_see_theirs_where_they_set_the_hours(
    house: House, ada: User, login: Login
) -> None:
    make_inbox(house.account, "Sales")
    assert login(house.sue).get(reverse("settings_coverage")).status_code == 404
    TeamInbox.objects.filter(pk=house.inbox.pk).update(supervisors_may_set_up=True)

    sue = login(house.sue)

    assert "Support" in overview(sue)
    assert "Sales" not in overview(sue)
    assert sue.get(reverse("settings_inbox_coverage", args=["support"])).status_code == 200
    assert sue.get(reverse("settings_inbox_coverage", args=["sales"])).status_code == 404


def test_nobody_of_another_account_is_counted(browser: Client, house: House, charlie: User) -> None:
    Membership.objects.create(team=house.inbox.team, user=charlie, role=Membership.Role.AGENT)

    assert "Charlie" not in page(browser)
    assert "Charlie" not in overview(browser)


def test_twenty_inboxes_and_two_hundred_people_take_few_questions(
    browser: Client, house: House, django_assert_max_num_queries: Any
) -> None:
    pool = LicensePool.objects.get()
    people = User.objects.bulk_create(
        User(email=f"p{n}@example.com", name=f"Person {n:03}", account=house.account)
        for n in range(200)
    )
    License.objects.bulk_create(
        License(pool=pool, holder=person, starts_at=pool.starts_at) for person in people
    )
    for n in range(20):
        hours = make_hours(house.account, f"Hours {n}", week=ALWAYS_OPEN, country="US")
        inbox = make_inbox(house.account, f"Team {n:02}", hours=hours)
        Membership.objects.bulk_create(
            Membership(team=inbox.team, user=person) for person in people[n * 10 : n * 10 + 10]
        )
    Membership.objects.bulk_create(
        Membership(team=house.inbox.team, user=person) for person in people
    )

    overview(browser)
    with django_assert_max_num_queries(19):
        text = overview(browser)
    with django_assert_max_num_queries(19):
        assert "Person 199" in page(browser)

    assert "Team 19" in text
    assert "00:00–24:00 10 people" in text
    assert "09:00–17:00 203 people" in text
