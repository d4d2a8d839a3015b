"""Who and what is there in every test?"""

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from django.test import Client

from accounts.access import Viewer, viewer_of
from accounts.models import Account, Membership, User
from config import celery as celery
from inbox.models import Sender, TeamInbox
from tests.carrier import twilio as twilio
from tests.chromium import chromium as chromium
from tests.factories import make_account, make_inbox, make_sender, make_user

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)


@dataclass
class House:
    """One account with an inbox where Alice and Bob work and Sue supervises."""

    account: Account
    inbox: TeamInbox
    sender: Sender
    alice: User
    bob: User
    sue: User

    def viewer(self, user: User) -> Viewer:
        """Return what a person is entitled to now."""
        return viewer_of(user, now=NOW)


@pytest.fixture
def now() -> datetime:
    """The moment of the test."""
    return NOW


@pytest.fixture
def house(db: None) -> House:
    """Alice and Bob (agents) and Sue (supervisor) share one inbox with one number."""
    account = make_account("Acme")
    inbox = make_inbox(account, "Support")
    return House(
        account=account,
        inbox=inbox,
        sender=make_sender(inbox, "+15550100001"),
        alice=make_user(account, "Alice", team=inbox.team),
        bob=make_user(account, "Bob", team=inbox.team),
        sue=make_user(account, "Sue", team=inbox.team, role=Membership.Role.SUPERVISOR),
    )


@pytest.fixture
def charlie(house: House) -> User:
    """Charlie works for another account, in an inbox with the same slug."""
    account = make_account("Umbrella")
    inbox = make_inbox(account, "Support")
    make_sender(inbox, "+15550100999")
    return make_user(account, "Charlie", team=inbox.team)


@pytest.fixture
def login(client: Client):
    """Return a function that makes a client logged in as somebody."""

    def as_user(user: User) -> Client:
        browser = Client()
        browser.force_login(user, backend="accounts.backends.AuthenticationBackend")
        return browser

    return as_user
