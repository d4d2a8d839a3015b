"""Do secrets go in and never come out: encrypted at rest, write-only in the admin?"""

import sys
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.contrib.admin.models import LogEntry
from django.core.signals import got_request_exception
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.views.debug import ExceptionReporter

from accounts import secrets
from accounts.models import AuditEntry, TwilioAccount
from tests.admin_world import SECRETS, browser_of, make_staff, sings
from tests.factories import make_account, make_twilio_account

LIST = "/admin/accounts/twilioaccount/"
NEW = "5ec2e7fffffffffffffffffffffffff9"


@pytest.fixture
def twilio(db: None) -> TwilioAccount:
    return make_twilio_account(make_account("Acme"), **SECRETS)


@pytest.fixture
def root(db: None) -> Client:
    return browser_of(make_staff())


def stored(twilio: TwilioAccount) -> dict[str, str]:
    fresh = TwilioAccount.objects.get(pk=twilio.pk)
    return {name: getattr(fresh, name) for name in SECRETS}


def save(client: Client, twilio: TwilioAccount, **fields: Any) -> Any:
    return client.post(f"{LIST}{twilio.pk}/change/", {"api_key_sid": "SK1", **fields})


# --- At rest -------------------------------------------------------------------------------------


def test_a_secret_is_encrypted_in_the_database(twilio: TwilioAccount) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT auth_token, shared_key FROM accounts_twilioaccount")
        row = cursor.fetchone()

    assert all(value.startswith("fernet:") for value in row)
    assert SECRETS["auth_token"] not in str(row)
    assert stored(twilio) == SECRETS


def test_the_same_secret_never_looks_the_same() -> None:
    assert secrets.encrypt("a") != secrets.encrypt("a")
    assert secrets.encrypt("") == ""
    assert secrets.decrypt("") == ""


def test_an_old_key_still_opens_and_a_lost_key_says_so(settings: Any) -> None:
    old, new = (Fernet.generate_key().decode() for _ in range(2))
    settings.SECRET_FIELD_KEYS = [old]
    kept = secrets.encrypt("hello")

    settings.SECRET_FIELD_KEYS = [new, old]
    assert secrets.decrypt(kept) == "hello"

    settings.SECRET_FIELD_KEYS = [new]
    with pytest.raises(secrets.SecretUnreadableError) as caught:
        secrets.decrypt(kept)
    assert "SECRET_FIELD_KEYS" in caught.value.reason


def test_a_name_does_not_tell_the_secret(twilio: TwilioAccount) -> None:
    assert sings(f"{twilio} {twilio!r}") == []


# --- In the admin --------------------------------------------------------------------------------


def test_no_page_shows_a_secret(twilio: TwilioAccount, root: Client) -> None:
    save(root, twilio, new_auth_token=NEW)

    for page in ("", "add/", *(f"{twilio.pk}/{p}/" for p in ("change", "history", "delete"))):
        answer = root.get(f"{LIST}{page}")
        assert answer.status_code == 200, page
        assert sings(answer.content) == [], page
    page = root.get(f"{LIST}{twilio.pk}/change/").content.decode()
    assert page.count('type="password"') == 4
    assert page.count(">set</div>") == 4


def test_a_refused_form_does_not_give_the_secret_back(twilio: TwilioAccount, root: Client) -> None:
    answer = save(root, twilio, new_shared_key=NEW, forget=["shared_key"])

    assert answer.status_code == 200
    assert "Either set it or remove it." in answer.content.decode()
    assert sings(answer.content) == []
    assert stored(twilio) == SECRETS


def test_empty_keeps_and_typed_replaces(twilio: TwilioAccount, root: Client) -> None:
    assert save(root, twilio).status_code == 302
    assert stored(twilio) == SECRETS

    save(root, twilio, new_api_key_secret=NEW)
    assert stored(twilio) == {**SECRETS, "api_key_secret": NEW}


