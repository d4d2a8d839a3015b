"""Is the log-in the same for known and unknown addresses, limited, and written down?"""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.totp.internal.auth import TOTP
from django.contrib.auth.hashers import PBKDF2PasswordHasher, make_password
from django.core import mail
from django.core.cache import cache, caches
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEntry, BrowserSession, SignOn, User
from config.cache import ForgivingRedisCache
from tests.admin_world import browser_of, make_staff
from tests.conftest import House
from tests.factories import PASSWORD, make_user

TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="\w+"')


@pytest.fixture(autouse=True)
def _fresh_limits() -> None:
    """Count from nothing."""
    cache.clear()


def attempt(email: str, password: str, browser: Client | None = None, ip: str = "9.9.9.9") -> Any:
    """Try to log in."""
    data = {"login": email, "password": password}
    return (browser or Client()).post("/accounts/login/", data, REMOTE_ADDR=ip)


def same(answer: Any, email: str) -> str:
    """Return a page without what must differ."""
    return TOKEN.sub("", answer.content.decode()).replace(email, "")


# --- Known or not --------------------------------------------------------------------------------


def test_a_wrong_password_and_an_unknown_address_get_the_same_answer(
    house: House, django_assert_num_queries: Any
) -> None:
    inactive = house.bob
    User.objects.filter(pk=inactive.pk).update(is_active=False)
    answers = {}
    for email in (house.alice.email, inactive.email, "nobody@example.com"):
        answers[email] = attempt(email, "wrong")

    pages = {same(answer, email) for email, answer in answers.items()}
    assert {answer.status_code for answer in answers.values()} == {200}
    assert len(pages) == 1
    assert "not correct" in pages.pop()


def test_a_new_password_is_promised_to_anybody_in_the_same_words(house: House) -> None:
    answers = {}
    for email in (house.alice.email, "nobody@example.com"):
        browser = Client()
        first = browser.post("/accounts/password/reset/", {"email": email})
        answers[email] = (first.status_code, first.headers.get("Location"))
        page = browser.get(first.headers["Location"])
        assert email not in page.content.decode()

    assert len(set(answers.values())) == 1
    # A mail goes to either; only the reader of it learns more.
    assert [message.to for message in mail.outbox] == [
        [house.alice.email],
        ["nobody@example.com"],
    ]
    assert "ask your account admin" in str(mail.outbox[1].body)


@pytest.mark.parametrize("odd", ["ALICE", " Alice ", "aLiCe"])
def test_an_address_may_be_written_in_odd_case_and_with_spaces(house: House, odd: str) -> None:
    rest = house.alice.email.removeprefix("alice")

    assert attempt(f"{odd.rstrip()}{rest} ", PASSWORD).status_code == 302


@pytest.mark.parametrize(
    "email", ["", "x", "a" * 400 + "@b.com", "алиса@пример.рф", "a@b@c.com", "'; --@x.com"]
)
def test_no_address_breaks_the_page(house: House, email: str) -> None:
    assert attempt(email, PASSWORD).status_code == 200
    assert attempt(house.alice.email, email or "x").status_code == 200


class CountingHasher(PBKDF2PasswordHasher):
    """Slow on purpose, as all are; it counts how often it was."""

    iterations = 10
    times = 0

    def encode(self, password: str, salt: str, iterations: int | None = None) -> str:
        CountingHasher.times += 1
        return super().encode(password, salt, iterations)


def test_known_and_unknown_addresses_cost_the_same(house: House, settings: Any) -> None:
    """What takes time is one slow hash and the queries: as many for each."""
    hasher = f"{CountingHasher.__module__}.{CountingHasher.__qualname__}"
    settings.PASSWORD_HASHERS = [hasher]
    settings.ACCOUNT_RATE_LIMITS = False
    password = make_password(PASSWORD)
    User.objects.update(password=password)
    User.objects.filter(pk=house.bob.pk).update(is_active=False)
    TOTP.activate(house.sue, "JBSWY3DPEHPK3PXP")
    ivy = make_user(house.account, "Ivy", email="ivy@acme.example")
    User.objects.filter(pk=ivy.pk).update(password=make_password(None))
    SignOn.objects.create(
        account=house.account, issuer="https://x.example", domains=["acme.example"]
    )
    people = [user.email for user in (house.alice, house.bob, house.sue, ivy)]
    attempt("warm@up.example", "wrong")
    costs = {}

    for email in (*people, "nobody@example.com", "nobody@acme.example"):
        CountingHasher.times = 0
        with CaptureQueriesContext(connection) as asked:
            attempt(email, "wrong")
        costs[email] = (CountingHasher.times, len(asked))

    assert {times for times, _ in costs.values()} == {1}
    assert len(set(costs.values())) == 1, costs


