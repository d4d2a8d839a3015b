"""Do partners suspend, reactivate and close the subaccounts of their accounts, and no others?"""

from typing import Any

import pytest
from django.test import Client

from accounts.models import Account, AuditEntry, TwilioAccount
from inbox.models import Sender
from inbox.setup.subaccounts import open_subaccount
from tests.admin_world import browser_of, make_partner_user
from tests.carrier import Twilio
from tests.conftest import NOW
from tests.factories import make_account, make_inbox, make_sender, make_twilio_account
from tests.inbox.setup.twilio_world import PLATFORM, PLATFORM_TOKEN, world

BASE = "/admin/accounts/twilioaccount/"


@pytest.fixture
def account(twilio: Twilio, settings: Any, db: None) -> Account:
    world(twilio)
    settings.TWILIO_PLATFORM_SID, settings.TWILIO_PLATFORM_TOKEN = PLATFORM, PLATFORM_TOKEN
    return make_account("Acme", partner_name="Northwind")


@pytest.fixture
def subaccount(account: Account) -> TwilioAccount:
    row = open_subaccount(account=account, by=None, now=NOW)
    make_sender(make_inbox(account, "Support"), "+15550107777", twilio_account=row)
    return row


@pytest.fixture
def pat(account: Account) -> Client:
    return browser_of(make_partner_user(account.partner))


def at(twilio: Twilio, row: TwilioAccount) -> str:
    return str(twilio.simulator.parts.store.accounts[row.account_sid].status)


def test_the_page_says_what_hangs_on_it_and_then_it_is_suspended(
    pat: Client, subaccount: TwilioAccount, twilio: Twilio
) -> None:
    url = f"{BASE}suspend/?ids={subaccount.pk}"

    page = pat.get(url).content.decode()
    assert "+15550107777" in page
    assert "The Twilio account of Acme is suspended." in page
    assert "Customers waiting" in page
    assert at(twilio, subaccount) == "active"
    pat.post(url)

    assert at(twilio, subaccount) == "suspended"
    assert Sender.objects.get().is_paused
    pat.post(f"{BASE}reactivate/?ids={subaccount.pk}")
    assert at(twilio, subaccount) == "active"
    assert not Sender.objects.get().is_paused
    assert AuditEntry.objects.filter(action="subaccount_status_changed").count() == 2


def test_closing_is_for_ever(pat: Client, subaccount: TwilioAccount, twilio: Twilio) -> None:
    looked = pat.get(f"{BASE}close/?ids={subaccount.pk}").text
    assert "The Twilio account of Acme is closed for ever." in looked
    assert "+15550107777" in looked
    pat.post(f"{BASE}close/?ids={subaccount.pk}")

    assert at(twilio, subaccount) == "closed"
    assert Sender.objects.get().is_removed
    pat.post(f"{BASE}reactivate/?ids={subaccount.pk}")
    assert at(twilio, subaccount) == "closed"


def test_when_twilio_is_away_nothing_is_changed_here(
    pat: Client, subaccount: TwilioAccount, twilio: Twilio
) -> None:
    twilio.fault("server_error", on="accounts POST")

    page = pat.post(f"{BASE}suspend/?ids={subaccount.pk}", follow=True)

    assert "Twilio does not answer right now" in page.content.decode()
    subaccount.refresh_from_db()
    assert subaccount.status == "active"


def test_another_partner_and_a_customers_own_twilio_are_out_of_reach(
    subaccount: TwilioAccount, pat: Client, twilio: Twilio
) -> None:
    elsewhere = make_account("Umbrella", partner_name="Southwind")
    other = browser_of(make_partner_user(elsewhere.partner, "sid@southwind.example"))
    own = make_twilio_account(subaccount.account)

    other.post(f"{BASE}close/?ids={subaccount.pk}")
    pat.post(f"{BASE}close/?ids={own.pk}")

    assert at(twilio, subaccount) == "active"
    own.refresh_from_db()
    assert own.status == "active"
