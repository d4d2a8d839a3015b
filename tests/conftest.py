"""Who and what is there in every test?"""

import gc
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import cache
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.test import Client, TestCase
from django.utils import translation
from whitenoise.middleware import WhiteNoiseMiddleware

from accounts.access import Viewer, viewer_of
from accounts.ledgers import NeverEmptied
from accounts.models import Account, AuditEntry, Membership, Package, User
from compliance.in_force import RulesInForce, assume
from compliance.jurisdictions import Pack, shipped_pack
from compliance.models import ConsentChain, ConsentEvent, RuleOverride
from config import celery as celery
from inbox.models import ConversationEvent, ForgettingCertificate, Sender, TeamInbox
from routing.models import RulebookVersion
from tests.carrier import twilio as twilio
from tests.chromium import chromium as chromium
from tests.factories import make_account, make_inbox, make_sender, make_user
from tests.migrated import migrated_database

# Files of few tests that take minutes: begun last, they would leave one process alone at the end.
LONGEST = {
    "test_every_page.py",
    "test_admin_at_size.py",
    "test_admin_isolation.py",
    "test_smoke.py",
}
NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
LEDGERS: tuple[Any, ...] = (
    AuditEntry,
    ConsentEvent,
    ConversationEvent,
    ForgettingCertificate,
    RulebookVersion,
    RuleOverride,
)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest, whatever the order of the others.

    Those with a browser come last: it leaves a loop running in its process, in which no other
    may run.
    """
    browsing = {item.path for item in items if "chromium" in getattr(item, "fixturenames", ())}
    items.sort(key=lambda item: (item.path in browsing, item.path.name not in LONGEST))


# The head of a ledger moves on, and is as little emptied as the ledger.
NEVER_EMPTIED = (*LEDGERS, ConsentChain)


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


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Look for garbage among what tests leave, and not again and again through all the code."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 50)


@pytest.fixture(scope="session", autouse=True)
def _static_files_are_found_once() -> Iterator[None]:
    """Every client of a test has middleware of its own, which looks through all folders."""
    look = WhiteNoiseMiddleware.add_files_from_finders
    found: dict[str, Any] = {}

    def add_files_from_finders(self: WhiteNoiseMiddleware) -> None:
        if not found:
            look(self)
            found.update(self.files)
        self.files.update(found)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WhiteNoiseMiddleware, "add_files_from_finders", add_files_from_finders)
        yield


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings: None, django_db_blocker: Any
) -> None:
    """Begin with a copy of a database that was migrated before."""
    with django_db_blocker.unblock():
        connection.settings_dict["TEST"]["TEMPLATE"] = migrated_database()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """Tests that commit clean up after themselves by emptying every table, the ledgers too."""
    with django_db_blocker.unblock():
        let_ledgers_be_emptied()


def let_ledgers_be_emptied() -> None:
    """Switch off, in the database of tests, what refuses to empty a ledger."""
    with connection.cursor() as cursor:
        for ledger in NEVER_EMPTIED:
            for trigger in ledger._meta.triggers:
                if isinstance(trigger, NeverEmptied):
                    table, name = ledger._meta.db_table, trigger.get_pgid(ledger)
                    cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER {name}")


@pytest.fixture
def _django_db_helper(
    _django_db_helper: None,
    content_types: Sequence[ContentType],
    permissions: Sequence[Permission],
) -> None:
    """Put back what a new installation begins with: tests that commit empty every table."""
    _begin_as_installed(content_types, permissions)


@pytest.fixture(scope="module")
def db_of_file(
    django_db_setup: None,
    django_db_blocker: Any,
    content_types: Sequence[ContentType],
    permissions: Sequence[Permission],
) -> Iterator[None]:
    """A transaction around all the tests of a file, for rows that each of them begins with.

    What a test writes is undone before the next one, and these rows after the last. Not for files
    with tests that commit.
    """
    with django_db_blocker.unblock():
        # As around a test: stories may open a transaction of their own in it.
        blocks = TestCase._enter_atomics()  # type: ignore[attr-defined]
        _begin_as_installed(content_types, permissions)
        translation.activate(settings.LANGUAGE_CODE)
        assume(RulesInForce(_reviewed_on(datetime.now(UTC).date())))
        yield
        TestCase._rollback_atomics(blocks)  # type: ignore[attr-defined]


def _begin_as_installed(
    content_types: Sequence[ContentType], permissions: Sequence[Permission]
) -> None:
    if Package.objects.exists():
        return
    migration = import_module("accounts.migrations.0009_entitlements_data")
    migration.fill_catalogue(apps, None)
    # With the numbers that running processes remember.
    ContentType.objects.all().delete()
    ContentType.objects.bulk_create(content_types)
    Permission.objects.bulk_create(permissions)
    ContentType.objects.clear_cache()


@pytest.fixture(scope="session")
def content_types(django_db_setup: None, django_db_blocker: Any) -> Sequence[ContentType]:
    """The content types as they were before any test."""
    with django_db_blocker.unblock():
        return list(ContentType.objects.all())


@pytest.fixture(autouse=True)
def _in_english() -> None:
    """Begin in English, whatever the page that was asked for last."""
    translation.activate(settings.LANGUAGE_CODE)


@pytest.fixture(autouse=True)
def _rules_as_shipped() -> None:
    """Begin with the rules that come with the product, whatever the test before installed."""
    assume(RulesInForce(_reviewed_on(datetime.now(UTC).date())))


@cache
def _reviewed_on(day: date) -> Pack:
    """Return the shipped pack as if somebody had looked at it lately, whenever a test is run."""
    pack = shipped_pack()
    rows = {code: replace(row, last_reviewed=day) for code, row in pack.rows.items()}
    return replace(pack, rows=rows)


@pytest.fixture(scope="session")
def permissions(django_db_setup: None, django_db_blocker: Any) -> Sequence[Permission]:
    """The permissions as they were before any test."""
    with django_db_blocker.unblock():
        return list(Permission.objects.all())


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
