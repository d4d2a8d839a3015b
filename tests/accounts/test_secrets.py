"""Do secrets go in and never come out: encrypted at rest, write-only in the admin?"""

import importlib
import sys
from datetime import datetime
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.contrib.admin.models import LogEntry
from django.core import mail as django_mail
from django.core import serializers
from django.core.exceptions import FieldError
from django.core.signals import got_request_exception
from django.db import connection
from django.forms.models import fields_for_model, model_to_dict, modelform_factory
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.views.debug import ExceptionReporter, SafeExceptionReporterFilter
from rest_framework.serializers import ModelSerializer

from accounts import secrets
from accounts.audit import changes
from accounts.models import AuditEntry, TwilioAccount
from accounts.secrets import SecretUnreadableError, is_secret
from config.settings import LAPTOP_FIELD_KEY
from inbox.models import Message, Receipt
from inbox.sending import deliver
from inbox.sending.replying import send_reply
from inbox.status_urls import webhook_url
from inbox.views.settings import home
from tests.admin_world import SECRETS, browser_of, make_staff, sings
from tests.carrier import Twilio
from tests.carrier import twilio as carrier
from tests.conftest import House
from tests.factories import make_account, make_inbox, make_sender, make_twilio_account
from tests.twilio import inbound_form, text_in

__all__ = ["carrier"]

LIST = "/admin/accounts/twilioaccount/"
NEW = "5ec2e7fffffffffffffffffffffffff9"
NUMBER = "+14155550199"


@pytest.fixture
def twilio(db: None, carrier: Twilio) -> TwilioAccount:
    """One whose new token Twilio has as the primary one, beside a key with the same secret."""
    row = make_twilio_account(make_account("Acme"), **SECRETS)
    key = {"sid": "SK1", "secret": NEW}
    known = {"account_sid": row.account_sid, "auth_token": NEW, "api_keys": [key]}
    carrier.tell("config", accounts=[known])
    return row


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


def test_a_new_account_needs_its_token(root: Client, carrier: Twilio) -> None:
    carrier.tell("config", accounts=[{"account_sid": "AC" + "9" * 32, "auth_token": NEW}])
    data = {"account": make_account("New").pk, "account_sid": "AC" + "9" * 32}

    assert "needs its auth token" in root.post(f"{LIST}add/", data).content.decode()
    assert root.post(f"{LIST}add/", {**data, "new_auth_token": NEW}).status_code == 302

    made = TwilioAccount.objects.get(account_sid=data["account_sid"])
    assert (made.auth_token, made.auth_token_next, made.shared_key) == (NEW, "", "")


def promoted_at_twilio(twilio: TwilioAccount, carrier: Twilio) -> None:
    known = {"account_sid": twilio.account_sid, "auth_token": SECRETS["auth_token_next"]}
    carrier.tell("config", accounts=[known])


def test_the_next_token_becomes_the_current_one(
    twilio: TwilioAccount, root: Client, carrier: Twilio
) -> None:
    promoted_at_twilio(twilio, carrier)
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


