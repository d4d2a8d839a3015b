"""Is there one door to the admin, and is it the log-in of everybody?"""

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.test import Client

from accounts.models import Account, AuditEntry, User
from tests.admin_world import browser_of, make_staff
from tests.factories import PASSWORD, make_account, make_user


@pytest.fixture(autouse=True)
def _no_rate_limits(settings: Any) -> None:
    """Other tests log in from the same address."""
    settings.ACCOUNT_RATE_LIMITS = False


@pytest.mark.parametrize("path", ["/admin/", "/admin/login/", "/admin/accounts/user/"])
def test_the_admin_sends_to_our_login(db: None, client: Client, path: str) -> None:
    answer = client.get(path, follow=True)

    url, status = answer.redirect_chain[-1]
    assert status == 302
    assert url.startswith(("/accounts/login/?next=/admin/", "/accounts/login/?next=%2Fadmin%2F"))
    assert "admin/login.html" not in [template.name for template in answer.templates]


def test_the_admins_own_login_takes_no_password(db: None, client: Client) -> None:
    User.objects.create_superuser("root@platform.example", PASSWORD, name="Rita")

    answer = client.post(
        "/admin/login/", {"username": "root@platform.example", "password": PASSWORD}
    )

    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/accounts/login/")
    assert "_auth_user_id" not in client.session


def test_the_admins_own_password_page_leads_to_everybody_s(db: None) -> None:
    answer = browser_of(make_staff()).get("/admin/password_change/")

    assert answer.headers["Location"] == "/accounts/password/change/"


def test_an_auditor_comes_home_to_their_work(db: None) -> None:
    audrey = make_user(make_account("Acme"), works_as=User.Role.AUDITOR, is_licensed=False)

    answer = browser_of(audrey).get("/")

    assert answer.headers["Location"] == "/admin/"


def test_our_login_leads_back_to_the_admin(db: None, client: Client) -> None:
    User.objects.create_superuser("root@platform.example", PASSWORD, name="Rita")
    login = {"login": "root@platform.example", "password": PASSWORD}

    answer = client.post("/accounts/login/?next=/admin/", login)

    assert answer.headers["Location"] == "/admin/"
    assert client.get("/admin/").status_code == 200


def test_an_agent_is_turned_away(db: None) -> None:
    client = browser_of(make_user(make_account("Acme"), "Alice"))

    assert client.get("/admin/").status_code == 302
    assert client.get("/admin/login/").status_code == 403
    assert client.get("/admin/accounts/user/").status_code == 302


def test_nobody_gets_rights_from_groups_or_permissions(db: None) -> None:
    assert not admin.site.is_registered(Group)
    page = browser_of(make_staff()).get("/admin/accounts/user/add/").content.decode()
    assert "user_permissions" not in page
    assert "is_superuser" not in page


def test_staff_who_left_are_out_at_once(db: None) -> None:
    root = make_staff()
    client = browser_of(root)
    User.objects.filter(pk=root.pk).update(is_active=False)

    assert client.get("/admin/").status_code == 302


@pytest.mark.parametrize(
    ("zone", "country", "words"),
    [
        ("Mars/Base", "US", "There is no time zone"),
        ("UTC", "USA", ""),
        ("UTC", "XX", "There is no country"),
        ("UTC", "1!", "Two letters"),
    ],
)
def test_an_account_is_refused_in_words(db: None, zone: str, country: str, words: str) -> None:
    account = make_account("Acme")
    client = browser_of(make_staff())
    data = {
        "partner": account.partner.pk,
        "name": "Acme",
        "status": "active",
        "deployment": "cloud",
        "locale": "en",
        "time_zone": zone,
        "default_country": country,
    }
    url = f"/admin/accounts/account/{account.pk}/change/"

    page = client.post(url, data)

    assert page.status_code == 200
    assert words in page.content.decode()
    ok = client.post(url, {**data, "time_zone": "Europe/Berlin", "default_country": "de"})
    assert ok.status_code == 302
    assert Account.objects.get().default_country == "DE"
    # The page that came back was a look at the account.
    changes = AuditEntry.objects.exclude(action="viewed_in_admin")
    assert changes.get().action == "account_changed"


def test_a_second_account_of_the_same_name_is_refused(db: None) -> None:
    account = make_account("Acme")
    data = {
        "partner": account.partner.pk,
        "name": "ACME",
        "status": "active",
        "deployment": "cloud",
        "locale": "en",
        "time_zone": "UTC",
        "default_country": "US",
    }

    answer = browser_of(make_staff()).post("/admin/accounts/account/add/", data)

    assert answer.status_code == 200
    assert Account.objects.count() == 1
