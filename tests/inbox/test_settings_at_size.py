"""Can an admin of 200 teams, 2,000 people and 500 numbers still find their way in the settings?"""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.hashers import make_password
from django.test import Client
from django.utils import timezone

from accounts.models import License, LicensePool, Membership, Team, User
from inbox.models import Sender, TeamInbox
from tests.conftest import House
from tests.factories import LONG_AGO, make_user

Login = Callable[[User], Client]
LICENCES, TEAMS, HOME = "/settings/licences/", "/settings/teams/", "/settings/"
NUMBERS = "/settings/inboxes/support/numbers/"
PAGE = 50


@pytest.fixture
def ada(house: House) -> User:
    return make_user(house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN, is_licensed=False)


@pytest.fixture
def browser(ada: User, login: Login) -> Client:
    return login(ada)


def crowd(house: House, count: int, *, team: Team | None = None, licensed: bool) -> list[User]:
    password = make_password(None)
    people = User.objects.bulk_create(
        User(
            email=f"p{n}.{licensed}@crowd.example",
            # Names repeat: the key of a page must not depend on them alone.
            name=f"Person {n % 40:02}",
            account=house.account,
            password=password,
        )
        for n in range(count)
    )
    if team:
        Membership.objects.bulk_create(Membership(team=team, user=one) for one in people)
    if licensed:
        pool = LicensePool.objects.get(account=house.account)
        License.objects.bulk_create(
            License(pool=pool, holder=one, starts_at=LONG_AGO) for one in people
        )
    return people


def walk(browser: Client, path: str, keys: Callable[[Any], list[Any]]) -> list[Any]:
    """Follow the links to the next page until there is none; return what the pages list."""
    seen: list[Any] = []
    query = ""
    while True:
        page = browser.get(f"{path}?{query}")
        shown = keys(page)
        assert len(shown) <= PAGE
        seen += shown
        query = page.context["next"]
        if not query:
            return seen


# --- Licences ------------------------------------------------------------------------------------


def test_every_holder_of_a_seat_is_on_exactly_one_page(house: House, browser: Client) -> None:
    crowd(house, 130, licensed=True)

    def holders(page: Any) -> list[int]:
        return [seat.license.pk for seat in page.context["fit"].seats]

    seen = walk(browser, LICENCES, holders)

    assert sorted(seen) == sorted(License.objects.values_list("pk", flat=True))


def test_people_are_found_by_name_address_or_team(house: House, browser: Client) -> None:
    sales = Team.objects.create(account=house.account, name="Sales")
    TeamInbox.objects.create(team=sales, account=house.account, name="Sales", slug="sales")
    crowd(house, 90, team=sales, licensed=False)
    nora = make_user(house.account, "Nora", team=sales, is_licensed=False)

    everybody = browser.get(LICENCES)
    assert len(everybody.context["without"]) == PAGE
    assert len(everybody.context["fit"].blocked) == 10
    assert "All of them are in the CSV." in everybody.text
    assert "There are more: search for a name or a team." in everybody.text
    for words in ("nora", nora.email):
        page = browser.get(LICENCES, {"q": words})
        assert [one for one, _chosen in page.context["without"]] == [nora]
        assert [one.person for one in page.context["fit"].blocked] == [nora]
        assert page.context["fit"].seats == ()
    of_sales = browser.get(LICENCES, {"q": "sales"})
    assert len(of_sales.context["without"]) == PAGE
    assert len(browser.get(LICENCES, {"q": "%"}).context["without"]) == 0


def test_who_was_ticked_stays_ticked_when_it_is_refused(house: House, browser: Client) -> None:
    people = crowd(house, 120, licensed=False)
    last = max(people, key=lambda one: (one.name, one.email))
    pool = LicensePool.objects.get(account=house.account)
    give = {"pool": pool.pk, "holders": [last.pk], "ends_at": "2020-01-01T00:00"}

    page = browser.post(f"{LICENCES}assign/", give)

    assert page.status_code == 422
    assert (last, True) in page.context["without"], "although no first page shows them"
    assert f'value="{last.pk}" checked' in page.text


def test_only_unused_seats_are_shown_and_all_of_them_counted(house: House, browser: Client) -> None:
    people = crowd(house, 70, licensed=True)
    now = timezone.now()
    User.objects.filter(pk__in=[one.pk for one in people[:5]]).update(last_login=now)
    User.objects.filter(pk__in=[house.alice.pk, house.bob.pk]).update(last_login=now)

    page = browser.get(LICENCES)
    assert page.context["fit"].unused_number == 66
    assert "66 seats have not been used for 30 days." in page.text
    unused = browser.get(LICENCES, {"unused": "1"})

    assert unused.context["fit"].unused_number == 66
    assert all(seat.is_unused for seat in unused.context["fit"].seats)
    assert "unused=1" in unused.context["next"]