def test_no_history_holds_a_secret(twilio: TwilioAccount, root: Client, carrier: Twilio) -> None:
    save(root, twilio, new_auth_token=NEW, forget=["shared_key"])
    promoted_at_twilio(twilio, carrier)
    root.post(f"{LIST}promote-token/?ids={twilio.pk}")

    entries = list(LogEntry.objects.values()) + list(AuditEntry.objects.values())
    assert sings(str(entries)) == []
    assert {"twilioaccount_changed", "token_promoted"} <= set(
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
    request = RequestFactory().post("/", {"a": "b"})
    request.exception_reporter_filter = SafeExceptionReporterFilter()
    try:
        raise ValueError(f"about {len(typed)} letters")
    except ValueError:
        reporter = ExceptionReporter(request, *sys.exc_info())

    assert typed in reporter.get_traceback_html()


@pytest.mark.parametrize("debug", [False, True])
def test_a_mailed_report_says_where_it_broke_and_no_content(
    twilio: TwilioAccount, root: Client, settings: Any, monkeypatch: pytest.MonkeyPatch, debug: bool
) -> None:
    settings.ADMINS, settings.DEBUG = [("Ops", "ops@example.com")], debug

    def broken(plain: str) -> str:
        if plain:
            raise ValueError(f"no '{NEW}' for {NUMBER}")
        return ""

    monkeypatch.setattr(secrets, "encrypt", broken)
    root.raise_request_exception = False

    page = save(root, twilio, new_auth_token=NEW).content.decode()

    (mail,) = django_mail.outbox
    for told in (f"{mail.subject}{mail.body}", page):
        assert not {one for one in (NEW, "5ec2e7", NUMBER[2:], "sessionid=") if one in told}
    assert "ValueError" in mail.body
    assert "accounts/secrets.py" in mail.body
    assert "new_auth_token = '…'" in mail.body


# --- Nowhere else --------------------------------------------------------------------------------


def test_nothing_that_shows_a_row_shows_its_secrets(twilio: TwilioAccount) -> None:
    row = TwilioAccount.objects.get(pk=twilio.pk)
    for told in (
        repr(row),
        str(row),
        repr(vars(row)),
        repr(list(TwilioAccount.objects.values())),
        repr(model_to_dict(row)),
        serializers.serialize("json", [row]),
        repr(fields_for_model(TwilioAccount)),
    ):
        assert sings(told.replace("fernet:", "")) == []


def test_a_dump_of_rows_can_be_loaded_again(twilio: TwilioAccount) -> None:
    told = serializers.serialize("json", TwilioAccount.objects.all())
    TwilioAccount.objects.update(auth_token="lost")

    for one in serializers.deserialize("json", told):
        one.save()

    assert stored(twilio) == SECRETS


def test_no_form_and_no_serializer_can_hold_a_secret_by_itself() -> None:
    with pytest.raises(FieldError):
        modelform_factory(TwilioAccount, fields=["auth_token"])


def test_no_serializer_of_the_api_names_a_secret() -> None:
    importlib.import_module("inbox.api")
    waiting = list(ModelSerializer.__subclasses__())
    while waiting:
        serializer = waiting.pop()
        waiting += serializer.__subclasses__()
        model = getattr(getattr(serializer, "Meta", None), "model", None)
        told = getattr(getattr(serializer, "Meta", None), "fields", ())
        secrets_of = {f.name for f in model._meta.fields if is_secret(f)} if model else set()
        assert told != "__all__"
        assert not secrets_of & set(told), serializer


# --- A value that no key opens --------------------------------------------------------------------


@pytest.fixture
def sealed(twilio: TwilioAccount, settings: Any) -> TwilioAccount:
    settings.SECRET_FIELD_KEYS = [Fernet.generate_key().decode()]
    return TwilioAccount.objects.get(pk=twilio.pk)


def test_a_lost_key_costs_only_who_needs_the_secret(sealed: TwilioAccount) -> None:
    with pytest.raises(SecretUnreadableError):
        _ = sealed.auth_token
    sealed.api_key_sid = "SK" + "9" * 32
    sealed.save()

    assert changes(None, sealed)["auth_token"]["after"] == "set, but no key opens it"
    assert TwilioAccount.objects.get(pk=sealed.pk).api_key_sid == "SK" + "9" * 32


def test_a_secret_saved_while_its_key_was_lost_is_there_when_the_key_is_back(
    sealed: TwilioAccount, settings: Any
) -> None:
    sealed.save()

    settings.SECRET_FIELD_KEYS = [LAPTOP_FIELD_KEY]
    assert stored(sealed) == SECRETS


def test_a_page_says_so_instead_of_breaking(
    sealed: TwilioAccount, root: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(home, "administrator", lambda request: sealed.auth_token)

    page = root.get(reverse("settings"), headers={"accept": "text/html"})
    script = root.get(reverse("settings"), headers={"accept": "application/json"})

    assert page.status_code == script.status_code == 503
    assert "A stored secret cannot be read" in page.content.decode()
    assert "SECRET_FIELD_KEYS" in script.json()["error"]


def test_a_webhook_that_cannot_be_checked_is_refused_until_the_key_is_back(
    sealed: TwilioAccount, client: Client
) -> None:
    sender = make_sender(make_inbox(sealed.account), twilio_account=sealed)
    form = inbound_form(sender, "+14155550177", "Hello")

    answer = client.post(webhook_url(sender), form, headers={"X-Twilio-Signature": "any"})

    assert answer.status_code == 503
    assert not Receipt.objects.filter(message_sid=form["MessageSid"]).exists()


def test_a_message_waits_for_the_key(house: House, now: datetime, settings: Any) -> None:
    arrived = text_in(Client(), house.sender, "+14155550177", "Hello")
    assert arrived.conversation is not None
    message = send_reply(
        conversation=arrived.conversation,
        by=house.viewer(house.alice),
        user=house.alice,
        body="Hi",
        client_id="a" * 16,
        now=now,
    )
    settings.SECRET_FIELD_KEYS = [Fernet.generate_key().decode()]

    assert deliver(message.pk, now=now) is None

    message.refresh_from_db()
    assert message.status == Message.Status.QUEUED
