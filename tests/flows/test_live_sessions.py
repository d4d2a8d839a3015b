"""Does an open socket end with its session, whoever ends it and however?"""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.logins import change_policy
from accounts.models import BrowserSession, User
from inbox.watch import CLOSE_NO_ACCESS, CLOSE_SESSION_ENDED
from tests.conftest import House
from tests.doors import Browser
from tests.factories import PASSWORD, make_user
from tests.live import Live

# A watch looks every four seconds; what a story says itself is heard at once.
WITHIN, AT_ONCE = 5.5, 2.0


@pytest.fixture
def ada(house: House, edge: Live) -> User:
    return make_user(house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN)


@pytest.fixture
def bob(house: House, edge: Live) -> Browser:
    return Browser(edge, house.bob)


def age(browser: Browser, minutes: int) -> None:
    """Let nobody have been there for so long."""
    seen = timezone.now() - timedelta(minutes=minutes)
    BrowserSession.objects.filter(pk=browser.session.pk).update(seen_at=seen)


def password_changes(browser: Browser, ada: User) -> None:
    other = Browser(browser._live, browser.user)
    new = PASSWORD[::-1]
    data = {"oldpassword": PASSWORD, "password1": new, "password2": new}
    assert other.post("/accounts/password/change/", **data).status_code in (200, 302)


def ends_it_elsewhere(browser: Browser, ada: User) -> None:
    other = Browser(browser._live, browser.user)
    assert other.post("/profile/sessions/end-others/").status_code == 302


def falls_idle(browser: Browser, ada: User) -> None:
    age(browser, 60 * 5)


def account_asks_for_a_second_factor(browser: Browser, ada: User) -> None:
    assert ada.account is not None
    change_policy(
        account=ada.account,
        requires_second_factor=True,
        idle_minutes=None,
        by=ada,
        now=timezone.now(),
    )


def act(bob: Browser, ada: User, path: str) -> None:
    """Let the admin do something on their pages."""
    assert Browser(bob._live, ada).post(f"/settings/{path}").status_code == 302


@pytest.mark.parametrize(
    "what",
    [password_changes, ends_it_elsewhere, falls_idle, account_asks_for_a_second_factor],
)
def test_the_socket_closes_within_five_seconds(
    bob: Browser, ada: User, what: Callable[[Browser, User], None]
) -> None:
    with bob.socket().sit_down() as socket:
        what(bob, ada)

        assert socket.closing(within=WITHIN) == CLOSE_SESSION_ENDED


def test_what_an_admin_ends_closes_at_once(house: House, bob: Browser, ada: User) -> None:
    with bob.socket().sit_down() as socket:
        act(bob, ada, f"people/{house.bob.pk}/end-sessions/")

        assert socket.closing(within=AT_ONCE) == CLOSE_SESSION_ENDED


def test_who_is_deactivated_hears_nothing_more_at_once(
    house: House, bob: Browser, ada: User
) -> None:
    with bob.socket().sit_down() as socket:
        act(bob, ada, f"people/{house.bob.pk}/deactivate/")

        assert socket.closing(within=AT_ONCE) in (CLOSE_SESSION_ENDED, CLOSE_NO_ACCESS)


def test_who_leaves_a_team_no_longer_hears_it_at_once(
    house: House, bob: Browser, ada: User
) -> None:
    with bob.socket().sit_down() as socket:
        socket.show(house.inbox)
        part = house.bob.memberships.get()

        act(bob, ada, f"teams/{part.team_id}/members/{part.pk}/remove/")

        frame = socket.hear_type("access.changed", within=AT_ONCE)
        assert frame["data"] == {"inboxes": []}


def test_heartbeats_and_fetching_keep_nobody_and_a_person_does(
    house: House, bob: Browser, ada: User
) -> None:
    with bob.socket().sit_down() as socket:
        age(bob, 239)
        bob.get("/inbox/support/counts/", Accept="application/json", **{"Sec-Fetch-Mode": "cors"})
        for n in range(3):
            socket.say(type="ping", t=n)
            socket.hear_type("pong")
        row = bob.session
        assert timezone.now() - row.seen_at > timedelta(minutes=238)

        assert bob.post("/profile/awake/").status_code == 204

        row.refresh_from_db()
        assert timezone.now() - row.seen_at < timedelta(minutes=1)


def test_an_idle_session_opens_no_socket(bob: Browser, ada: User) -> None:
    age(bob, 60 * 5)

    with bob.socket() as socket:
        assert socket.closing() == CLOSE_SESSION_ENDED


def test_who_must_set_up_a_second_factor_opens_no_socket(bob: Browser, ada: User) -> None:
    account_asks_for_a_second_factor(bob, ada)

    with bob.socket() as socket:
        assert socket.closing() == CLOSE_SESSION_ENDED
