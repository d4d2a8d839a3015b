"""Are those who need a second factor led to set one up before anything opens?"""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier
from typing import Any

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value
from allauth.mfa.totp.internal.auth import yield_hotp_counters_from_time as counters
from django.core.cache import cache
from django.db import connection, transaction
from django.test import Client
from django.urls import get_resolver

from accounts.models import AuditEntry, User
from tests.admin_world import make_partner_user, make_staff
from tests.conftest import House
from tests.factories import PASSWORD, make_user
from tests.live import until, waiting

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
    line = AuditEntry.objects.get(action="log_in_failed")
    assert (line.subject, line.data["step"], line.data["times"]) == ("Ada", "second factor", 1)
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


@pytest.mark.parametrize("seconds", [1, 29, 31, 59])
def test_a_code_is_good_once_for_as_long_as_it_is_shown(
    people: dict[str, User], seconds: int
) -> None:
    ada = people["ada"]
    TOTP.activate(ada, SECRET)
    cache.clear()
    with time_machine.travel(datetime(2026, 11, 23, 15, 0, tzinfo=UTC), tick=False) as clock:
        # The step before the last: what a clock that is slow would show.
        seen = code()
        for times in (1, 2):
            browser = Client()
            browser.post("/accounts/login/", {"login": ada.email, "password": PASSWORD})
            browser.post("/accounts/2fa/authenticate/", {"code": f" {seen[:3]} {seen[3:]} "})
            assert (browser.get("/settings/").status_code == 200) is (times == 1)
            clock.shift(seconds)
            # The cache keeps real time: let it have passed.
            cache.delete(f"allauth.mfa.totp.used?user={ada.pk}&code={seen}")


@pytest.mark.django_db(transaction=True)
def test_a_recovery_code_sent_twice_at_once_lets_in_once(people: dict[str, User]) -> None:
    ada = people["ada"]
    TOTP.activate(ada, SECRET)
    [spare, *_] = RecoveryCodes.activate(ada).get_unused_codes()
    browsers = [Client() for _ in range(2)]
    for browser in browsers:
        browser.post("/accounts/login/", {"login": ada.email, "password": PASSWORD})

    def come(browser: Client) -> bool:
        try:
            browser.post("/accounts/2fa/authenticate/", {"code": spare})
            return browser.get("/settings/").status_code == 200
        finally:
            connection.close()

    with ThreadPoolExecutor(len(browsers)) as threads:
        with transaction.atomic():
            # Whoever would use the code up waits here, so that both are at it at one moment.
            list(Authenticator.objects.select_for_update().filter(user=ada))
            coming = [threads.submit(come, browser) for browser in browsers]
            until(lambda: waiting() == len(browsers), within=10, what="both are at it")
        came = [one.result() for one in coming]

    assert came.count(True) == 1


def add_key(user: User, name: str = "Key") -> Authenticator:
    """Give somebody a passkey; what it says of itself plays no part here."""
    data = {"name": name, "credential": {}}
    return Authenticator.objects.create(user=user, type="webauthn", data=data)


def confirmed(login: Login, user: User) -> Client:
    """Log somebody in who has just confirmed that it is them."""
    browser = login(user)
    browser.post("/accounts/reauthenticate/", {"password": PASSWORD})
    return browser


def removal(key: Authenticator) -> str:
    return f"/accounts/2fa/webauthn/keys/{key.pk}/remove/"


def test_the_last_passkey_of_who_must_have_one_stays(people: dict[str, User], login: Login) -> None:
    ada = people["ada"]
    first, second = add_key(ada), add_key(ada, "Other")
    browser = confirmed(login, ada)
    assert browser.post(removal(first)).status_code == 302
    assert not Authenticator.objects.filter(pk=first.pk).exists()

    for ask in (browser.get, browser.post):
        answer = ask(removal(second), follow=True)
        assert "You cannot deactivate your only second factor" in answer.content.decode()

    assert Authenticator.objects.filter(pk=second.pk).exists()
    assert browser.get("/settings/").status_code == 200
    # With an app beside it, it may go.
    TOTP.activate(ada, SECRET)
    browser.post(removal(second))
    assert not Authenticator.objects.filter(pk=second.pk).exists()


def test_who_needs_none_may_drop_the_last_one(house: House, people: object, login: Login) -> None:
    key = add_key(house.alice)

    confirmed(login, house.alice).post(removal(key))

    assert not Authenticator.objects.filter(user=house.alice).exists()
    assert AuditEntry.objects.filter(action="passkey_removed", actor=house.alice).exists()


