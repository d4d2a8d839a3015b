"""Are those who need a second factor led to set one up before anything opens?"""

import re
from collections.abc import Callable
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value
from allauth.mfa.totp.internal.auth import yield_hotp_counters_from_time as counters
from django.test import Client
from django.urls import get_resolver

from accounts.models import AuditEntry, User
from tests.admin_world import make_partner_user, make_staff
from tests.conftest import House
from tests.factories import PASSWORD, make_user

Login = Callable[[User], Client]
SET_UP = "/accounts/2fa/?needed=1"
SECRET = "JBSWY3DPEHPK3PXP"


@pytest.fixture(autouse=True)
def _required(settings: Any) -> None:
    settings.ACCOUNT_RATE_LIMITS = False
    settings.SECOND_FACTOR_ROLES = ["account_admin", "partner", "staff"]


@pytest.fixture
def people(house: House) -> dict[str, User]:
    return {
        "ada": make_user(house.account, "Ada", works_as=User.Role.ACCOUNT_ADMIN),
        "pat": make_partner_user(house.account.partner),
        "rita": make_staff(),
    }


def code() -> str:
    return str(format_hotp_value(hotp_value(SECRET, next(iter(counters())))))


@pytest.mark.parametrize("who", ["ada", "pat", "rita"])
@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/inbox/support/",
        "/settings/",
        "/settings/people/",
        "/admin/",
        "/profile/",
        "/nothing/",
    ],
)
def test_nothing_opens_but_the_page_that_sets_one_up(
    people: dict[str, User], login: Login, who: str, path: str
) -> None:
    browser = login(people[who])

    for ask in (browser.get, browser.post):
        answer = ask(path)
        assert (answer.status_code, answer.headers["Location"]) == (302, SET_UP)
    page = browser.get(SET_UP)
    assert page.status_code == 200
    assert "asks for a second factor" in page.content.decode()


def test_a_script_is_told_in_json(people: dict[str, User], login: Login) -> None:
    browser = login(people["ada"])

    for path in ("/api/v1/", "/inbox/support/counts/"):
        answer = browser.get(path, headers={"Accept": "application/json"})
        assert answer.status_code == 403
        assert answer.json()["code"] == "second_factor_needed"


def test_people_who_need_none_go_on(house: House, people: object, login: Login) -> None:
    assert login(house.alice).get("/inbox/support/").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_whoever_sets_up_an_app_goes_on(people: dict[str, User]) -> None:
    ada = people["ada"]
    browser = Client()
    browser.post("/accounts/login/", {"login": ada.email, "password": PASSWORD})
    page = browser.get("/accounts/2fa/totp/activate/", follow=True)
    assert "Confirm" in page.content.decode()
    again = browser.post(
        "/accounts/reauthenticate/",
        {"password": PASSWORD, "next": "/accounts/2fa/totp/activate/"},
        follow=True,
    )
    session = browser.session
    session["mfa.totp.secret"] = SECRET
    session.save()
    assert again.status_code == 200

    done = browser.post("/accounts/2fa/totp/activate/", {"code": code()})

    assert done.status_code == 302
    assert browser.get("/settings/").status_code == 200
    assert AuditEntry.objects.filter(action="second_factor_set", actor=ada).exists()
    kept = Authenticator.objects.get(user=ada, type="totp").data["secret"]
    assert SECRET not in kept


def test_then_a_password_alone_opens_nothing_and_a_code_does(people: dict[str, User]) -> None:
    ada = people["ada"]
    TOTP.activate(ada, SECRET)
    browser = Client()

    answer = browser.post("/accounts/login/", {"login": ada.email, "password": PASSWORD})

    assert answer.headers["Location"] == "/accounts/2fa/authenticate/"
    assert browser.get("/settings/").status_code == 302
    assert not AuditEntry.objects.filter(action="logged_in").exists()
    wrong = browser.post("/accounts/2fa/authenticate/", {"code": "000000"})
    assert "Incorrect code" in wrong.content.decode()
    browser.post("/accounts/2fa/authenticate/", {"code": code()})
    assert browser.get("/settings/").status_code == 200


def test_the_last_factor_of_who_must_have_one_stays(people: dict[str, User], login: Login) -> None:
    ada = people["ada"]
    TOTP.activate(ada, SECRET)
    browser = login(ada)
    browser.post("/accounts/2fa/reauthenticate/", {"code": code()})

    answer = browser.post("/accounts/2fa/totp/deactivate/")

    assert "You cannot deactivate" in answer.content.decode()
    assert Authenticator.objects.filter(user=ada).exists()


def test_who_loses_it_is_led_to_set_up_another_at_once(
    people: dict[str, User], login: Login
) -> None:
    ada = people["ada"]
    TOTP.activate(ada, SECRET)
    browser = login(ada)
    assert browser.get("/settings/").status_code == 200

    Authenticator.objects.filter(user=ada).delete()

    assert browser.get("/settings/").headers["Location"] == SET_UP


def test_an_account_may_ask_it_of_everybody_at_once(
    house: House, people: dict[str, User], login: Login
) -> None:
    agent = login(house.alice)
    assert agent.get("/inbox/support/").status_code == 200
    TOTP.activate(people["ada"], SECRET)
    admin = login(people["ada"])

    admin.post("/settings/log-in/", {"requires_second_factor": "on", "idle_minutes": "60"})

    assert agent.get("/inbox/support/").headers["Location"] == SET_UP
    line = AuditEntry.objects.get(action="login_policy_changed")
    assert line.data["changes"]["requires_second_factor"] == {"before": False, "after": True}


@pytest.mark.parametrize("minutes", ["4", "721", "-1", "x", "1e9"])
def test_an_idle_time_of_nonsense_is_refused_in_words(
    house: House, people: dict[str, User], login: Login, minutes: str
) -> None:
    TOTP.activate(people["ada"], SECRET)

    answer = login(people["ada"]).post("/settings/log-in/", {"idle_minutes": minutes})

    assert answer.status_code == 200
    assert "Not saved" in answer.content.decode()
    house.account.refresh_from_db()
    assert house.account.idle_minutes is None


def test_every_page_outside_their_own_log_in_is_closed(
    people: dict[str, User], login: Login
) -> None:
    """No address that is added later is forgotten."""
    browser = login(people["rita"])
    open_ones = set()
    for entry in get_resolver().url_patterns:
        path = "/" + re.sub(r"[<(\\^$?].*", "", str(entry.pattern))
        answer = browser.get(path)
        if answer.headers.get("Location") != SET_UP and answer.status_code != 403:
            open_ones.add(path)

    assert open_ones == {"/accounts/"}
