"""Do the mails about one's log-in speak of this product, in its words?"""

from typing import Any

import pytest
from django.core import mail
from django.test import Client

from tests.conftest import House
from tests.factories import PASSWORD


@pytest.fixture(autouse=True)
def _no_rate_limits(settings: Any) -> None:
    """Other tests log in from the same address."""
    settings.ACCOUNT_RATE_LIMITS = False


def sent() -> tuple[str, str]:
    [letter] = mail.outbox
    return str(letter.subject), str(letter.body)


def test_who_forgot_their_password_reads_where_to_choose_another(
    house: House, client: Client
) -> None:
    client.post("/accounts/password/reset/", {"email": house.alice.email})

    subject, body = sent()
    assert subject == "A new password for Team Inbox"
    assert body.startswith("Hello,")
    assert "/accounts/password/reset/key/" in body
    assert "user account" not in body


@pytest.mark.django_db(transaction=True)
def test_who_has_another_password_is_told_what_to_do_if_it_was_not_them(
    house: House, client: Client
) -> None:
    new = PASSWORD[::-1]
    client.post("/accounts/login/", {"login": house.alice.email, "password": PASSWORD})

    data = {"oldpassword": PASSWORD, "password1": new, "password2": new}

    client.post("/accounts/password/change/", data)

    _subject, body = sent()
    assert "your log-in to Team Inbox was changed:" in body
    assert "tell your\naccount admin at once" in body
    assert "(UTC)" in body
