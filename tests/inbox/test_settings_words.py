"""Do pages say what was done, whom to ask, why, and what will be lost? In which time zone?"""

import re
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from django.test import Client
from django.utils import timezone

from accounts.audit import record
from accounts.models import (
    Account,
    FeatureGrant,
    FeatureRequest,
    Invitation,
    License,
    LicensePool,
    Membership,
    SignOn,
    User,
)
from inbox.models import WhatsAppSync
from routing.models import BusinessHours
from tests.conftest import House
from tests.factories import make_hours, make_user

Login = Callable[[User], Client]
# Half past seven in the evening in Kolkata.
AT = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)
THERE = "2 Mar 2026, 19:30 IST"


@pytest.fixture
def ada(house: House) -> User:
    return make_user(house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN, is_licensed=False)


@pytest.fixture
def browser(ada: User, login: Login) -> Client:
    return login(ada)


# --- Whom to ask ---------------------------------------------------------------------------------


def test_who_has_no_licence_reads_whom_to_ask(
    house: House, ada: User, login: Login, charlie: User
) -> None:
    assert charlie.account
    make_user(charlie.account, "Otto Other", works_as=User.Role.ACCOUNT_ADMIN)
    make_user(house.account, "Gone Girl", works_as=User.Role.ACCOUNT_ADMIN, is_active=False)
    nora = make_user(house.account, "Nora", team=house.inbox.team, is_licensed=False)

    page = login(nora).get("/").text

    assert "You need a Pro-CX licence" in page
    assert "Ada" in page
    assert ada.email in page
    assert "Otto Other" not in page
    assert "Gone Girl" not in page


def test_while_it_is_off_people_read_who_can_ask_for_it(
    house: House, ada: User, login: Login
) -> None:
    FeatureGrant.objects.filter(account=house.account).delete()

    page = login(house.alice).get("/").text

    assert "Team Inbox is not switched on" in page
    assert ada.email in page


def test_everybody_reads_why_the_account_is_suspended(
    house: House, browser: Client, login: Login
) -> None:
    Account.objects.filter(pk=house.account.pk).update(
        status=Account.Status.SUSPENDED, suspended_reason="Two bills are open"
    )

    for page in (
        login(house.alice).get("/"),
        browser.get("/settings/"),
        browser.get("/settings/features/"),
    ):
        assert "Your account is suspended" in page.text
        assert "Two bills are open" in page.text


def test_an_account_without_the_feature_is_led_to_where_it_asks(
    house: House, browser: Client
) -> None:
    FeatureGrant.objects.filter(account=house.account).delete()

    page = browser.get("/settings/").text

    assert house.account.partner.name in page
    assert 'href="/settings/features/">Ask for it' in page


# --- Which time ----------------------------------------------------------------------------------


@pytest.fixture
def in_india(house: House) -> None:
    Account.objects.filter(pk=house.account.pk).update(time_zone="Asia/Kolkata")


@pytest.mark.usefixtures("in_india")
def test_records_tell_times_in_the_zone_of_the_account_and_name_it(
    house: House, browser: Client
) -> None:
    record(action="team_made", subject="Sales", now=AT, account_id=house.account.pk)
    WhatsAppSync.objects.create(
        twilio_account=house.sender.twilio_account, asked_at=AT, answered_at=AT
    )
    Invitation.objects.create(
        account=house.account, email="ivy@acme.com", invited_at=AT, sent_at=AT, expires_at=AT
    )

    for path in ("audit", "whatsapp"):
        assert THERE in browser.get(f"/settings/{path}/").text, path
    assert "expired" in browser.get("/settings/people/").text
    Invitation.objects.update(expires_at=datetime(2126, 3, 2, 14, 0, tzinfo=UTC))
    assert THERE in browser.get("/settings/people/").text


@pytest.mark.usefixtures("in_india")
def test_seats_to_give_say_in_which_zone_they_end(house: House, browser: Client) -> None:
    end = datetime(2126, 12, 31, 20, 0, tzinfo=UTC)
    pools = LicensePool.objects.filter(account=house.account)
    LicensePool.objects.create(account=house.account, seats=7, starts_at=AT, ends_at=end)

    assert "7 × Pro-CX until 1 Jan 2127, 01:30 IST" in browser.get("/settings/licences/").text
    pools.filter(seats=7).update(ends_at=datetime(9999, 12, 31, 23, 59, tzinfo=UTC))
    page = browser.get("/settings/licences/")
    assert page.status_code == 200, "no clock in India shows that moment"
    assert "31 Dec 9999, 23:59 UTC" in page.text


# --- What was done -------------------------------------------------------------------------------


