"""Who is logged in where, until when, and what ends it?"""

from collections.abc import Callable
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client, RequestFactory

from accounts.clients import ip_of
from accounts.models import AuditEntry, BrowserSession, User
from accounts.sessions import SessionStore, browser_in_words, forget_expired, hash_of_key
from tests.conftest import NOW, House
from tests.factories import PASSWORD

Login = Callable[[User], Client]
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:130.0) Gecko/20100101 Firefox/130.0"


@pytest.fixture(autouse=True)
def _no_rate_limits(settings: Any) -> None:
    """Other tests log in from the same address."""
    settings.ACCOUNT_RATE_LIMITS = False


def log_in(user: User, **headers: str) -> Client:
    """Log in by the page, as people do."""
    browser = Client(headers=headers)
    answer = browser.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    assert answer.status_code == 302
    return browser


def is_in(browser: Client) -> bool:
    return bool(browser.get("/profile/").status_code == 200)


# --- What people see -----------------------------------------------------------------------------


def test_people_see_their_sessions_and_nobody_else_s(house: House) -> None:
    here = log_in(house.alice, User_Agent=FIREFOX)
    log_in(house.alice, User_Agent="curl/8")
    log_in(house.bob, User_Agent="Mozilla/5.0 (iPhone) Safari/605")

    page = here.get("/profile/").content.decode()

    assert "Firefox, Windows" in page
    assert "this one" in page
    assert "curl/8" in page
    assert "iPhone" not in page
    assert "127.0.0.0/24" in page
    assert str(here.session.session_key) not in page
    for session in BrowserSession.objects.all():
        assert session.key_hash not in page


def test_one_is_ended_by_its_name_on_the_page(house: House) -> None:
    here, there = log_in(house.alice), log_in(house.alice, User_Agent="curl/8")
    [other] = [one for one in here.get("/profile/").context["sessions"] if not one.is_this]

    here.post("/profile/sessions/end/", {"session": other.handle})

    assert is_in(here)
    assert not is_in(there)
    assert AuditEntry.objects.get(action="session_ended").actor == house.alice


def test_nobody_ends_a_session_of_somebody_else(house: House) -> None:
    alice, bob = log_in(house.alice), log_in(house.bob)
    [theirs] = alice.get("/profile/").context["sessions"]
    row = BrowserSession.objects.get(user=house.alice)

    key = str(alice.session.session_key)
    for name in (theirs.handle, row.key_hash, key, str(row.pk), "", "x" * 1000):
        bob.post("/profile/sessions/end/", {"session": name})

    assert is_in(alice)


def test_all_others_are_ended_at_once(house: House) -> None:
    here, *there = (log_in(house.alice) for _ in range(4))

    answer = here.post("/profile/sessions/end-others/", follow=True)

    assert "3 sessions ended." in answer.content.decode()
    assert is_in(here)
    assert not any(is_in(one) for one in there)


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (FIREFOX, "Firefox, Windows"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 14_0) Safari/605.1", "Safari, Mac"),
        ("Mozilla/5.0 (X11; Linux x86_64) Chrome/130 Safari/537 Edg/130", "Edge, Linux"),
        ("", ""),
        ("<script>" + "x" * 500, "<script>" + "x" * 32),
    ],
)
def test_a_browser_in_words(agent: str, words: str) -> None:
    assert browser_in_words(agent) == words


def test_an_agent_of_any_length_is_kept_as_far_as_it_fits(house: House) -> None:
    log_in(house.alice, User_Agent="x" * 5000)

    assert len(BrowserSession.objects.get().browser) == 200


# --- Keys change, and what was known of old ones ends ---------------------------------------------


def test_the_key_changes_when_somebody_logs_in(house: House) -> None:
    browser = Client()
    browser.get("/accounts/login/")
    session = browser.session
    session["planted"] = True
    session.save()
    before = str(session.session_key)

    browser.post("/accounts/login/", {"login": house.alice.email, "password": PASSWORD})

    assert browser.session.session_key != before
    assert not BrowserSession.objects.filter(key_hash=hash_of_key(before)).exists()


def test_another_password_ends_every_other_session(house: House) -> None:
    here, there = log_in(house.alice), log_in(house.alice)
    before = here.session.session_key
    new = PASSWORD[::-1]
    data = {"oldpassword": PASSWORD, "password1": new, "password2": new}

    answer = here.post("/accounts/password/change/", data)

    assert answer.status_code == 302
    assert here.session.session_key != before
    assert is_in(here)
    # The row itself is gone, so that an open socket closes too.
    assert BrowserSession.objects.filter(user=house.alice).count() == 1
    assert not is_in(there)
    assert AuditEntry.objects.filter(action="password_set").exists()


def test_logging_out_ends_the_session(house: House) -> None:
    browser = log_in(house.alice)

    browser.post("/accounts/logout/")

    assert not BrowserSession.objects.filter(user=house.alice).exists()


def test_what_expired_is_forgotten(house: House, login: Login) -> None:
    login(house.alice)
    kept = login(house.bob)
    BrowserSession.objects.filter(user=house.alice).update(expire_date=NOW)

    assert forget_expired(now=NOW + timedelta(seconds=1)) == 1
    assert is_in(kept)