def test_the_report_as_csv_holds_everybody(house: House, browser: Client) -> None:
    crowd(house, 60, licensed=True)
    crowd(house, 60, team=house.inbox.team, licensed=False)

    answer = browser.post(f"{LICENCES}export/")

    lines = b"".join(answer.streaming_content).decode().splitlines()  # type: ignore[attr-defined]
    assert len(lines) == 1 + 63 + 60


def test_a_seat_is_handed_over_to_somebody_who_had_to_be_searched(
    house: House, browser: Client
) -> None:
    crowd(house, 80, licensed=False)
    zoe = make_user(house.account, "Zoe", is_licensed=False)
    url = f"{LICENCES}{License.objects.get(holder=house.alice).pk}/take-away/"

    first, found = browser.get(url), browser.get(url, {"q": "zoe"})
    assert first.text.count("<option") == PAGE + 1
    assert zoe.email not in first.text
    assert "search for a name or a team above" in first.text
    assert zoe.email in found.text
    refused = browser.post(url, {"reason": "", "to": zoe.pk})

    assert f'value="{zoe.pk}" selected' in refused.text


# --- Teams ---------------------------------------------------------------------------------------


@pytest.fixture
def regions(house: House) -> list[Team]:
    """200 teams, each with an inbox."""
    teams = Team.objects.bulk_create(
        Team(account=house.account, name=f"Region {n:03}") for n in range(200)
    )
    TeamInbox.objects.bulk_create(
        TeamInbox(team=one, account=house.account, name=one.name, slug=f"region-{one.pk}")
        for one in teams
    )
    return teams


def test_every_team_is_on_exactly_one_page(
    house: House, browser: Client, regions: list[Team]
) -> None:
    everything = sorted(Team.objects.filter(account=house.account).values_list("pk", flat=True))

    listed = walk(browser, TEAMS, lambda page: [one.pk for one in page.context["teams"]])
    at_home = walk(
        browser, HOME, lambda page: [line.team.pk for line in page.context["overview"].lines]
    )

    assert sorted(listed) == sorted(at_home) == everything


@pytest.mark.parametrize("path", [TEAMS, HOME])
def test_a_team_is_found_by_its_name(browser: Client, regions: list[Team], path: str) -> None:
    page = browser.get(path, {"q": "region 17"}).text

    assert "Region 170" in page
    assert "Region 001" not in page
    assert "No team is called that." in browser.get(path, {"q": "zzz"}).text


@pytest.mark.parametrize("path", [TEAMS, HOME])
def test_teams_of_others_are_found_by_nobody(browser: Client, charlie: User, path: str) -> None:
    team = charlie.teams.get()
    Team.objects.filter(pk=team.pk).update(name="Secret plan")

    for asked in ({"q": "secret"}, {"after": str(team.pk)}):
        assert "Secret plan" not in browser.get(path, asked).text


def test_two_hundred_teams_do_not_stand_between_an_address_and_its_invitation(
    browser: Client, regions: list[Team]
) -> None:
    page = browser.get("/settings/people/invite/").text

    assert "<details" in page
    assert "Choose from 201 teams" in page


# --- Numbers -------------------------------------------------------------------------------------


@pytest.fixture
def numbers(house: House) -> list[Sender]:
    """500 numbers of one inbox."""
    return Sender.objects.bulk_create(
        Sender(
            account=house.account,
            inbox=house.inbox,
            twilio_account=house.sender.twilio_account,
            address=f"+1555020{n:04}",
            kind="number",
        )
        for n in range(500)
    )


def test_every_number_is_on_exactly_one_page(
    house: House, browser: Client, numbers: list[Sender]
) -> None:
    def lines(page: Any) -> list[int]:
        return [line["sender"].pk for line in page.context["lines"]]

    assert sorted(walk(browser, NUMBERS, lines)) == sorted(
        house.inbox.senders.values_list("pk", flat=True)
    )


@pytest.mark.parametrize("words", ["0200123", "020 (01) 23", "+1555-020-0123"])
def test_a_number_is_found_as_people_write_it(
    browser: Client, numbers: list[Sender], words: str
) -> None:
    lines = browser.get(NUMBERS, {"q": words}).context["lines"]

    assert [line["sender"].address for line in lines] == ["+15550200123"]


def test_moving_is_asked_once_and_not_beside_every_number(
    house: House, browser: Client, numbers: list[Sender], regions: list[Team]
) -> None:
    plain = browser.get(NUMBERS)
    page = browser.get(NUMBERS, {"move": numbers[7].pk})

    assert "Region 100" not in plain.text
    assert f"Move {numbers[7].address} to another inbox" in page.text
    assert page.text.count("Region 100") == 1
    assert browser.get(NUMBERS, {"move": "9" * 30}).status_code == 200
    assert browser.get(NUMBERS, {"move": numbers[-1].pk + 999}).status_code == 404