def test_nobody_drops_a_passkey_of_somebody_else(
    house: House, people: dict[str, User], login: Login
) -> None:
    key = add_key(people["ada"])

    browser = confirmed(login, house.alice)

    for ask in (browser.get, browser.post):
        assert ask(removal(key)).status_code == 404
    assert Authenticator.objects.filter(pk=key.pk).exists()


@pytest.mark.django_db(transaction=True)
def test_two_tabs_that_drop_one_each_leave_one(people: dict[str, User], login: Login) -> None:
    ada = people["ada"]
    TOTP.activate(ada, SECRET)
    paths = [removal(add_key(ada)), "/accounts/2fa/totp/deactivate/"]
    tabs = [login(ada), login(ada)]
    for tab in tabs:
        tab.post("/accounts/2fa/reauthenticate/", {"code": code()})
        Authenticator.objects.update(last_used_at=None)
        cache.clear()
    ready = Barrier(2)

    def drop(tab: Client, path: str) -> int:
        ready.wait()
        try:
            return int(tab.post(path).status_code)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(drop, tabs, paths))

    left = Authenticator.objects.filter(user=ada, type__in=["totp", "webauthn"])
    assert left.count() == 1


ODD = [
    "",
    "x",
    "1",
    "[]",
    "{}",
    "null",
    '"x"',
    '{"id": 1}',
    '{"response": []}',
    '{"id": "x", "rawId": "x", "type": "public-key", "response": {}}',
    '{"id": "eA", "rawId": "eA", "type": "public-key", "response": {"clientDataJSON": "e30",'
    ' "authenticatorData": "eA", "signature": "eA", "userHandle": "MQ"}}',
    '{"id": "eA", "rawId": "eA", "type": "public-key", "response": {"clientDataJSON": "e30",'
    ' "authenticatorData": "eA", "signature": "eA", "userHandle": 7}}',
    '{"id": "eA", "rawId": "eA", "type": "public-key", "response": {"clientDataJSON": "e30",'
    ' "attestationObject": "eA"}}',
    '{"id": "' + "A" * 100_000 + '"}',
    "[" * 5_000,
]


@pytest.mark.parametrize("odd", ODD, ids=range(len(ODD)))
def test_no_passkey_breaks_a_page(people: dict[str, User], login: Login, odd: str) -> None:
    ada = people["ada"]
    TOTP.activate(ada, SECRET)
    half, whole, anybody = Client(), confirmed(login, ada), Client()
    half.post("/accounts/login/", {"login": ada.email, "password": PASSWORD})
    half.get("/accounts/2fa/authenticate/")
    whole.get("/accounts/2fa/webauthn/add/")
    whole.get("/accounts/2fa/webauthn/reauthenticate/")
    anybody.get("/accounts/2fa/webauthn/login/", headers={"Accept": "application/json"})

    for browser, path in (
        (anybody, "/accounts/2fa/webauthn/login/"),
        (half, "/accounts/2fa/authenticate/"),
        (whole, "/accounts/2fa/webauthn/add/"),
        (whole, "/accounts/2fa/webauthn/reauthenticate/"),
    ):
        assert browser.post(path, {"credential": odd, "name": odd}).status_code in (200, 302), path

    assert anybody.get("/profile/").status_code == 302
    assert half.get("/profile/").status_code == 302
    assert not Authenticator.objects.filter(type="webauthn").exists()


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


def test_who_saves_over_somebody_else_s_change_is_told(
    house: House, people: dict[str, User], login: Login
) -> None:
    TOTP.activate(people["ada"], SECRET)
    browser = login(people["ada"])
    path = "/settings/log-in/"
    form = browser.get(path).context["policy"]
    seen = {f"seen_{name}": form[f"seen_{name}"].value() for name in ("second_factor", "minutes")}
    seen = {name: "" if value is None else str(value) for name, value in seen.items()}
    house.account.idle_minutes = 30
    house.account.save()

    answer = browser.post(path, {"requires_second_factor": "on", "idle_minutes": "60", **seen})

    page = answer.content.decode()
    assert answer.status_code == 409
    assert "somebody else changed this" in page
    assert "<strong>30</strong>" in page
    assert 'value="60"' in page
    house.account.refresh_from_db()
    assert (house.account.requires_second_factor, house.account.idle_minutes) == (False, 30)
    # Who saves again has seen it.
    again = {"requires_second_factor": "on", "idle_minutes": "60"}
    again |= {"seen_second_factor": "False", "seen_minutes": "30"}
    assert browser.post(path, again).status_code == 302
    house.account.refresh_from_db()
    assert (house.account.requires_second_factor, house.account.idle_minutes) == (True, 60)


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