def test_a_mail_server_that_is_away_is_told_alike_and_in_words(house: House, settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    pages = {}
    for email in (house.alice.email, "nobody@example.com"):
        answer = Client().post("/accounts/password/reset/", {"email": email}, follow=True)
        pages[email] = same(answer, email)

    assert len(set(pages.values())) == 1
    assert "No mail leaves right now" in pages["nobody@example.com"]


@pytest.mark.django_db(transaction=True)
def test_a_mail_server_that_is_away_undoes_no_new_password(house: House, settings: Any) -> None:
    browser, new = Client(), PASSWORD[::-1]
    attempt(house.alice.email, PASSWORD, browser)
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    data = {"oldpassword": PASSWORD, "password1": new, "password2": new}

    assert browser.post("/accounts/password/change/", data).status_code == 302

    assert attempt(house.alice.email, new).status_code == 302


# --- Limits --------------------------------------------------------------------------------------


@pytest.fixture
def redis_away(db: None, settings: Any) -> Iterator[None]:
    """Nobody listens where Redis should be."""
    away = {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/0"}
    settings.CACHES = {**settings.CACHES, "default": away}
    caches["guards"].clear()
    yield
    caches["guards"].clear()
    ForgivingRedisCache.rests_until = 0


@pytest.mark.usefixtures("redis_away")
def test_without_redis_the_limits_hold(house: House) -> None:
    for n in range(5):
        answer = attempt(house.alice.email, "wrong", ip=f"9.9.{n}.1")
        assert "not correct" in answer.content.decode()

    closed = attempt(house.alice.email, PASSWORD, ip="8.8.8.8")

    assert "Too many failed login attempts" in closed.content.decode()
    assert attempt(house.bob.email, PASSWORD).status_code == 302


@pytest.mark.usefixtures("redis_away")
def test_without_redis_nobody_guesses_codes(house: House) -> None:
    TOTP.activate(house.alice, "JBSWY3DPEHPK3PXP")
    browser = Client()
    attempt(house.alice.email, PASSWORD, browser)
    for _ in range(5):
        page = browser.post("/accounts/2fa/authenticate/", {"code": "000000"})
        assert "Incorrect code" in page.content.decode()

    closed = browser.post("/accounts/2fa/authenticate/", {"code": "000000"}).content.decode()

    assert "Incorrect code" not in closed
    assert "Too many" in closed


@pytest.mark.usefixtures("redis_away")
def test_without_redis_other_things_are_merely_not_kept(house: House) -> None:
    cache.set("colour", "green")

    assert cache.get("colour", "none") == "none"
    assert cache.get_many(["colour"]) == {}
    assert cache.add("colour", "red")
    assert not cache.delete("colour")
    assert caches["guards"].get("colour") is None


def test_after_five_failures_an_address_is_closed_for_a_while_known_or_not(house: House) -> None:
    for email in (house.alice.email, "nobody@example.com"):
        for n in range(5):
            assert "not correct" in attempt(email, "wrong", ip=f"9.9.{n}.1").content.decode()

        answer = attempt(email, PASSWORD, ip="8.8.8.8")

        assert "Too many failed login attempts" in answer.content.decode()


def test_a_browser_that_tries_many_addresses_is_closed_out(house: House, settings: Any) -> None:
    settings.TRUSTED_PROXY_COUNT = 1
    for n in range(20):
        # Whatever it writes into the header itself does not help.
        forwarded = f"6.6.6.{n}, 198.51.100.1"
        Client(headers={"X-Forwarded-For": forwarded}).post(
            "/accounts/login/", {"login": f"p{n}@example.com", "password": "wrong"}
        )

    data = {"login": house.alice.email, "password": PASSWORD}
    blocked = Client(headers={"X-Forwarded-For": "198.51.100.1"}).post("/accounts/login/", data)
    elsewhere = Client(headers={"X-Forwarded-For": "198.51.100.2"}).post("/accounts/login/", data)

    assert "Too many failed login attempts" in blocked.content.decode()
    assert elsewhere.status_code == 302


def test_too_many_log_ins_say_what_to_do(house: House, settings: Any) -> None:
    settings.ACCOUNT_RATE_LIMITS = {"login": "2/m/ip"}
    answers = [attempt("x@example.com", "wrong") for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert "Wait a few minutes" in answers[-1].content.decode()


# --- Written down --------------------------------------------------------------------------------


def test_failures_are_counted_and_told_with_the_next_log_in(house: House, settings: Any) -> None:
    settings.ACCOUNT_RATE_LIMITS = False
    for _ in range(7):
        attempt(house.alice.email, "wrong")
    attempt("nobody@example.com", "wrong")

    failing = AuditEntry.objects.filter(action="log_in_failed").order_by("pk")
    assert [line.data["times"] for line in failing] == [1, 2, 3, 4, 5, 6, 7, None]
    attempt(house.alice.email.upper(), PASSWORD)

    line = AuditEntry.objects.get(action="logged_in")
    assert line.account == house.account
    assert line.data == {"way": "password", "failed_before": 7}
    attempt(house.alice.email, PASSWORD)
    assert AuditEntry.objects.filter(action="logged_in").latest("pk").data["failed_before"] == 0
    assert PASSWORD not in str(list(AuditEntry.objects.values()))


def test_nobody_gives_themselves_another_address(house: House, login: Any) -> None:
    browser = login(house.alice)

    for action in ("action_add", "action_primary"):
        browser.post("/accounts/email/", {action: "", "email": "eve@evil.com"})

    house.alice.refresh_from_db()
    assert house.alice.email.endswith("@example.com")
    assert attempt("eve@evil.com", PASSWORD).status_code == 200


def test_a_new_password_by_mail_ends_every_session(house: House, login: Any) -> None:
    stolen = login(house.alice)
    browser, new = Client(), PASSWORD[::-1]
    browser.post("/accounts/password/reset/", {"email": house.alice.email})
    path = re.search(r"/accounts/password/reset/key/\S+", str(mail.outbox[0].body))
    assert path is not None

    form = browser.get(path[0], follow=True).redirect_chain[-1][0]
    browser.post(form, {"password1": new, "password2": new})

    assert stolen.get("/profile/").status_code == 302
    assert not BrowserSession.objects.filter(user=house.alice).exists()
    assert attempt(house.alice.email, new).status_code == 302
    # The link worked once.
    again = Client().get(path[0], follow=True).content.decode()
    assert "password1" not in again


def link_for(house: House) -> str:
    """Ask for a new password; return the path of the mail."""
    Client().post("/accounts/password/reset/", {"email": house.alice.email})
    path = re.search(r"/accounts/password/reset/key/\S+", str(mail.outbox[-1].body))
    assert path is not None
    return path[0]


def is_good(link: str) -> bool:
    """Say whether a link lets one choose a password."""
    return "password1" in Client().get(link, follow=True).content.decode()


def test_a_link_is_dead_when_the_address_is_another(house: House) -> None:
    EmailAddress.objects.create(
        user=house.alice, email=house.alice.email, verified=True, primary=True
    )
    old, link = house.alice.email, link_for(house)
    assert is_good(link)
    page = f"/admin/accounts/user/{house.alice.pk}/change/"
    data = {"name": "Alice", "email": "new@example.com", "role": "member", "is_active": "on"}
    assert browser_of(make_staff()).post(page, data).status_code == 302

    assert not is_good(link)
    assert attempt(old, PASSWORD).status_code == 200
    assert attempt("new@example.com", PASSWORD).status_code == 302
    mail.outbox.clear()
    Client().post("/accounts/password/reset/", {"email": old})
    assert "/password/reset/key/" not in str(mail.outbox[0].body)


def test_a_link_is_dead_while_somebody_is_deactivated(house: House) -> None:
    link = link_for(house)
    browser = Client()
    form = browser.get(link, follow=True).redirect_chain[-1][0]
    User.objects.filter(pk=house.alice.pk).update(is_active=False)
    new = PASSWORD[::-1]

    browser.post(form, {"password1": new, "password2": new})

    assert not is_good(link)
    User.objects.filter(pk=house.alice.pk).update(is_active=True)
    assert attempt(house.alice.email, new).status_code == 200
    assert attempt(house.alice.email, PASSWORD).status_code == 302


def test_a_link_is_dead_after_they_came_in_another_way(house: House) -> None:
    link = link_for(house)

    attempt(house.alice.email, PASSWORD)

    assert not is_good(link)