def test_an_optional_secret_can_be_removed(twilio: TwilioAccount, root: Client) -> None:
    save(root, twilio, forget=["shared_key", "auth_token_next"])

    assert stored(twilio) == {**SECRETS, "shared_key": "", "auth_token_next": ""}
    page = root.get(f"{LIST}{twilio.pk}/change/").content.decode()
    assert page.count(">not set</div>") == 2


def test_the_only_token_cannot_be_removed(twilio: TwilioAccount, root: Client) -> None:
    save(root, twilio, forget=["auth_token"])

    assert stored(twilio) == SECRETS


def test_a_new_account_needs_its_token(root: Client) -> None:
    data = {"account": make_account("New").pk, "account_sid": "AC" + "9" * 32}

    assert "needs its auth token" in root.post(f"{LIST}add/", data).content.decode()
    assert root.post(f"{LIST}add/", {**data, "new_auth_token": NEW}).status_code == 302

    made = TwilioAccount.objects.get(account_sid=data["account_sid"])
    assert (made.auth_token, made.auth_token_next, made.shared_key) == (NEW, "", "")


def test_the_next_token_becomes_the_current_one(twilio: TwilioAccount, root: Client) -> None:
    page = root.get(f"{LIST}{twilio.pk}/change/").content.decode()
    url = f"{LIST}promote-token/?ids={twilio.pk}"
    assert url in page

    root.post(url)

    assert stored(twilio) == {
        **SECRETS,
        "auth_token": SECRETS["auth_token_next"],
        "auth_token_next": "",
    }
    assert url not in root.get(f"{LIST}{twilio.pk}/change/").content.decode()


def test_no_history_holds_a_secret(twilio: TwilioAccount, root: Client) -> None:
    save(root, twilio, new_auth_token=NEW, forget=["shared_key"])
    root.post(f"{LIST}promote-token/?ids={twilio.pk}")

    entries = list(LogEntry.objects.values()) + list(AuditEntry.objects.values())
    assert sings(str(entries)) == []
    assert {"twilioaccount_changed", "twilioaccount_token_promoted"} <= set(
        AuditEntry.objects.values_list("action", flat=True)
    )
    assert "auth token" in str(entries).lower()


def test_pages_do_not_even_read_a_secret(twilio: TwilioAccount, root: Client) -> None:
    """What was never read cannot be shown, and a lost key does not close the page."""
    with CaptureQueriesContext(connection) as captured:
        for page in ("", f"{twilio.pk}/change/", f"{twilio.pk}/history/"):
            assert root.get(f"{LIST}{page}").status_code == 200
        save(root, twilio, api_key_sid="SK2")

    for query in captured:
        chosen, _, rest = query["sql"].partition(" FROM ")
        for name in SECRETS:
            bare = chosen.replace(f'NOT ("accounts_twilioaccount"."{name}" = \'\')', "")
            assert not (bare.startswith("SELECT") and f'."{name}"' in bare), query["sql"]


def test_an_error_report_tells_no_secret(
    twilio: TwilioAccount, root: Client, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    """As when the encryption key is broken: the frames below hold what was typed."""
    settings.ADMINS = [("Ops", "ops@example.com")]

    def broken() -> Any:
        raise ValueError("no key")

    monkeypatch.setattr(secrets, "cipher", broken)
    reports = []

    def report(**kwargs: Any) -> None:
        reporter = ExceptionReporter(kwargs["request"], *sys.exc_info())
        reports.append(reporter.get_traceback_html() + reporter.get_traceback_text())

    got_request_exception.connect(report)
    root.raise_request_exception = False
    try:
        answer = save(root, twilio, new_auth_token=NEW, new_shared_key=NEW)
    finally:
        got_request_exception.disconnect(report)

    assert answer.status_code == 500
    assert len(reports) == 1
    assert "ValueError" in reports[0]
    assert "5ec2e7" not in reports[0]


def test_a_report_would_have_told_it_otherwise() -> None:
    """The test above looks in the right place."""
    typed = "5ec2e7" + "0" * 6
    try:
        raise ValueError(f"about {len(typed)} letters")
    except ValueError:
        reporter = ExceptionReporter(RequestFactory().post("/", {"a": "b"}), *sys.exc_info())

    assert typed in reporter.get_traceback_html()