def test_who_reads_the_table_comes_in_as_nobody(house: House) -> None:
    browser = log_in(house.alice)
    key = str(browser.session.session_key)
    [row] = BrowserSession.objects.values()

    assert key not in str(row)
    thief = Client()
    thief.cookies["sessionid"] = row["key_hash"]
    assert not is_in(thief)
    assert is_in(browser)


@pytest.mark.django_db(transaction=True)
def test_who_is_logged_in_stays_so_when_keys_are_hashed(house: House) -> None:
    browser = log_in(house.alice)
    # As it was kept before.
    BrowserSession.objects.update(key_hash=browser.session.session_key)
    [hashing] = import_module("accounts.migrations.0014_hash_session_keys").Migration.operations

    with connection.cursor() as cursor:
        cursor.execute(hashing.sql)

    assert is_in(browser)


@pytest.mark.django_db(transaction=True)
async def test_async_code_finds_the_same_sessions() -> None:
    session = SessionStore()
    session["colour"] = "green"
    await session.asave()
    key = str(session.session_key)

    assert await SessionStore(key).aget("colour") == "green"
    assert await session.aexists(key)
    await session.acycle_key()
    assert not await session.aexists(key)
    await session.adelete()
    assert not await session.aexists(str(session.session_key))


# --- Idle ----------------------------------------------------------------------------------------


@pytest.fixture
def clock(settings: Any) -> Any:
    """Let the test say what time it is."""
    settings.IDLE_TIMEOUT_MINUTES = 30
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


def test_who_does_nothing_is_logged_out(house: House, clock: Any) -> None:
    browser = log_in(house.alice)
    clock.shift(timedelta(minutes=29))
    assert is_in(browser)
    clock.shift(timedelta(minutes=31))

    answer = browser.get("/profile/", follow=True)

    assert "/accounts/login/" in answer.redirect_chain[-1][0]
    assert "nobody was here for a while" in answer.content.decode()
    assert not BrowserSession.objects.filter(user=house.alice).exists()


@pytest.mark.parametrize(
    ("method", "path", "headers", "keeps"),
    [
        ("get", "/profile/", {}, True),
        ("get", "/profile/", {"Sec-Fetch-Mode": "navigate"}, True),
        ("post", "/profile/awake/", {"Sec-Fetch-Mode": "cors"}, True),
        ("get", "/inbox/support/counts/", {"Sec-Fetch-Mode": "cors"}, False),
        ("get", "/inbox/support/", {"HX-Request": "true"}, False),
        ("get", "/api/v1/", {"Accept": "application/json"}, False),
        ("post", "/c/nothing/read/", {"Sec-Fetch-Mode": "cors"}, False),
    ],
)
def test_only_what_a_person_does_keeps_a_session(
    house: House, clock: Any, method: str, path: str, headers: dict[str, str], keeps: bool
) -> None:
    browser = log_in(house.alice)
    for _ in range(4):
        clock.shift(timedelta(minutes=10))
        getattr(browser, method)(path, headers=headers)

    assert is_in(browser) is keeps


@pytest.mark.parametrize("is_idle", [False, True], ids=["nobody", "idle"])
def test_a_part_of_a_page_is_refused_where_a_page_leads_to_the_log_in(
    house: House, clock: Any, client: Client, is_idle: bool
) -> None:
    browser = log_in(house.alice) if is_idle else client
    clock.shift(timedelta(hours=9))

    part = browser.get("/inbox/support/", headers={"HX-Request": "true"})
    page = browser.get("/inbox/support/")

    assert (part.status_code, part.content) == (401, b"")
    assert part.headers["HX-Refresh"] == "true"
    assert (page.status_code, page.headers["Location"][:16]) == (302, "/accounts/login/")


@pytest.mark.parametrize(("minutes", "stays"), [(5, False), (45, True), (None, False)])
def test_an_account_has_a_limit_of_its_own(
    house: House, clock: Any, minutes: int | None, stays: bool
) -> None:
    house.account.idle_minutes = minutes
    house.account.save()
    browser = log_in(house.alice)

    clock.shift(timedelta(minutes=40))

    assert is_in(browser) is stays


def test_activity_is_noted_once_a_minute(
    house: House, clock: Any, django_assert_num_queries: Any
) -> None:
    browser = log_in(house.alice)
    clock.shift(timedelta(minutes=2))
    browser.post("/profile/awake/")

    # The session with its person.
    with django_assert_num_queries(1):
        browser.post("/profile/awake/")


# --- Behind proxies ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("proxies", "forwarded", "expected"),
    [
        (0, "198.51.100.1", "10.0.0.1"),
        (1, "198.51.100.1", "198.51.100.1"),
        (1, "6.6.6.6, 198.51.100.1", "198.51.100.1"),
        (2, "6.6.6.6, 198.51.100.1, 10.0.0.9", "198.51.100.1"),
        (2, "198.51.100.1", "10.0.0.1"),
        (1, "", "10.0.0.1"),
        (1, "nonsense", None),
        (1, "2001:db8::1", "2001:db8::1"),
    ],
)
def test_the_browser_s_address_is_the_one_that_our_proxy_saw(
    settings: Any, proxies: int, forwarded: str, expected: str | None
) -> None:
    settings.TRUSTED_PROXY_COUNT = proxies
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}

    request = RequestFactory().get("/", headers=headers, REMOTE_ADDR="10.0.0.1")

    assert ip_of(request) == expected
