"""Is the log-in the same for known and unknown addresses, limited, and written down?"""

import re
from typing import Any

import pytest
from django.core import mail
from django.core.cache import cache
from django.test import Client

from accounts.models import AuditEntry, BrowserSession, User
from tests.conftest import House
from tests.factories import PASSWORD

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


# --- Limits --------------------------------------------------------------------------------------


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
