"""Does the admin speak of what people look for, and know what there is no choice about?"""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.utils import timezone

from accounts.admin_index import GROUPS
from accounts.models import Partner, SupportAccess, Team, User
from tests.admin_world import browser_of
from tests.conftest import House
from tests.factories import make_account


@pytest.fixture
def pat(db: None) -> User:
    partner = make_account().partner
    return User.objects.create(
        email="pat@example.com", name="Pat", role="partner", partner=partner, is_staff=True
    )


def test_a_partner_need_not_say_who_they_are(pat: User) -> None:
    page = browser_of(pat).get("/admin/accounts/account/add/").text

    assert f'<option value="{pat.partner_id}" selected>' in page


def test_staff_choose_a_partner(pat: User) -> None:
    Partner.objects.create(name="Southwind")
    root = User.objects.create_superuser("root@platform.example", name="Rita")

    page = browser_of(root).get("/admin/accounts/account/add/").text

    assert "Southwind" in page
    assert '<option value="" selected>' in page


def test_everything_in_the_index_has_its_place(pat: User) -> None:
    named = {name for groups in GROUPS.values() for _title, names in groups for name in names}
    shown = {model.__name__ for model in admin.site._registry}

    assert shown <= named, "what is nowhere would stand under More"
    assert "More" not in browser_of(pat).get("/admin/").text


def test_what_stands_below_a_row_says_that_it_is_not_all(pat: User) -> None:
    account = make_account()
    Team.objects.bulk_create(Team(account=account, name=f"Team {n}") for n in range(40))

    page = browser_of(pat).get(f"/admin/accounts/account/{account.pk}/change/").text

    assert "teams, at most the newest 30" in page.lower()
    assert "Team 39" in page
    assert "Team 5<" not in page


def test_who_answers_stop_is_said_in_words(house: House) -> None:
    pat = User.objects.create(
        email="pia@example.com",
        name="Pia",
        role="partner",
        partner=house.account.partner,
        is_staff=True,
    )
    browser = browser_of(pat)

    listed = browser.get("/admin/inbox/sender/").text
    page = browser.get(f"/admin/inbox/sender/{house.sender.pk}/change/").text

    for shown in (listed, page):
        assert "Twilio, in its standard words" in shown
        assert ">twilio_default<" not in shown
    now = timezone.now()
    SupportAccess.objects.create(
        account=house.account, user=pat, reason="x", starts_at=now, ends_at=now + timedelta(hours=1)
    )
    form = browser.get(f"/admin/inbox/sender/{house.sender.pk}/change/").text
    assert "Who answers STOP, START and HELP" in form
    assert '<option value="twilio_default" selected>Twilio, in its standard words' in form


def test_times_say_that_they_are_utc(pat: User) -> None:
    browser: Client = browser_of(pat)

    for path in ("/admin/", "/admin/accounts/account/", "/admin/fleet/"):
        page: Any = browser.get(path)
        assert page.text.count("Times are UTC.") == 1, path
