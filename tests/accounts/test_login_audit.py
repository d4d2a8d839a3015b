"""Is every log-in, and every try, on record?"""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry
from tests.conftest import House
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db


def _log_in(browser: Client, email: str, password: str):
    return browser.post(reverse("account_login"), {"login": email, "password": password})


def test_a_log_in_and_a_log_out_are_on_record(house: House, client: Client) -> None:
    assert _log_in(client, house.alice.email, PASSWORD).status_code == 302
    client.post(reverse("account_logout"))

    came, went = AuditEntry.objects.order_by("pk")
    assert (came.action, went.action) == ("logged_in", "logged_out")
    assert came.actor == went.actor == house.alice
    assert came.account == house.account
    assert came.network == "127.0.0.0/24"
    assert came.session != ""


def test_a_failed_try_is_on_record_under_the_account_it_was_meant_for(
    house: House, client: Client
) -> None:
    _log_in(client, house.alice.email, "wrong-password-entirely")

    (line,) = AuditEntry.objects.all()
    assert (line.action, line.subject, line.actor) == ("log_in_failed", "Alice", None)
    assert line.account == house.account
    assert "wrong-password" not in str(vars(line))


def test_what_was_typed_as_an_unknown_address_is_not_kept(house: House, client: Client) -> None:
    for _ in range(2):
        _log_in(client, "my-password-by-mistake@example.com", "x")

    first, second = AuditEntry.objects.all()
    assert first.action == "log_in_failed"
    assert first.subject == second.subject
    assert first.account is None
    assert "mistake" not in str(vars(first))