def test_what_was_saved_is_said(house: House, browser: Client) -> None:
    part = Membership.objects.get(user=house.bob)
    team, hours = part.team_id, make_hours(house.account, "Desk")
    name = {"card": "name", "name": "Shop", "zone": "Europe/Vienna", "version": hours.version}

    for path, data, words in (
        (
            f"people/{house.bob.pk}/",
            {"role": "auditor", "looked": "1"},
            "Bob has the role “Auditor” now.",
        ),
        (f"teams/{team}/", {"name": "Help"}, "The team is called “Help” now."),
        (f"teams/{team}/members/{part.pk}/role/", {"role": "supervisor"}, "Bob in Help: Supervis"),
        ("log-in/", {"idle_minutes": "30"}, "Who is away for 30 minutes is logged out."),
        (f"hours/{hours.pk}/", name, "Name and time zone are saved."),
        # From here on nothing opens but the page on which Ada sets one up.
        ("log-in/", {"requires_second_factor": "on"}, "Everybody needs a second factor."),
    ):
        page = browser.post(f"/settings/{path}", data, follow=True).text
        assert words in page, path


def test_a_request_that_is_too_long_keeps_its_words(house: House, browser: Client) -> None:
    words = "We need it. " * 50

    page = browser.post("/settings/features/ask/", {"feature": "custom_routing", "words": words})

    assert page.status_code == 422
    assert "At most 500 letters reach your partner; these are 599." in page.text
    assert words.strip() in page.text
    assert not FeatureRequest.objects.exists()


# --- What would be lost --------------------------------------------------------------------------


def test_hours_are_deleted_after_a_look(house: House, browser: Client) -> None:
    spare = make_hours(house.account, "Spare")
    path = f"/settings/hours/{spare.pk}/delete/"

    look = browser.get(path)
    assert "Delete Spare?" in look.text
    assert BusinessHours.objects.filter(pk=spare.pk).exists()
    done = browser.post(path, follow=True)

    assert "Spare is deleted." in done.text


def test_company_sign_in_is_removed_after_a_look(house: House, browser: Client) -> None:
    SignOn.objects.create(
        account=house.account, issuer="https://id.acme.com", client_id="x", domains=["acme.com"]
    )
    ivy = make_user(house.account, "Ivy")
    ivy.set_unusable_password()
    ivy.save()
    path = "/settings/log-in/company/remove/"

    look = browser.get(path)
    assert "Remove company sign-in?" in look.text
    assert "1 person has no password" in look.text
    assert SignOn.objects.exists()
    browser.post(path)

    assert not SignOn.objects.exists()
    assert browser.get(path).status_code == 302, "there is nothing to ask any more"


# --- Two at once ---------------------------------------------------------------------------------


def test_what_somebody_else_changed_meanwhile_is_not_overwritten_unseen(
    house: House, browser: Client
) -> None:
    person, team = f"/settings/people/{house.bob.pk}/", f"/settings/teams/{house.inbox.team_id}/"
    for path, data, words in (
        (person, {"role": "account_admin", "seen": "auditor"}, "the role is “Member"),
        (team, {"name": "Help", "seen": "Desk"}, "Somebody else called it “Support” meanwhile."),
    ):
        page = browser.post(path, data)
        assert words in page.text, path
        assert "Not saved" in page.text
        # The page that comes back knows what is there now: sent again, it is meant.
        seen = re.search(r'name="seen" value="([^"]*)"', page.text)
        assert seen
        assert browser.post(path, {**data, "seen": seen[1]}).status_code == 302, path


def test_a_seat_that_is_gone_already_is_said(house: House, browser: Client) -> None:
    path = f"/settings/licences/{License.objects.get(holder=house.alice).pk}/take-away/"
    License.objects.filter(holder=house.alice).update(ends_at=timezone.now())

    again = browser.post(path, {"reason": "Left"}, follow=True)

    assert again.status_code == 200
    assert "This seat was taken away already." in again.text


def test_who_got_a_seat_meanwhile_is_said_in_words(house: House, browser: Client) -> None:
    pool = LicensePool.objects.get(account=house.account)

    page = browser.post(
        "/settings/licences/assign/", {"pool": pool.pk, "holders": [house.alice.pk]}
    )

    assert page.status_code == 422
    assert "Somebody you chose has a seat by now" in page.text


def test_a_second_tab_that_connects_is_led_to_the_connection(
    house: House, ada: User, browser: Client
) -> None:
    Account.objects.filter(pk=house.account.pk).update(deployment="byo_twilio")

    page = browser.post("/settings/connection/", {"do": "connect", "account_sid": "x"}, follow=True)

    assert "Your Twilio was connected meanwhile" in page.text
